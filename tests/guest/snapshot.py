"""A guest that has booted and loaded its modules, kept in the cache: it resumes in 0.1 s."""

import contextlib
import hashlib
import os
import shutil
import socket
import sys

import cache
import kernel as kernels
from cache import GuestTimeout
from qemu import Machine, Qemu

BOOT_TIMEOUT = 180
SOURCES = ("agent.py", "init", "kernel.py", "qemu.py", "snapshot.py")


class Snapshot:
    def __init__(self, kernel, cpus, mem):
        self._name = f"snapshot-{kernel.version}-{cpus}cpu-{mem}M"
        self.home = cache.folder() / f"{self._name}-{key(kernel)}"
        self.state = self.home / "state"
        self.machine = self._machine(self.home, kernel, cpus, mem)

    @staticmethod
    def _machine(home, kernel, cpus, mem):
        return Machine(kernel, home / "initrd", home / "ram", cpus, mem)

    def exists(self):
        with contextlib.suppress(OSError):
            return self.state.stat().st_size and self._ram_is_whole()
        return False

    def _ram_is_whole(self):
        # qemu would silently extend a truncated one.
        return self.machine.ram.stat().st_size == self.machine.mem << 20

    def make(self):
        """Boots a guest and saves it in place of all before it. Needs the exclusive cache lock."""
        print(f"guest: making {self._name}", file=sys.stderr, flush=True)
        with cache.making(self.home) as home:
            there = self._machine(home, self.machine.kernel, self.machine.cpus, self.machine.mem)
            (home / "tree").mkdir()
            kernels.build_initrd(there.kernel, home / "tree", there.initrd)
            shutil.rmtree(home / "tree")
            boot_and_save(there, home / "state")
        self._discard_outdated()

    def remake(self):
        with cache.lock(exclusive=True):
            self.make()

    def _discard_outdated(self):
        """Removes its outdated versions; a guest that runs from one is not harmed."""
        for each in cache.folder().glob(f"{self._name}-*"):
            if each != self.home:
                shutil.rmtree(each, ignore_errors=True)


def boot_and_save(machine, state):
    with contextlib.closing(Qemu(machine)) as qemu:
        qemu.port.settimeout(BOOT_TIMEOUT)
        try:
            booted = qemu.port.makefile("rb").readline() == b"ready\n"
        except socket.timeout:
            late = f"the kernel did not boot in {BOOT_TIMEOUT} s"
            raise qemu.failure(late, GuestTimeout) from None
        if not booted or "not loaded" in qemu.console():
            raise qemu.failure("the kernel did not boot, or not with all modules")
        qemu.save(state)


def key(kernel):
    """Changes with everything a snapshot depends on."""
    digest = hashlib.sha256(kernel.release.encode())
    digest.update(kernels.call("qemu-system-x86_64", "--version"))
    busybox = os.stat(kernels.tool("busybox"))
    digest.update(f"{busybox.st_size} {busybox.st_mtime_ns}".encode())
    for name in SOURCES:
        digest.update((kernels.HERE / name).read_bytes())
    return digest.hexdigest()[:12]


def obtain(version, cpus, mem):
    """The snapshot, made first if it is not there, together with its kernel."""
    kernels.require_tools()
    with cache.lock(exclusive=False):
        kernel = kernels.find(version)
        if kernel and (found := Snapshot(kernel, cpus, mem)).exists():
            return found
    with cache.lock(exclusive=True):
        snapshot = Snapshot(kernels.acquire(version), cpus, mem)
        if not snapshot.exists():
            snapshot.make()
        return snapshot
