#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Path MTU discovery on the IPv6 side: Packet Too Big reaches TCP through the guard, and
transfers go on with smaller segments (F16, F17, L5, V7).
"""
import pathlib

from gateway import more, newsletter, on, six_wire
from harness import check, equal, main, test, wait_for
from hosts import DUAL6, FOUR, SIX
from peers import accept, both_ways, noise, pair, read_all
from wire import ICMP6, TCP, icmp6, ip6, later

TARGET = on(FOUR)


@test("pmtu: Packet Too Big to a prefix address shrinks the path and the transfer goes on (F17, L5, V7)")
def too_big(t):
    net, gw = newsletter(t)
    gw.load()
    wire = six_wire(net)
    client, server = pair(net, TARGET, 2222, net.four.listen(FOUR, 2222))
    server.sendall(b"first words")
    equal(read_all(client, 11), b"first words", "what the client received")
    seen = wire.until(lambda p: p.protocol == TCP and p.source == TARGET and p.body, "segment from the prefix")
    # TCP believes an error only if it is about what is not acknowledged yet.
    quoted = later(seen[-1].data[:1232], len(seen[-1].body))
    error = icmp6(SIX, TARGET, 2, body=(1280).to_bytes(4, "big") + quoted)
    with gw.counts(PASS_ICMP6_ERROR=1):
        wire.send(ip6(SIX, TARGET, ICMP6, error))

    def learnt():
        return "mtu 1280" in net.dual.ip(f"-6 route get {SIX} from {TARGET}")

    wait_for(learnt, "a path MTU exception of 1280")
    both_ways(client, server, noise(1 << 20, 1), noise(1 << 20, 2))


@test("pmtu: Packet Too Big with a wrong checksum is counted by the kernel, and believed by nobody (F18)")
def wrong_checksum(t):
    net, gw = newsletter(t)
    gw.load()
    wire = six_wire(net)
    _, server = pair(net, TARGET, 2222, net.four.listen(FOUR, 2222))
    server.sendall(b"first words")
    seen = wire.until(lambda p: p.protocol == TCP and p.source == TARGET and p.body, "segment from the prefix")
    quoted = later(seen[-1].data[:1232], len(seen[-1].body))
    error = icmp6(SIX, TARGET, 2, body=(1280).to_bytes(4, "big") + quoted, wrong_checksum=True)
    before = checksum_errors(net.dual)
    with gw.counts(PASS_ICMP6_ERROR=1, DROP_ICMP6=0):
        wire.send(ip6(SIX, TARGET, ICMP6, error))
    wait_for(lambda: checksum_errors(net.dual) == before + 1, "the kernel to count it")
    check("mtu" not in net.dual.ip(f"-6 route get {SIX} from {TARGET}"), "a path MTU was learnt from it")


def checksum_errors(host):
    with host:
        counters = dict(line.split() for line in pathlib.Path("/proc/net/snmp6").read_text().splitlines())
    return int(counters["Icmp6InCsumErrors"])


@test("pmtu: a narrow link between two routers is found by real Packet Too Big messages (F17, V7)")
def narrow_link(t):
    net, gw = newsletter(t)
    # far -- 1500 -- mid -- 1280 -- six -- 1500 -- dual: neither end of the connection sees
    # the narrow link in its own MTU, so only Packet Too Big can tell.
    far, mid = net.host("far"), net.host("mid")
    net.link(far, "eth0", "2001:db8:5::2/64", mid, "eth1", "2001:db8:5::1/64")
    net.link(mid, "eth0", "2001:db8:56::2/64", net.six, "eth1", "2001:db8:56::1/64")
    for host, name in ((mid, "eth0"), (net.six, "eth1")):
        host.ip(f"link set {name} mtu 1280")
        host.sysctl("net.ipv6.conf.all.forwarding", 1)
    far.ip("-6 route add default via 2001:db8:5::1")
    mid.ip("-6 route add default via 2001:db8:56::1")
    net.six.ip(f"-6 route replace default via {DUAL6}")
    net.six.ip("-6 route add 2001:db8:5::/64 via 2001:db8:56::2")
    net.dual.ip(f"-6 route add 2001:db8:5::/64 via {SIX}")
    net.dual.ip(f"-6 route add 2001:db8:56::/64 via {SIX}")
    gw.load("--permit", "2001:db8:5::/64")
    listener = net.four.listen(FOUR, 2222)
    with gw.counts(PASS_ICMP6_ERROR=more(1)):
        client = far.connect(TARGET, 2222)
        both_ways(client, accept(listener), noise(1 << 20, 3), noise(1 << 20, 4))
    check("mtu 1280" in net.dual.ip(f"-6 route get 2001:db8:5::2 from {TARGET}"), "no path MTU exception of 1280")


if __name__ == "__main__":
    main()
