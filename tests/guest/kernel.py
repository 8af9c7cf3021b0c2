"""A stock Debian kernel: downloaded once, unpacked, and made ready to start."""

import dataclasses
import lzma
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import cache
from cache import GuestError

HERE = pathlib.Path(__file__).resolve().parent

PACKAGES = {
    "apt-get": "apt",
    "apt-cache": "apt",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "depmod": "kmod",
    "dpkg": "dpkg",
    "modprobe": "kmod",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
    "zstd": "zstd",
}

# In the snapshot, because loading one later takes 0.1 s. Everything else loads on demand.
MODULES = """
    virtio_pci virtio_console 9pnet_virtio 9p overlay
    wireguard dummy veth tun bridge vrf ifb macvlan vxlan ipip sch_netem sch_tbf inet_diag
    nf_tables nf_conntrack nf_conntrack_netlink nf_flow_table nf_flow_table_inet
    nft_chain_nat nft_compat nft_connlimit nft_ct nft_fib_inet nft_fib_ipv4 nft_fib_ipv6
    nft_flow_offload nft_hash nft_limit nft_log nft_masq nft_nat nft_numgen nft_quota nft_redir
    nft_reject_inet nft_reject_ipv4 nft_reject_ipv6 nft_socket nft_tproxy nft_tunnel
    xt_MASQUERADE xt_TCPMSS xt_addrtype xt_comment xt_connmark xt_conntrack xt_mark xt_nat xt_set
    xt_tcpudp
""".split()
MODULE_OPTIONS = {"dummy": "numdummies=0", "ifb": "numifbs=0"}  # no dummy0, ifb0 at load


@dataclasses.dataclass(frozen=True)
class Kernel:
    version: str  # as asked for: "6.1"
    home: pathlib.Path

    @property
    def vmlinux(self):
        return self.home / "vmlinux"

    @property
    def modules(self):
        return self.home / "lib/modules"

    @property
    def release(self):
        return next(self.modules.iterdir()).name


def tool(name):
    """The path of a host command; an error that names its package when there is none."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not path:
        raise GuestError(f"{name} is missing on this host: apt-get install {PACKAGES[name]}")
    return path


def require_tools():
    missing = []
    for name in ("qemu-system-x86_64", "busybox", "depmod", "modprobe", "cpio", "setpriv"):
        try:
            tool(name)
        except GuestError:
            missing.append(PACKAGES[name])
    if missing:
        wanted = " ".join(sorted(set(missing)))
        raise GuestError(f"packages are missing on this host: apt-get install {wanted}")


def call(name, *arguments, **options):
    """Runs a host command and returns its output."""
    argv = [tool(name), *map(str, arguments)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(argv, start_new_session=True, **pipes, **options) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()  # ends when its children have ended, too
            raise
    if process.returncode:
        raise GuestError(f"{' '.join(argv)}: {errors.decode(errors='replace').strip()}")
    return output


def find(version):
    """The kernel in the cache, or None."""
    kernel = Kernel(version, cache.folder() / f"kernel-{version}")
    return kernel if kernel.home.exists() else None


def acquire(version):
    """The kernel in the cache, downloaded if it is not there. Needs the exclusive cache lock."""
    if not find(version):
        package = newest_package(version)
        print(f"guest: downloading {package}", file=sys.stderr, flush=True)
        with cache.making(cache.folder() / f"kernel-{version}") as home:
            unpack(package, home)
    return find(version)


def newest_package(version):
    form = rf"linux-image-{re.escape(version)}\.\d+(-\d+|\+deb\d+)-amd64"
    found = call("apt-cache", "search", "--names-only", f"^linux-image-{re.escape(version)}\\.")
    names = [line.split()[0] for line in found.decode().splitlines()]
    packages = [name for name in names if re.fullmatch(form, name)]
    if not packages:
        raise GuestError(f"apt knows no kernel linux-image-{version}.*-amd64 (apt-get update?)")
    return max(packages, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def unpack(package, home):
    call("apt-get", "download", package, cwd=home)
    archive = next(home.glob("*.deb"))
    call("dpkg", "-x", archive, home)
    archive.unlink()
    image = next((home / "boot").glob("vmlinuz-*"))
    (home / "vmlinux").write_bytes(uncompressed(image.read_bytes()))
    shutil.rmtree(home / "boot")
    call("depmod", "-b", home, image.name.removeprefix("vmlinuz-"))


def uncompressed(image):
    """The ELF file inside a bzImage: it starts without the 4 s of emulated decompression."""
    for magic, decompress in ((b"\xfd7zXZ\0", unxz), (b"\x28\xb5\x2f\xfd", unzstd)):
        at = image.find(magic)
        while at >= 0:
            elf = decompress(image[at:])
            if elf.startswith(b"\x7fELF"):
                return elf
            at = image.find(magic, at + 1)
    raise GuestError("no xz or zstd stream with a kernel in vmlinuz")


def unxz(data):
    try:
        return lzma.LZMADecompressor().decompress(data)
    except lzma.LZMAError:
        return b""


def unzstd(data):
    # Not call(): what follows the stream makes zstd report an error.
    return subprocess.run([tool("zstd"), "-dcq"], input=data, capture_output=True).stdout


def build_initrd(kernel, scratch, target):
    """Writes an initrd of busybox, modules, init and agent; `scratch` is an empty folder."""
    for name in ("bin", "dev", "host", "proc", "root", "run", "sys", "upper", "modules"):
        (scratch / name).mkdir()
    shutil.copy(static_busybox(), scratch / "bin/busybox")
    shutil.copy(HERE / "init", scratch / "init")
    shutil.copy(HERE / "agent.py", scratch / "agent.py")
    copy_modules(kernel, scratch / "modules")
    names = "\0".join(str(path.relative_to(scratch)) for path in sorted(scratch.rglob("*")))
    with open(target, "wb") as file:
        command = [tool("cpio"), "-o", "-0", "-H", "newc", "--quiet"]
        subprocess.run(command, cwd=scratch, input=names.encode(), stdout=file, check=True)


def static_busybox():
    path = tool("busybox")
    if b"/ld-linux" in pathlib.Path(path).read_bytes()[:4096]:
        raise GuestError(f"{path} is not static: apt-get install busybox-static")
    return path


def copy_modules(kernel, target):
    """Copies the modules and what they need; `order` lists them as insmod must load them."""
    shown = call(
        "modprobe", "-C", "/dev/null", "-d", kernel.home, "-S", kernel.release, "-a", "-D", *MODULES
    )
    files = [line.split()[1] for line in shown.decode().splitlines() if line.startswith("insmod")]
    order = []
    for file in map(pathlib.Path, dict.fromkeys(files)):
        name = file.name.split(".ko")[0]
        data = file.read_bytes()
        (target / name).write_bytes(lzma.decompress(data) if file.suffix == ".xz" else data)
        order.append(f"{name} {MODULE_OPTIONS.get(name, '')}\n")
    (target / "order").write_text("".join(order))
