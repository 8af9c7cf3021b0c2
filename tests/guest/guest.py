"""A stock Debian kernel, emulated, whose root is the host's root under a layer in memory."""

import argparse
import os
import signal
import sys
import time

import agent
import cache
import snapshot
from cache import GuestError, GuestTimeout
from qemu import Qemu

START_TIMEOUTS = (120, 600)  # of the first try and of the second
KILL_TIMEOUT = 30
OUTPUT_LIMIT = 4 << 20  # bytes of a command's output that are kept: the last ones


class CommandTimedOut(Exception):
    """A command was killed because it ran too long; the guest is ready for the next one."""


class Guest:
    """Starts in about a second, from a snapshot that is made first if there is none.

        with Guest() as guest:
            status, output = guest.run("ip link add wg0 type wireguard", timeout=10)

    Files keep their paths; what the guest writes stays in its memory, except below `share`, a
    folder of the host. Each command finds the kernel as the one before left it, but none of its
    processes and no named network namespaces.
    """

    def __init__(self, kernel="6.1", cpus=1, mem=1024, share=None, expedited=False):
        self._qemu = None
        self._output = bytearray()
        if share and not os.path.isdir(share):
            raise GuestError(f"no folder to share: {share}")
        settings = {"share": os.path.realpath(share) if share else None, "expedited": expedited}
        start = snapshot.obtain(kernel, cpus, mem)
        try:
            self._start_patiently(start, settings)
        except GuestTimeout:
            raise
        except GuestError as error:
            print(f"guest: the snapshot does not work, making it anew: {error}", file=sys.stderr)
            start.remake()
            self._start_patiently(start, settings)

    def _start_patiently(self, start, settings):
        """A timeout is no sign of a broken snapshot: the machine may be busy."""
        first, second = START_TIMEOUTS
        try:
            return self._start(start, settings, first)
        except GuestTimeout:
            print(f"guest: slow to start, trying again for {second} s", file=sys.stderr)
        try:
            self._start(start, settings, second)
        except GuestTimeout as error:
            which = f"{start.home} (to be removed if it is broken)"
            raise GuestTimeout(f"twice too slow from {which}: {error}") from None

    def _start(self, start, settings, timeout):
        self._buffer = bytearray()
        try:
            with cache.lock(exclusive=False):
                self._qemu = Qemu(start.machine, settings["share"], start.state)
                self._resume(settings, timeout)
        except BaseException:
            self.close()
            raise

    def _resume(self, settings, timeout):
        self._send(f"{sys.executable}\n".encode())
        settings = {**settings, "now": time.time(), "entropy": os.urandom(512)}
        self._send(agent.pack(("start", settings)))
        try:
            self._receive(time.monotonic() + timeout)
        except TimeoutError:
            late = f"the guest did not start in {timeout} s"
            raise self._qemu.failure(late, GuestTimeout) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._qemu:
            self._qemu.close()
            self._qemu = None

    def kill(self):
        """Ends the guest at once: a run() in another thread raises GuestError."""
        if qemu := self._qemu:
            qemu.kill()

    def run(self, command, timeout=300, on_output=None):
        """Runs a shell command (a str) or a program (a list) in the caller's working directory.

        Of the caller's environment it has what begins with WGNET_.
        Returns its exit status, 128 + N after signal N, and its output, standard error included.
        `on_output` is called with each piece of it, bytes, as it comes. Raises CommandTimedOut, or
        GuestError when the guest died or hangs; then only `output` and close() are left.
        """
        self._output.clear()
        self._on_output = on_output
        argv = ["/bin/bash", "-c", command] if isinstance(command, str) else list(command)
        passed = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("WGNET_")]
        if passed:
            argv = ["/usr/bin/env", *passed, *argv]
        self._send(agent.pack(("run", argv, os.getcwd())))
        try:
            status = self._wait_for_exit(time.monotonic() + timeout)
        except TimeoutError:
            self._kill()
            raise CommandTimedOut(f"timed out after {timeout:g} s") from None
        return status, self.output

    @property
    def output(self):
        """What the latest command has written, or the end of it."""
        return self._output.decode(errors="replace")

    def _keep(self, data):
        self._output += data
        del self._output[:-OUTPUT_LIMIT]
        if self._on_output:
            self._on_output(data)

    def _kill(self):
        self._send(agent.pack(("kill",)))
        try:
            self._wait_for_exit(time.monotonic() + KILL_TIMEOUT)
        except TimeoutError:
            raise self._qemu.failure("the guest hangs") from None

    def _wait_for_exit(self, deadline):
        while (message := self._receive(deadline))[0] == "output":
            self._keep(message[1])
        return message[1]

    def _send(self, data):
        self._qemu.port.settimeout(KILL_TIMEOUT)
        try:
            self._qemu.port.sendall(data)
        except OSError:
            raise self._qemu.failure("the guest died") from None

    def _receive(self, deadline):
        """The next message; raises TimeoutError at the deadline."""
        while (message := agent.unpack(self._buffer)) is None:
            self._buffer += self._receive_some(deadline - time.monotonic())
        return message

    def _receive_some(self, timeout):
        if timeout <= 0:
            raise TimeoutError  # also while there is endless output
        self._qemu.port.settimeout(timeout)
        try:
            data = self._qemu.port.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            raise self._qemu.failure("the guest died")
        return data


def add_options(parser):
    """The command-line options of everything that starts guests."""
    parser.add_argument("--kernel", default="6.1", metavar="VERSION", help="default: %(default)s")
    parser.add_argument("--cpus", type=int, default=1, metavar="N", help="default: %(default)s")
    parser.add_argument("--mem", type=int, default=1024, metavar="MiB", help="default: %(default)s")
    parser.add_argument("--share", metavar="DIR", help="a host folder the guest may write to")
    parser.add_argument(
        "--expedited",
        action=argparse.BooleanOptionalAction,
        help="expedited RCU: network namespaces go away faster",
    )


def exit_on_signals():
    """Ends the program through its `finally` blocks, so that no guest is left behind."""

    def leave(number, _):
        for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(each, leave)


def prepare(chosen):
    """Makes the kernel and the snapshot unless they are there."""
    snapshot.obtain(chosen.kernel, chosen.cpus, chosen.mem)


def from_options(chosen):
    return Guest(chosen.kernel, chosen.cpus, chosen.mem, chosen.share, chosen.expedited)
