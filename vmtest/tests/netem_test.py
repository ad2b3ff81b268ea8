#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The relay and FTP over networks that lose, delay, double and reorder, every octet compared. TCP
repairs all of that on each side by itself; what a relay can get wrong is what it does in the
meantime: half-filled buffers, reads that return one octet, an end that comes in pieces, one
side that stands still for a retransmission while the other is full.

Each test proves from the kernel's own counters that the network was as bad as it says.
"""
import pathlib
import re
import socket
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/netns"))

from ftp_site import Site, curl, vsftpd  # noqa: E402
from gateway import newsletter, on  # noqa: E402
from harness import SLOW, check, equal, main, test, wait_for  # noqa: E402
from hosts import DUAL4, FOUR, SIX, run  # noqa: E402
from peers import accept, both_ways, exchange, noise  # noqa: E402

SEED = 20261121
KIB = 1 << 10
TARGET = on(FOUR)


class Wires:
    """netem on all four ends of the newsletter's two links, and what it has done to whom."""

    def __init__(self, net, impairment):
        run(["modprobe", "sch_netem"])
        self.net = net
        self.ends = [(net.six, "eth0"), (net.dual, "eth0"), (net.dual, "eth1"), (net.four, "eth0")]
        # The addresses resolved while the wires are good: neighbour discovery gives up after three.
        net.six.run("ping", "-6", "-c", "1", "-W", str(5 * SLOW), "2001:db8:6::1")
        net.four.run("ping", "-c", "1", "-W", str(5 * SLOW), DUAL4)
        for host, interface in self.ends:
            # One lost packet shall be one segment, not 64 KiB of them in one piece.
            host.ip(f"link set dev {interface} gso_max_segs 1")
            host.run("tc", "qdisc", "add", "dev", interface, "root", "netem", "limit", "10000", *impairment.split())

    def dropped(self):
        """Packets that netem lost, over all four ends."""
        return sum(int(re.search(r"dropped (\d+)", host.run("tc", "-s", "qdisc", "show", "dev", interface))[1])
                   for host, interface in self.ends)

    def tcp_count(self, name):
        """A counter of all three hosts' TCP, as in /proc/net/netstat and snmp."""
        total = 0
        for host in (self.net.six, self.net.dual, self.net.four):
            text = host.run("nstat", "-a", "-s", "-z", name)
            total += int(re.search(rf"{name}\s+(\d+)", text)[1])
        return total


class Path(Wires):
    """A loaded gateway, and a server behind it."""

    def __init__(self, t, impairment):
        net, gateway = newsletter(t)
        gateway.load()
        super().__init__(net, impairment)
        self.listener = net.four.listen(FOUR, 7000)

    def connections(self, number):
        """[(client's end, server's end)], matched in the order of accepting."""
        pairs = []
        for _ in range(number):
            client = self.net.six.connect(TARGET, 7000, seconds=30)
            pairs.append((client, accept(self.listener, seconds=30)))
        return pairs


@test("relay: 512 KiB each way, octet for octet, over loss of 2 % and 20 ms", seconds=100)
def loss(t):
    path = Path(t, "delay 10ms loss 2%")
    [(client, server)] = path.connections(1)
    both_ways(client, server, noise(512 * KIB, SEED), noise(512 * KIB, SEED + 1))
    check(path.dropped() > 0, "netem lost nothing")
    check(path.tcp_count("TcpRetransSegs") > 0, "nobody sent anything twice")


@test("relay: 512 KiB each way, octet for octet, over reordering and jitter", seconds=100)
def reordering(t):
    path = Path(t, "delay 10ms 4ms 25% reorder 25% 50%")
    [(client, server)] = path.connections(1)
    both_ways(client, server, noise(512 * KIB, SEED + 2), noise(512 * KIB, SEED + 3))
    check(path.tcp_count("TcpExtTCPOFOQueue") > 0, "no segment came out of order")


@test("relay: 512 KiB each way, octet for octet, over packets that come twice", seconds=100)
def duplication(t):
    path = Path(t, "delay 2ms duplicate 10%")
    [(client, server)] = path.connections(1)
    both_ways(client, server, noise(512 * KIB, SEED + 4), noise(512 * KIB, SEED + 5))
    check(path.tcp_count("TcpExtTCPDSACKOfoSent") + path.tcp_count("TcpExtTCPDSACKOldSent") > 0, "nothing came twice")


@test("relay: eight sessions at once over loss and reordering mix nothing up", seconds=120)
def many(t):
    path = Path(t, "delay 8ms 3ms 25% loss 2% reorder 10% 50%")
    pairs = path.connections(8)
    flows, wanted = [], []
    for number, (client, server) in enumerate(pairs):
        up, down = (noise(64 * KIB + 7 * number + side, SEED + 100 + 2 * number + side) for side in (0, 1))
        flows += [(client, up), (server, down)]
        wanted += [down, up]
    got = exchange(flows, seconds=60)
    for number, (is_, should) in enumerate(zip(got, wanted)):
        check(is_ == should, f"end {number}: {len(is_)} octets received, {len(should)} sent, or not the same ones")
    check(path.dropped() > 0, "netem lost nothing")


@test("relay: half close is seen across loss, the rest still arrives (D40)", seconds=100)
def half_close(t):
    path = Path(t, "delay 10ms loss 5%")
    [(client, server)] = path.connections(1)
    up, down = noise(32 * KIB, SEED + 6), noise(128 * KIB, SEED + 7)
    # The client ends first; only then does the server begin to speak.
    equal(one_way(client, server, up), up, "what the server received")
    equal(one_way(server, client, down), down, "what the client received")


def one_way(sender, receiver, data):
    """Sends and ends one direction while the other one stays as it is; returns what arrived."""
    received = bytearray()
    receiver.settimeout(None)

    def read():
        while piece := receiver.recv(1 << 16):
            received.extend(piece)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    sender.settimeout(None)
    sender.sendall(data)
    sender.shutdown(socket.SHUT_WR)
    wait_for(lambda: not reader.is_alive(), "the end of the direction", seconds=40)
    return bytes(received)


@test("ftp: a file each way and listings, octet for octet, over loss and reordering, in either mode", seconds=150,
      needs=("curl", "vsftpd"))
def ftp(t):
    site = Site(t, vsftpd, 256 * KIB)
    wires = Wires(site.net, "delay 5ms 2ms 25% loss 1% reorder 10% 50%")
    for mode in ("passive", "active"):
        with site.gw.counts(FTP_DATA=4, FTP_STRANGER=0, FTP_HANGUP=0, FTP_NO_CLIENT=0):
            curl(site, mode, seconds=60)
    check(wires.dropped() > 0, "netem lost nothing")
    check(wires.tcp_count("TcpRetransSegs") > 0, "nobody sent anything twice")


@test("relay: an idle client behind 300 ms of delay connects, asks and is answered", seconds=60)
def far_away(t):
    path = Path(t, "delay 75ms")
    [(client, server)] = path.connections(1)
    for number in range(5):
        question = b"question %d" % number
        client.sendall(question)
        equal(server.recv(100), question, "the question")
        server.sendall(question[::-1])
        equal(client.recv(100), question[::-1], "the answer")
    equal(client.getsockname()[0], SIX, "who asked")


if __name__ == "__main__":
    main()
