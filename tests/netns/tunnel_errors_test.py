#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What goes wrong with a packet after it went into a tunnel, and what its source hears of it: the
path MTU, ICMPv4 errors that become ICMPv6 errors, and all that must not become one. What a forged
error looks like to the daemon is in tests/unit/daemon/tunnel_errors_test.cc.
"""
import re

from gateway import more
from harness import SLOW, check, contains, equal, main, test, wait_for
from peers import accept, both_ways, noise
from stf_sites import A, B, EAST, WEST, pings, tunnel, two_sites
from stf_wire import Sea, icmp4_error, ip4, proto41
from wire import ICMP6, SYN, TCP, TIME_EXCEEDED, TOO_BIG, UNREACHABLE, Wire, icmp6, ip6, raw

SEA = "192.0.2.254"
FOLLOW = {"mtu": 1480, "pmtu_discovery": True}


def narrow(net, mtu=1400):
    net.sea.ip(f"route replace 198.51.100.0/24 dev eth1 mtu lock {mtu}",
               f"route replace 192.0.2.0/24 dev eth0 mtu lock {mtu}")


def ping_once(host, target, *words):
    return host.run("ping", "-6", "-n", "-c", 1, "-W", 5 * SLOW, *words, target, rc=None).lower()


def dont_fragment(packet):
    """As a tunnel that follows the path MTU sends it."""
    return Sea.with_checksum(packet[:6] + b"\x40\x00" + packet[8:])


@test("pmtu: where the path narrows the source is told, by the router's word and then by the gateway's own (R9, R10, V37)")
def narrow_path(t):
    net = two_sites(t, FOLLOW, {"mtu": 1480})
    sea = Sea(net.sea, "eth0")
    equal(pings(net.a, B, "-M", "do", "-s", 1432), 3, "answers of 1480 bytes before")
    equal({p.fragment for p in sea.packets() if p.source == WEST}, {0x4000}, "DF of what goes")
    narrow(net)
    with net.west.gw.counts(STF_ICMP4=1, STF_ICMP4_PMTU=1, STF_ICMP6_SENT=1, STF_OUT_PMTU=0):
        contains(ping_once(net.a, B, "-M", "do", "-s", 1432), "packet too big: mtu=1380", "what the router's word became")
    net.a.ip("-6 route flush cache")
    with net.west.gw.counts(STF_ICMP4=0, STF_ICMP6_SENT=1, STF_OUT_PMTU=1):
        contains(ping_once(net.a, B, "-M", "do", "-s", 1432), "packet too big: mtu=1380", "what the gateway itself said")
    equal(pings(net.a, B, "-M", "do", "-s", 1332), 3, "answers of 1380 bytes")


@test("pmtu: TCP both ways through a path that narrows, joined segments included (R9)", seconds=90)
def tcp(t):
    net = two_sites(t, FOLLOW, FOLLOW)
    narrow(net)
    listener = net.b.listen(B, 5001)
    client = net.a.connect(B, 5001)
    both_ways(client, accept(listener), noise(2 << 20, 1), noise(2 << 20, 2))
    for host in (net.west, net.east):
        reasons = host.gw.reasons()
        check(reasons["STF_ICMP4_PMTU"] >= 1, f"{host.name} heard of no path MTU")
        equal(reasons["STF_FRAGMENT"], 0, f"fragments that came to {host.name}")


@test("pmtu: a path that takes no IPv6 packet of the least MTU gets packets that may be cut (R9)")
def very_narrow(t):
    net = two_sites(t, FOLLOW, FOLLOW)
    narrow(net, 1000)
    sea = Sea(net.sea, "eth0")
    contains(ping_once(net.a, B, "-M", "do", "-s", 1432), "packet too big: mtu=1280", "what ping said")
    ping_once(net.b, A, "-M", "do", "-s", 1432)
    sea.packets()
    equal(pings(net.a, B, "-M", "do", "-s", 1232), 3, "answers of 1280 bytes")
    equal({p.fragment for p in sea.packets() if p.source == WEST}, {0}, "DF of what goes")


@test("pmtu: what is longer than the uplink itself takes is answered by its MTU (R8)")
def narrow_uplink(t):
    net = two_sites(t, {"mtu": 1480}, {"mtu": 1480})
    net.west.ip("link set eth1 mtu 1400")
    with net.west.gw.counts(STF_OUT_PMTU=1, STF_ICMP6_SENT=1):
        contains(ping_once(net.a, B, "-M", "do", "-s", 1432), "packet too big: mtu=1380", "what ping said")
    equal(pings(net.a, B, "-M", "do", "-s", 1332), 3, "answers of 1380 bytes")


@test("errors: an unreachable far end becomes ICMPv6 address unreachable at the inner source (R10, R15, V37)")
def unreachable(t):
    net = two_sites(t)
    wire = Wire(net.a, "eth0")
    net.sea.ip("route replace unreachable 198.51.100.0/24")
    with net.west.gw.counts(STF_ICMP4=1, STF_ICMP6_SENT=1):
        contains(ping_once(net.a, B), "address unreachable", "what ping said")
    heard = wire.until(lambda p: p.kind == UNREACHABLE, "the error")[-1]
    equal((heard.target, heard.payload[1]), (A, 3), "its target and code")
    equal(heard.payload[8 + 24:8 + 40], raw(B), "the destination of the quoted packet")


@test("errors: a TTL that runs out inside the tunnel becomes the same (R15)")
def ttl(t):
    net = two_sites(t, {"ttl": 1})
    with net.west.gw.counts(STF_ICMP4=1, STF_ICMP6_SENT=1):
        contains(ping_once(net.a, B), "address unreachable", "what ping said")


@test("errors: what is forged, short, broken or about what must not be answered reaches nobody (R10, R14)")
def nobody_hears(t):
    net = two_sites(t, east=False)
    sea, wire = Sea(net.sea, "eth0", net.west.mac("eth1")), Wire(net.a, "eth0")
    sent = proto41(WEST, EAST, A, B)
    about_error = ip4(WEST, EAST, 41, ip6(A, B, ICMP6, icmp6(A, B, TIME_EXCEEDED, body=bytes(4) + sent[20:80])))
    to_many = ip4(WEST, EAST, 41, ip6(A, "ff0e::1", ICMP6, icmp6(A, "ff0e::1", 128, body=bytes(8))))
    from_nobody = ip4(WEST, EAST, 41, ip6("::", B, ICMP6, icmp6("::", B, 128, body=bytes(8))))
    looked_at = {
        "STF_ICMP4_SHORT": [icmp4_error(SEA, WEST, sent[:28])],
        "STF_ICMP4_BAD": [
            icmp4_error(SEA, WEST, sent, wrong_checksum=True),
            icmp4_error(SEA, WEST, proto41(WEST, "203.0.113.7", A, B)),
            icmp4_error(SEA, WEST, proto41(WEST, EAST, B, B)),
            icmp4_error(SEA, WEST, proto41(WEST, WEST, A, B)),
            icmp4_error(SEA, WEST, dont_fragment(sent), code=4, mtu=60),
        ],
        "STF_ICMP6_NEVER": [icmp4_error(SEA, WEST, packet) for packet in (about_error, to_many, from_nobody)],
    }
    for reason, packets in looked_at.items():
        with net.west.gw.counts(**{reason: len(packets)}, STF_ICMP4=len(packets), STF_ICMP6_SENT=0):
            sea.send(*packets)
    passed = [icmp4_error(SEA, WEST, proto41("192.0.2.99", EAST, A, B)),
              icmp4_error(SEA, WEST, ip4(WEST, EAST, 17, bytes(60))),
              icmp4_error(SEA, WEST, sent, kind=5)]
    with net.west.gw.counts(STF_ICMP4=0, STF_ICMP6_SENT=0, PASS_NOT_IP6=more(3)):
        sea.send(*passed)
    with net.west.gw.counts(STF_ICMP6_SENT=1):
        sea.send(icmp4_error(SEA, WEST, sent))
    heard = wire.until(lambda p: p.kind == UNREACHABLE, "the one that is told")
    equal([p.kind for p in heard if p.kind in (UNREACHABLE, TOO_BIG)], [UNREACHABLE], "errors at the site")


@test("errors: a flood of them is bounded: so many looked at, so many told to one /64 (R14)", seconds=60)
def flood(t):
    net = two_sites(t, east=False)
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    packet = icmp4_error(SEA, WEST, proto41(WEST, EAST, A, B))
    names = ("STF_ICMP4", "STF_ICMP4_RATE")
    before = net.west.gw.reasons()
    sea.send(*[packet] * 5000)

    def moved(*wanted):
        now = net.west.gw.reasons()
        return sum(now[name] - before[name] for name in wanted)

    wait_for(lambda: moved(*names) == 5000, "every one to be counted", seconds=10)
    wait_for(lambda: moved("STF_ICMP6_SENT", "STF_ICMP6_RATE") == moved("STF_ICMP4"), "every one to be dealt with", seconds=10)
    check(moved("STF_ICMP4_RATE") > 0 and moved("STF_ICMP6_RATE") > 0, "nothing was refused")
    check(moved("STF_ICMP6_SENT") * 2 <= moved("STF_ICMP4"), f"{moved('STF_ICMP6_SENT')} were told")


def mss_in(wire, wanted):
    packet = wire.until(lambda p: p.protocol == TCP and p.flags & SYN and wanted(p), "SYN")[-1]
    return int.from_bytes(re.search(rb"\x02\x04(..)", packet.payload[20:], re.S)[1], "big")


def handshake(net, port):
    """What b hears of a's MSS, and a of b's; the connection carries bytes."""
    at_a, at_b = Wire(net.a, "eth0"), Wire(net.b, "eth0")
    listener = net.b.listen(B, port)
    both_ways(net.a.connect(B, port), accept(listener), noise(100_000, 1), noise(100_000, 2))
    return mss_in(at_b, lambda p: p.dport == port), mss_in(at_a, lambda p: p.sport == port)


@test("mss: off, TCP is left alone")
def mss_off(t):
    net = two_sites(t)
    equal(handshake(net, 5001), (1440, 1440), "MSS that b and a hear")


@test("mss: \"auto\" lowers it to what the MTU gives, in SYN and SYN-ACK, at one gateway alone")
def mss_auto(t):
    net = two_sites(t, {"mss_clamp": "auto"})
    equal(handshake(net, 5001), (1220, 1220), "MSS that b and a hear")


@test("mss: a number is what it says; what is lower stays")
def mss_number(t):
    net = two_sites(t, east={"mss_clamp": 1000})
    net.b.ip("link set eth0 mtu 1280")
    equal(handshake(net, 5001), (1000, 1000), "MSS that b and a hear")
    net.east.gw.unload()
    net.east.gw.load("-c", net.east.gw.config(tunnel(EAST, mss_clamp=1300), "more.toml"))
    equal(handshake(net, 5002), (1300, 1220), "MSS that b and a hear")


if __name__ == "__main__":
    main()
