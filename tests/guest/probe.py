#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sends, receives and captures packets on one machine until it is ended, and counts them in a file.

The file has one line `NAME NUMBER` for each count, brought up to date in place.
"""

import argparse
import ipaddress
import itertools
import os
import select
import socket
import struct
import time

PORT = 9999  # of all listeners
PAUSE = 0.05  # seconds between two packets to one address
OPEN_FLOWS = 16  # of a sender; each packet begins a new one
ETH_P_ALL = 3
ARPHRD_NONE = 0xFFFE  # WireGuard's
SOL_PACKET = 263
PACKET_STATISTICS = 6
SO_RCVBUFFORCE = 33


class Counts:
    def __init__(self, path):
        self._file = os.open(path + ".new", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._path = path
        self._places = {}
        self._values = {}

    def define(self, name):
        self._values[name] = 0
        self._places[name] = os.lseek(self._file, 0, os.SEEK_END)
        os.write(self._file, f"{name} {0:09d}\n".encode())

    def publish(self):
        os.rename(self._path + ".new", self._path)

    def add(self, name, number=1):
        self._values[name] += number
        place = self._places[name] + len(name) + 1
        os.pwrite(self._file, f"{self._values[name]:09d}".encode(), place)


class Sender:
    """A packet to an address every now and then, each from a port of its own."""

    def __init__(self, counts, name, address, source):
        self._counts = counts
        self._name = name
        self._address = address
        self._source = source
        self._flows = []
        for what in ("sent", "refused", "answered"):
            counts.define(f"{name}.{what}")

    def tick(self):
        if len(self._flows) == OPEN_FLOWS:
            self._end_flow(self._flows.pop(0))
        flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        flow.setblocking(False)
        try:
            flow.bind((self._source, 0))
            flow.sendto(b"ask", (self._address, PORT))
            self._counts.add(f"{self._name}.sent")
        except OSError:
            self._counts.add(f"{self._name}.refused")
        self._flows.append(flow)

    def _end_flow(self, flow):
        try:
            flow.recv(64)
            self._counts.add(f"{self._name}.answered")
        except OSError:
            pass
        flow.close()


class Listener:
    """Answers what is asked, and counts it by the address that was asked, and by who asked."""

    def __init__(self, counts, addresses, askers):
        self._counts = counts
        self._known = {f"to {a}" for a in addresses} | {f"from {a}" for a in askers}
        for name in sorted(self._known) + ["to other", "from other"]:
            counts.define(name.replace(" ", "."))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
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
        self._rules = [(*rule[:4], ipaddress.ip_network(rule[4])) for rule in rules]
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
        ends = {"src": ipaddress.ip_address(data[12:16]), "dst": ipaddress.ip_address(data[16:20])}
        for name, way, where, end, prefix in self._rules:
            if (way, where) == (direction, link) and ends[end] in prefix:
                self._counts.add(name)

    def tick(self):
        statistics = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        self._counts.add("missed", struct.unpack("II", statistics)[1])


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", metavar="FILE")
    send = {"action": "append", "nargs": 3, "default": []}
    parser.add_argument("--send", metavar=("NAME", "ADDRESS", "SOURCE"), **send)
    parser.add_argument("--packets", type=int, help="end after so many to each address")
    parser.add_argument("--to", action="append", default=[], metavar="ADDRESS")
    parser.add_argument("--from", action="append", default=[], metavar="ADDRESS", dest="askers")
    rule = ("NAME", "DIRECTION", "LINK", "END", "PREFIX")
    parser.add_argument("--sniff", action="append", nargs=5, default=[], metavar=rule)
    return parser.parse_args()


def main():
    chosen = options()
    counts = Counts(chosen.counts)
    senders = [Sender(counts, *each) for each in chosen.send]
    receivers = []
    if chosen.to or chosen.askers:
        receivers.append(Listener(counts, chosen.to, chosen.askers))
    sniffers = [Sniffer(counts, chosen.sniff)] if chosen.sniff else []
    counts.publish()
    run(senders + sniffers, receivers + sniffers, chosen.packets)


def run(tickers, receivers, most):
    start = time.monotonic()
    for number in itertools.count(1):
        for each in tickers:
            each.tick()
        if number == most:
            return
        while (left := start + PAUSE - time.monotonic()) > 0:
            for each in select.select(receivers, [], [], left)[0]:
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
