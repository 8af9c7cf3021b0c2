"""A qemu process with its monitor, its job port and its console."""

import dataclasses
import json
import os
import pathlib
import shlex
import socket
import subprocess
import time

from cache import GuestError, GuestTimeout
from kernel import Kernel, tool

# fb_tunnels: else ipip puts a tunl0 into each new network namespace.
COMMAND_LINE = (
    "console=ttyS0 quiet panic=-1 oops=panic tsc=reliable cryptomgr.notests fb_tunnels=none"
)
CONSOLE_TAIL = 3000


@dataclasses.dataclass(frozen=True)
class Machine:
    kernel: Kernel
    initrd: pathlib.Path
    ram: pathlib.Path
    cpus: int
    mem: int  # MiB


class Qemu:
    """Always emulates (TCG). Dies with the thread that made it, so that nothing leaves it behind.

    With `resume`, a snapshot's state file, it starts where that was taken and keeps its memory to
    itself; without, it boots and its memory ends up in machine.ram.
    """

    def __init__(self, machine, share=None, resume=None):
        self._console = os.memfd_create("console")
        self._errors = os.memfd_create("errors")
        self._monitor, monitor = socket.socketpair()
        self.port, port = socket.socketpair()
        fds = (self._console, monitor.fileno(), port.fileno())
        with monitor, port:
            self._process = subprocess.Popen(
                arguments(machine, share, resume, *fds),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                pass_fds=fds,
                start_new_session=True,  # a Ctrl-C is for the runner to handle
            )
        try:
            self._set_up(resume)
        except BaseException:
            self.close()
            raise

    def _set_up(self, resume):
        self._monitor.settimeout(60)
        self._replies = self._monitor.makefile("r")
        self._reply()  # the greeting
        self.command("qmp_capabilities")
        capability = {"capability": "x-ignore-shared", "state": True}
        self.command("migrate-set-capabilities", capabilities=[capability])
        if resume:
            self.command("migrate-incoming", uri=f"exec:cat {shlex.quote(str(resume))}")
            self._wait_for_migration()
            self.command("cont")

    def _reply(self):
        try:
            line = self._replies.readline()
        except TimeoutError:
            raise self.failure("qemu does not answer", GuestTimeout) from None
        except OSError:
            line = ""
        if not line:
            raise self.failure("qemu ended")
        return json.loads(line)

    def command(self, name, **arguments):
        message = json.dumps({"execute": name, "arguments": arguments}) + "\n"
        try:
            self._monitor.sendall(message.encode())
        except OSError:
            raise self.failure("qemu ended") from None
        while True:
            reply = self._reply()
            if "error" in reply:
                raise self.failure(f"qemu refused {name}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]

    def _wait_for_migration(self):
        while (status := self.command("query-migrate").get("status")) != "completed":
            if status == "failed":
                raise self.failure("qemu cannot use or write the snapshot")
            time.sleep(0.02)

    def save(self, state):
        """Writes the state of the devices and CPUs to a file and ends qemu."""
        self.command("stop")
        self.command("migrate", uri=f"exec:cat >{shlex.quote(str(state))}")
        self._wait_for_migration()
        self.command("quit")
        self._process.wait(60)

    def console(self):
        return contents(self._console)

    def failure(self, what, kind=GuestError):
        """The error with what qemu and the guest's console said last."""
        errors = contents(self._errors).strip()
        tail = self.console()[-CONSOLE_TAIL:].strip()
        said = f"\nqemu: {errors}" if errors else ""
        return kind(f"{what}{said}\nconsole:\n{tail or '(empty)'}")

    def kill(self):
        self._process.kill()

    def close(self):
        self.kill()
        self._process.wait()
        for end in (self._monitor, self.port):
            end.close()
        for fd in (self._console, self._errors):
            os.close(fd)


def contents(fd):
    return os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace")


def arguments(machine, share, resume, console, monitor, port):
    """The same devices for making a snapshot and for using it: `share` is always there."""
    memory = f"memory-backend-file,id=ram,size={machine.mem}M,mem-path={quoted(machine.ram)}"
    return [
        tool("setpriv"), "--pdeathsig=KILL", tool("qemu-system-x86_64"),
        "-machine", "q35,memory-backend=ram", "-accel", "tcg", "-cpu", "max",
        "-smp", str(machine.cpus), "-m", str(machine.mem),
        "-object", f"{memory},share={'off' if resume else 'on'}",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-kernel", str(machine.kernel.vmlinux), "-initrd", str(machine.initrd),
        "-append", COMMAND_LINE,
        "-serial", f"file:/dev/fd/{console}",
        "-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control",
        "-device", "virtio-serial-pci",
        "-chardev", f"socket,id=port,fd={port}", "-device", "virtserialport,chardev=port",
        *folder("host", "/", "readonly=on"),
        *folder("modules", machine.kernel.modules, "readonly=on"),
        *folder("share", share or machine.kernel.modules, f"readonly={'off' if share else 'on'}"),
        *(("-incoming", "defer") if resume else ()),
    ]  # fmt: skip


def folder(tag, path, access):
    common = "security_model=none,multidevs=remap"
    return "-virtfs", f"local,path={quoted(path)},mount_tag={tag},{common},{access}"


def quoted(path):
    return str(path).replace(",", ",,")
