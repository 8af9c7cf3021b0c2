#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sends, receives and captures packets on one machine until it is ended, and counts them in a file.

The file has one line `NAME NUMBER` for each count, brought up to date in place. SIGUSR1 begins
held flows anew.
"""

import argparse
import ipaddress
import itertools
import os
import select
import signal
import socket
import struct
import time

PORT = 9999  # of all listeners
PAUSE = 0.02  # seconds between two packets of a sender
OPEN_FLOWS = 16  # of a sender whose packets begin a new one each
ETH_P_ALL = 3
ARPHRD_NONE = 0xFFFE  # WireGuard's
SOL_PACKET = 263
PACKET_STATISTICS = 6
IP_PKTINFO = 8
IP_TRANSPARENT = 19
SO_RCVBUFFORCE = 33


class Counts:
    def __init__(self, path):
        self._file = os.open(path + ".new", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._path = path
        self._places = {}
        self._values = {}
        self._changed = set()

    def define(self, name):
        self._values[name] = 0
        self._places[name] = os.lseek(self._file, 0, os.SEEK_END)
        os.write(self._file, f"{name} {0:09d}\n".encode())

    def publish(self):
        os.rename(self._path + ".new", self._path)

    def add(self, name, number=1):
        self._values[name] += number
        self._changed.add(name)

    def write(self):
        for name in self._changed:
            place = self._places[name] + len(name) + 1
            os.pwrite(self._file, f"{self._values[name]:09d}".encode(), place)
        self._changed.clear()


class Sender:
    """A packet to an address on each tick."""

    def __init__(self, counts, name, address, source):
        self._counts = counts
        self._name = name
        self._address = address
        self._source = source
        for what in ("sent", "refused", "answered"):
            counts.define(f"{name}.{what}")

    def _open(self, port):
        """A flow from the source, whether it is an address of this machine at the time or not."""
        flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        flow.setblocking(False)
        flow.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
        flow.bind((self._source, port))
        return flow

    def _ask(self, flow):
        try:
            flow.sendto(b"ask", (self._address, PORT))
            self._counts.add(f"{self._name}.sent")
        except OSError:
            self._counts.add(f"{self._name}.refused")

    def _hear(self, flow):
        try:
            while flow.recv(64):
                self._counts.add(f"{self._name}.answered")
        except OSError:
            pass


class NewFlows(Sender):
    """Each packet is of a flow of its own, from a port that no flow had in the last minutes."""

    ports = itertools.cycle(range(10000, 60000))

    def __init__(self, counts, *options):
        super().__init__(counts, *options)
        self._flows = []

    def tick(self):
        if len(self._flows) == OPEN_FLOWS:
            oldest = self._flows.pop(0)
            self._hear(oldest)
            oldest.close()
        self._flows.append(self._open(next(self.ports)))
        self._ask(self._flows[-1])


class HeldFlow(Sender):
    """All packets are of one flow, until the next begins: from the next port."""

    def __init__(self, counts, name, address, source, port):
        super().__init__(counts, name, address, source)
        counts.define(f"{name}.flows")
        self._port = int(port)
        self._flow = None

    def end(self):
        self._port += 1

    def tick(self):
        if not self._flow or self._flow.getsockname()[1] != self._port:
            self._flow = self._open(self._port)
            self._counts.add(f"{self._name}.flows")
        self._hear(self._flow)
        self._ask(self._flow)


class Listener:
    """Answers what is asked, and counts it by the address that was asked, and by who asked."""

    def __init__(self, counts, addresses, askers):
        self._counts = counts
        self._known = {f"to {a}" for a in addresses} | {f"from {a}" for a in askers}
        for name in sorted(self._known) + ["to other", "from other"]:
            counts.define(name.replace(" ", "."))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self._socket.setblocking(False)
        self._socket.bind(("0.0.0.0", PORT))

    def fileno(self):
        return self._socket.fileno()

    def receive(self):
        data, ancillary, _, asker = self._socket.recvmsg(64, 64)
        asked = socket.inet_ntoa(struct.unpack("=I4s4s", ancillary[0][2])[2])
        for name in (f"to {asked}", f"from {asker[0]}"):
            known = name if name in self._known else name.split()[0] + " other"
            self._counts.add(known.replace(" ", "."))
        if data == b"ask":
            try:
                self._socket.sendto(b"answer", asker)
            except OSError:
                pass


class Sniffer:
    """Counts IPv4 packets that fit a rule: NAME in|out LINK src|dst PREFIX; link `wireguard` is any."""

    def __init__(self, counts, rules):
        self._counts = counts
        self._rules = [(*rule[:4], *range_of(rule[4])) for rule in rules]
        for name in ["captured", "missed"] + [rule[0] for rule in rules]:
            counts.define(name)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self._socket.setblocking(False)

    def fileno(self):
        return self._socket.fileno()

    def receive(self):
        data, (link, protocol, kind, hardware, *_) = self._socket.recvfrom(64)
        self._counts.add("captured")
        if protocol != 0x0800 or len(data) < 20:
            return
        direction = "out" if kind == socket.PACKET_OUTGOING else "in"
        link = "wireguard" if hardware == ARPHRD_NONE else link
        ends = {"src": data[12:16], "dst": data[16:20]}
        for name, way, where, end, first, last in self._rules:
            if (way, where) == (direction, link) and first <= ends[end] <= last:
                self._counts.add(name)

    def tick(self):
        statistics = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        self._counts.add("missed", struct.unpack("II", statistics)[1])


def range_of(prefix):
    network = ipaddress.ip_network(prefix)
    return network.network_address.packed, network.broadcast_address.packed


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", metavar="FILE")
    many = {"action": "append", "default": []}
    flow = ("NAME", "ADDRESS", "SOURCE")
    parser.add_argument("--send", nargs=3, metavar=flow, **many)
    parser.add_argument("--hold", nargs=4, metavar=(*flow, "PORT"), **many)
    parser.add_argument("--to", metavar="ADDRESS", **many)
    parser.add_argument("--from", metavar="ADDRESS", dest="askers", **many)
    rule = ("NAME", "DIRECTION", "LINK", "END", "PREFIX")
    parser.add_argument("--sniff", nargs=5, metavar=rule, **many)
    return parser.parse_args()


def main():
    chosen = options()
    counts = Counts(chosen.counts)
    held = [HeldFlow(counts, *each) for each in chosen.hold]
    senders = held + [NewFlows(counts, *each) for each in chosen.send]
    signal.signal(signal.SIGUSR1, lambda *_: [each.end() for each in held])
    receivers = []
    if chosen.to or chosen.askers:
        receivers.append(Listener(counts, chosen.to, chosen.askers))
    sniffers = [Sniffer(counts, chosen.sniff)] if chosen.sniff else []
    counts.publish()
    run(counts, senders + sniffers, receivers + sniffers)


def run(counts, tickers, receivers):
    start = time.monotonic()
    while True:
        for each in tickers:
            each.tick()
        counts.write()
        left = PAUSE
        while left > 0:
            left = start + PAUSE - time.monotonic()
            for each in select.select(receivers, [], [], max(left, 0))[0]:
                drain(each)
        start = max(start + PAUSE, time.monotonic() - PAUSE)


def drain(receiver):
    """A few of the packets that wait, so that senders keep their pace."""
    for _ in range(32):
        try:
            receiver.receive()
        except BlockingIOError:
            return


if __name__ == "__main__":
    main()
