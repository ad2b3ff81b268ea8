#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real programs across a tunnel and beside it: curl and iperf3 between two 6to4 sites, tcpdump on
both sides of a gateway's stf0.
"""
import json
import subprocess

from harness import SLOW, check, contains, equal, main, test, wait_for
from hosts import PATIENCE
from peers import Program, noise
from stf_sites import A, B, EAST, WEST, checksum_errors, pings, two_sites

SIZE = 4 << 20


@test("stf: curl fetches a file between two sites, octet for octet", seconds=60, needs=("curl",))
def curl(t):
    net, data = two_sites(t), noise(SIZE, 11)
    t.write("file", data)
    Program(net.b, "python3", "-m", "http.server", "8080", "--bind", B, "--directory", t.tmp, port=8080)
    before = net.west.gw.reasons()
    out = t.tmp / "fetched"
    net.a.run("curl", "-gsS", "--fail", "--max-time", PATIENCE, "-o", out, f"http://[{B}]:8080/file")
    equal(out.read_bytes(), data, "what curl fetched")
    after = net.west.gw.reasons()
    for way in ("STF_IN", "STF_OUT"):
        check(after[way] - before[way] >= 10, f"{way} moved by {after[way] - before[way]}")


@test("stf: iperf3 fills a tunnel with four streams either way, and no checksum is wrong", seconds=60,
      needs=("iperf3", "ethtool"))
def iperf3(t):
    net = two_sites(t)
    for host in (net.a, net.b):  # which verify checksums themselves
        host.run("ethtool", "-K", "eth0", "rx", "off")
    for port, way in ((5201, []), (5202, ["-R"])):  # a server is not there for a moment between two clients
        Program(net.b, "iperf3", "-s", "-1", "-B", B, "-p", str(port), port=port)
        # It ends when so much was sent: what a socket still holds by then is not counted, and without -w
        # four sockets grow until they hold all of it.
        said = json.loads(net.a.run("iperf3", "-J", "-c", B, "-p", str(port), "-B", A, "-P", "4", "-w", "64K", "-n", str(SIZE),
                                    *way))
        received = said["end"]["sum_received"]["bytes"]
        check(received >= SIZE // 2, f"iperf3 {' '.join(way)}: {received} octets arrived")
    for host in (net.a, net.b):
        equal(checksum_errors(host), 0, f"wrong checksums that {host.name} found")


class Dump:
    """tcpdump on an interface of the gateway, until it has seen so many."""

    def __init__(self, t, host, interface, *words):
        self.log = t.tmp / f"{interface}.dump"
        with open(self.log, "wb") as log:
            self.process = host.start("tcpdump", "-nl", "--immediate-mode", "-c", "2", "-i", interface, *words,
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        t.callback(self.process.kill)
        wait_for(lambda: "listening on" in self.log.read_text(), f"tcpdump on {interface}")

    def said(self):
        self.process.wait(20 * SLOW)
        return self.log.read_text()


@test("stf: tcpdump shows inner packets on stf0, and on the uplink outer ones that leave; what came is there as XDP left it "
      "(S20, V42)", needs=("tcpdump",))
def tcpdump(t):
    net = two_sites(t)
    inner, uplink = Dump(t, net.west, "stf0"), Dump(t, net.west, "eth1", "proto 41 or icmp6[icmp6type] == 129")
    equal(pings(net.a, B, count=1), 1, "answers")
    for source, target, what in ((A, B, "request"), (B, A, "reply")):
        contains(inner.said(), f"IP6 {source} > {target}: ICMP6, echo {what}", "tcpdump on stf0")
    contains(uplink.said(), f"IP {WEST} > {EAST}: IP6 {A} > {B}: ICMP6, echo request", "tcpdump on the uplink")
    contains(uplink.said(), f" IP6 {B} > {A}: ICMP6, echo reply", "tcpdump on the uplink")


if __name__ == "__main__":
    main()
