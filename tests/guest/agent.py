"""Process 1 of the guest: runs the commands that the host sends over the virtio port.

Both ends speak in messages: a marshalled tuple behind its length. Both are the same python3, since
the guest's root is the host's.

  host to guest                       guest to host
  ("start", settings)                 ("up",)
  ("run", argv, directory)            ("output", bytes)  any number of times, then
  ("kill",)                           ("exit", status)   128 + N for a command that signal N ended
"""

# Under emulation each import from a file costs tens of milliseconds: these are frozen or built in.
import fcntl
import marshal
import os
import select
import sys
import time

PORT = 3  # opened by init
SIGKILL, SIGPIPE, SIGXFSZ = 9, 13, 25
RNDADDENTROPY, RNDRESEEDCRNG = 0x40085203, 0x5207  # linux/random.h
ENVIRONMENT = {
    "GUEST": "1",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TERM": "dumb",
}


def pack(message):
    body = marshal.dumps(message)
    return len(body).to_bytes(4, "big") + body


def unpack(buffer):
    """Removes the first message from the bytearray and returns it; None while it is incomplete."""
    size = 4 + int.from_bytes(buffer[:4], "big")
    if len(buffer) < 4 or len(buffer) < size:
        return None
    message = marshal.loads(buffer[4:size])
    del buffer[:size]
    return message


class Port:
    def __init__(self, fd):
        os.set_inheritable(fd, False)
        self.fd = fd
        self._buffer = bytearray()

    def send(self, *message):
        data = pack(message)
        while data:
            data = data[os.write(self.fd, data) :]

    def receive(self):
        while (message := unpack(self._buffer)) is None:
            data = os.read(self.fd, 65536)
            if not data:
                raise EOFError("the host closed the port")
            self._buffer += data
        return message


def call(*argv):
    """Runs a system command; its output goes to the console. An error ends the guest."""
    pid = os.posix_spawnp(argv[0], argv, ENVIRONMENT)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        raise OSError(f"status {status} from {' '.join(argv)}")


def seed(entropy):
    """Without this, every guest started from one snapshot would make the same keys."""
    head = (8 * len(entropy)).to_bytes(4, sys.byteorder) + len(entropy).to_bytes(4, sys.byteorder)
    with open("/dev/urandom", "wb", buffering=0) as random:
        fcntl.ioctl(random, RNDADDENTROPY, head + entropy)
        fcntl.ioctl(random, RNDRESEEDCRNG)


def apply_settings(settings):
    time.clock_settime(time.CLOCK_REALTIME, settings["now"])
    seed(settings["entropy"])
    if settings["share"]:
        os.makedirs(settings["share"], exist_ok=True)
        options = "trans=virtio,version=9p2000.L,msize=512000,access=any"
        call("mount", "-t", "9p", "-o", options, "share", settings["share"])
    if settings["expedited"]:
        with open("/sys/kernel/rcu_expedited", "w") as switch:
            switch.write("1")


def spawn(argv, directory, output):
    os.chdir(directory)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]
    defaults = [SIGPIPE, SIGXFSZ]  # python ignores them, and that would be inherited
    return os.posix_spawnp(
        argv[0], argv, ENVIRONMENT, file_actions=actions, setsid=True, setsigdef=defaults
    )


def reap(wanted):
    """Reaps all that ended, orphans too. Returns the wait status of `wanted` if it is one."""
    found = None
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == wanted:
                found = ended[1]
    except ChildProcessError:
        pass
    return found


def forward_output(port, pipe):
    """Returns whether there may be more."""
    try:
        data = os.read(pipe, 65536)
    except BlockingIOError:
        return False
    if data:
        port.send("output", data)
    return bool(data)


def watch(port, pid, pipe):
    """Forwards the output of a command until it ends; returns its wait status."""
    poll = select.poll()
    ended = os.pidfd_open(pid)
    for fd in (port.fd, ended, pipe):
        poll.register(fd, select.POLLIN)
    while (status := reap(pid)) is None:
        for fd, _ in poll.poll(50):  # orphans are reaped this often
            if fd == port.fd and port.receive() == ("kill",):
                os.kill(-1, SIGKILL)
            if fd == pipe and not forward_output(port, pipe):
                poll.unregister(pipe)
    os.close(ended)
    return status


def clean_up():
    """Ends all that a command left: processes, of whatever session, and named namespaces."""
    os.kill(-1, SIGKILL)
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
    if os.path.isdir("/run/netns") and os.listdir("/run/netns"):
        call("ip", "-all", "netns", "delete")


def run(port, argv, directory):
    pipe, output = os.pipe()
    try:
        pid = spawn(argv, directory, output)
    except OSError as error:
        port.send("output", f"guest: {argv[0]} in {directory}: {error.strerror}\n".encode())
        return 127
    finally:
        os.close(output)
    os.set_blocking(pipe, False)
    status = os.waitstatus_to_exitcode(watch(port, pid, pipe))
    clean_up()
    while forward_output(port, pipe):
        pass
    os.close(pipe)
    return status if status >= 0 else 128 - status


def main():
    port = Port(PORT)
    apply_settings(port.receive()[1])
    port.send("up")
    while True:
        message = port.receive()
        if message[0] == "run":  # a "kill" here came after its command had ended
            port.send("exit", run(port, *message[1:]))


if __name__ == "__main__":
    main()
