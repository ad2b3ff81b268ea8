#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The fast path of tunnels: what it forwards is what the slow path would have sent, byte for
byte; what it cannot do goes the slow way. Counters tell which way a packet went; one tick in 64
all of them go the slow way (bpf/lib/stf_fast.h), so tests count both.

The hosts are those of stf_test.py. A veth hands a frame of XDP only to a far end with GRO, and
loses what a sender left to be done about checksums: `fast_sites` sets both as on real wires.
"""
import struct
import time

from gateway import more
from harness import check, contains, equal, main, test, wait_for
from stf_sites import A, B, EAST, WEST, bulk, checksum_errors, pings, site, tunnel, two_sites
from stf_wire import Sea, ip4, proto41
from wire import (ACK, ECHO_REPLY, HOPOPTS, ICMP6, RST, SYN, TCP, TIME_EXCEEDED, TOO_BIG, Packet, Wire, echo, icmp6, ip6,
                  options, tcp)

NEEDS = ("ethtool",)
MONOTONIC_COARSE = 6  # <linux/time.h>; Python knows no name for it
FAST = {"fast_path": True}


def fast_sites(t, keys=None, load=()):
    net = two_sites(t, west=FAST | (keys or {}), east=FAST | (keys or {}), load=load)
    for host, names in ((net.a, ["eth0"]), (net.b, ["eth0"]), (net.sea, ["eth0", "eth1"])):
        for name in names:
            host.run("ethtool", "-K", name, "tx", "off", "gro", "on")
    equal(pings(net.a, B), 3, "answers, after which everybody knows his neighbours")
    return net


def ways(gw, before):
    """How many packets went which way since then."""
    now = gw.reasons()
    return {name: now[name] - before[name] for name in ("STF_FAST_OUT", "STF_OUT", "STF_FAST_IN", "STF_IN")}


def one_by_one(net, count):
    """How many answers came to requests of many ticks."""
    return sum(pings(net.a, B, count=1) for _ in range(count))


def mostly(count, want, what):
    """The rest met a tick of the slow way."""
    check(want * 3 // 4 <= count <= want, f"{what}: {count} of {want}")


def still(source, target, data=b"nobody answers this"):
    """An answer to an echo request that nobody made, so that nothing comes back for it."""
    return icmp6(source, target, ECHO_REPLY, body=struct.pack("!HH", 0xFA57, 1) + data)


class Ends:
    """Frames from the LAN of west to the sea and back, at will."""

    def __init__(self, net):
        self.net = net
        self.lan = Wire(net.a, "eth0", net.west.mac("eth0"))
        self.sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
        self.before = net.west.gw.reasons()

    def out(self, packet):
        """What a packet of the LAN is on the uplink: its frame as an IPv4 packet."""
        self.sea.packets()
        self.lan.send(packet)
        return self._seen(lambda: [p for p in self.sea.packets(incoming_only=True) if p.protocol == 41])

    def into(self, packet):
        """What a tunnel packet is on the LAN, an IPv6 packet."""
        self.sea.send(packet)
        return self.lan.until(lambda p: p.target == A and p.source == B, "the packet in the LAN")[-1]

    @staticmethod
    def _seen(look):
        found = []
        wait_for(lambda: found.extend(look()) or found, "the packet on the uplink")
        return found[0]

    def took(self, reason, make, times=40):
        """Repeats until one of them went that way."""
        for _ in range(times):
            before = self.net.west.gw.reasons()[reason]
            made = make()
            if self.net.west.gw.reasons()[reason] > before:
                return made
        raise AssertionError(f"{reason} did not move {times} times")


@test("stf_fast: two sites reach each other past the stack, both ways; stf0 sees nothing of it", needs=NEEDS)
def forwards(t):
    net = fast_sites(t)
    gw, before, links = net.west.gw, net.west.gw.reasons(), net.west.ip_json("-s link show stf0")[0]["stats64"]
    equal(one_by_one(net, 40), 40, "answers")
    went = ways(gw, before)
    equal(went["STF_FAST_OUT"] + went["STF_OUT"], 40, f"packets out {went}")
    equal(went["STF_FAST_IN"] + went["STF_IN"], 40, f"packets in {went}")
    mostly(went["STF_FAST_OUT"], 40, "out by the fast path")
    mostly(went["STF_FAST_IN"], 40, "in by the fast path")
    after = net.west.ip_json("-s link show stf0")[0]["stats64"]
    equal(after["rx"]["packets"] - links["rx"]["packets"], went["STF_IN"], "packets that came in on stf0")
    status = gw.status()
    equal({i["name"]: i["fast_path"] for i in status["interfaces"]}, {"eth0": True, "eth1": True}, "interfaces")
    equal([s["fast_path"] for s in status["stf"]], [True], "tunnels")
    contains(gw.run("status").out, "fast path", "status for people")


@test("stf_fast: it sends the same frames as the slow path, byte for byte (S5, S24, S29, R8)", needs=NEEDS)
def same_frames(t):
    keys = {"ttl": 40, "ecn": "rfc6040"}
    net = fast_sites(t, keys)
    ends = Ends(net)
    inner = ip6(A, B, ICMP6, still(A, B), hop_limit=9)
    inner = struct.pack("!I", 6 << 28 | 0xB9 << 20 | 0x54321) + inner[4:]  # class and flow label
    outer = ip4(EAST, WEST, 41, ip6(B, A, ICMP6, still(B, A), hop_limit=9))
    fast, fast_in = ends.took("STF_FAST_OUT", lambda: ends.out(inner)), ends.took("STF_FAST_IN", lambda: ends.into(outer))
    net.west.gw.unload()
    net.west.gw.load("-c", net.west.gw.config(tunnel(WEST, **keys), "slow.toml"))
    with net.west.gw.counts(STF_OUT=1, STF_IN=1, STF_FAST_OUT=0, STF_FAST_IN=0):
        slow, slow_in = ends.out(inner), ends.into(outer)
    equal(fast.payload[7], 8, "hop limit inside")
    equal((fast.service, fast.ttl, fast.fragment), (0xB9, 40, 0), "class, TTL, DF and fragment bits outside")
    equal(fast.frame[:18] + fast.frame[20:24] + fast.frame[26:], slow.frame[:18] + slow.frame[20:24] + slow.frame[26:],
          "the frame but for its number and checksum")
    check(Sea.with_checksum(fast.frame[14:]) == fast.frame[14:], "a wrong checksum outside")
    equal(fast_in.hop_limit, 8, "hop limit")
    equal(fast_in.data, slow_in.data, "the packet in the LAN")


@test("stf_fast: bulk TCP both ways, and no checksum is wrong at the receiver", seconds=90, needs=NEEDS)
def bulk_tcp(t):
    net = fast_sites(t)
    for host in (net.a, net.b):
        host.run("ethtool", "-K", "eth0", "rx", "off")
    before = net.west.gw.reasons()
    bulk(net, net.b.listen(B, 5001), net.a)
    for host in (net.a, net.b):
        equal(checksum_errors(host), 0, f"wrong checksums that {host.name} found")
    went = ways(net.west.gw, before)
    for way in ("IN", "OUT"):
        check(went[f"STF_FAST_{way}"] > 4 * went[f"STF_{way}"], f"most went the slow way: {went}")


@test("stf_fast: what it cannot do goes the slow way: last hops, options, long packets, our own addresses", needs=NEEDS)
def falls_back(t):
    net = fast_sites(t)
    ends, gw = Ends(net), net.west.gw
    with gw.counts(STF_FAST_OUT=0, STF_FAST_IN=0):
        ends.lan.send(ip6(A, B, ICMP6, still(A, B), hop_limit=1))
        ends.lan.until(lambda p: p.kind == TIME_EXCEEDED, "an answer to the last hop")
        ends.lan.send(ip6(A, B, ICMP6, still(A, B, bytes(1300))))
        ends.lan.until(lambda p: p.kind == TOO_BIG, "an answer to the long packet")
        ends.out(ip6(A, B, HOPOPTS, options(ICMP6) + still(A, B)))
        ends.into(ip4(EAST, WEST, 41, ip6(B, A, HOPOPTS, options(ICMP6) + still(B, A))))
        ends.sea.send(ip4(EAST, WEST, 41, ip6(B, A, ICMP6, still(B, A), hop_limit=1)))
        equal(pings(net.west, f"{site(WEST)}1"), 3, "answers of the gateway to itself")
        equal(pings(net.b, f"{site(WEST)}1"), 3, "answers of the gateway to the far site")


@test("stf_fast: the first packets of TCP go the slow way with mss_clamp, all that is sent with pmtu_discovery", needs=NEEDS)
def keys_of_the_slow_path(t):
    net = fast_sites(t, {"mss_clamp": "auto"})
    ends, gw = Ends(net), net.west.gw
    with gw.counts(STF_FAST_OUT=0, STF_FAST_IN=0, STF_OUT=3, STF_IN=3):  # a reset is never answered
        for _ in range(3):
            ends.out(ip6(A, B, TCP, tcp(A, B, 4000, 5000, flags=SYN | ACK | RST)))
            ends.into(ip4(EAST, WEST, 41, ip6(B, A, TCP, tcp(B, A, 4000, 5000, flags=SYN | ACK | RST))))
    ends.took("STF_FAST_OUT", lambda: ends.out(ip6(A, B, TCP, tcp(A, B, 4000, 5000, flags=RST))))
    gw.unload()
    gw.load("-c", gw.config(tunnel(WEST, pmtu_discovery=True, **FAST), "pmtu.toml"))
    with gw.counts(STF_FAST_OUT=0, STF_OUT=more(5)):
        equal(pings(net.a, B, count=5), 5, "answers")
    ends.took("STF_FAST_IN", lambda: ends.into(ip4(EAST, WEST, 41, ip6(B, A, ICMP6, still(B, A)))))


@test("stf_fast: every check holds: what is spoofed is refused where it always was, with the same reason (S26, R17)",
      needs=NEEDS)
def refuses(t):
    net = fast_sites(t)
    ends, gw = Ends(net), net.west.gw
    stranger = site("203.0.113.5")
    with gw.counts(STF_OUT_SRC_OTHER=1, STF_OUT_DST6=more(1), STF_OUT_NO_HOP=0, STF_IN_SPOOFED=1, STF_IN_DST_OTHER=1,
                   STF_FAST_OUT=0, STF_FAST_IN=0):
        ends.lan.send(ip6(stranger + "7", B, ICMP6, still(stranger + "7", B)),
                      ip6(A, site("127.0.0.1") + "1", ICMP6, still(A, site("127.0.0.1") + "1")))
        ends.sea.send(proto41(EAST, WEST, stranger + "7", A), proto41(EAST, WEST, B, stranger + "7"))


@test("stf_fast: a frame for another station is nobody's to forward (L6)", needs=NEEDS)
def other_station(t):
    net = fast_sites(t)
    ends, gw = Ends(net), net.west.gw
    elsewhere = Wire(net.a, "eth0", "02:00:00:00:00:77")
    with gw.counts(STF_FAST_OUT=0, STF_OUT=0):
        elsewhere.send(*[ip6(A, B, ICMP6, still(A, B))] * 5)
        ends.lan.send(ip6(A, f"{site(WEST)}1", ICMP6, echo(A, f"{site(WEST)}1")))  # behind them
        ends.lan.until(lambda p: p.kind == 129, "the answer to the marker")
    net.west.ip("link set eth0 address 02:00:00:00:00:88")
    moved = Wire(net.a, "eth0", "02:00:00:00:00:88")
    before = gw.reasons()["STF_FAST_OUT"]

    def follows():
        moved.send(ip6(A, B, ICMP6, still(A, B)))
        return gw.reasons()["STF_FAST_OUT"] > before

    wait_for(follows, "the fast path at the new station address")


@test("stf_fast: an unknown neighbour is asked for by the slow path, after which the fast one goes on", needs=NEEDS)
def unknown_neighbour(t):
    net = fast_sites(t)
    gw = net.west.gw
    net.west.ip("neigh flush dev eth1")
    net.west.ip("-6 neigh flush dev eth0")
    equal(pings(net.a, B), 3, "answers")
    before = gw.reasons()
    equal(one_by_one(net, 20), 20, "answers")
    mostly(ways(gw, before)["STF_FAST_OUT"], 20, "out by the fast path")


def into_lan(ends, hosts):
    """{host: stations that its packets went to}, of two packets to each."""
    wanted, seen = 2 * len(hosts), {host: [] for host in hosts}
    ends.lan.forget()
    for host in hosts:
        ends.sea.send(*[ip4(EAST, WEST, 41, ip6(B, host, ICMP6, still(B, host)))] * 2)

    def arrived():
        while frame := ends.lan.frame():
            packet = Packet(frame[14:])
            if packet.source == B and packet.target in seen:
                seen[packet.target].append(frame[:6].hex(":"))
        return sum(map(len, seen.values())) >= wanted

    wait_for(arrived, f"{wanted} packets in the LAN")
    return seen


def next_tick():
    """The kernel's coarse clock moves once a tick, a moment after the tick has been counted. So two of its moves."""
    for _ in range(2):
        now = time.clock_gettime(MONOTONIC_COARSE)
        wait_for(lambda before=now: time.clock_gettime(MONOTONIC_COARSE) > before, "the next tick")


@test("stf_fast: of hundreds of hosts at once each gets what is for it: remembered routes are not mixed up", needs=NEEDS)
def many_hosts(t):
    net = fast_sites(t)
    ends, before = Ends(net), net.west.gw.reasons()
    stations = {f"{site(WEST)}1:{i:x}": f"02:00:00:01:{i >> 8:02x}:{i & 255:02x}" for i in range(1, 601)}
    net.west.ip(*(f"neigh add {host} lladdr {mac} dev eth0 nud permanent" for host, mac in stations.items()))
    hosts = list(stations)
    seen = {}
    for start in range(0, len(hosts), 50):  # a veth holds 256 frames
        seen |= into_lan(ends, hosts[start:start + 50])
    wrong = [(host, macs) for host, macs in seen.items() if macs != [stations[host]] * 2]
    equal((len(seen), wrong[:3]), (len(stations), []), "hosts, and those who got something else")
    mostly(ways(net.west.gw, before)["STF_FAST_IN"], 2 * len(hosts), "in by the fast path")


@test("stf_fast: a neighbour that has moved is believed from the next tick on, and so is a route", needs=NEEDS)
def moves(t):
    net = fast_sites(t)
    ends, host = Ends(net), f"{site(WEST)}77"
    for number in range(8):
        mac = f"02:00:00:02:00:{number:02x}"
        net.west.ip(f"neigh replace {host} lladdr {mac} dev eth0 nud permanent")
        next_tick()
        equal(into_lan(ends, [host]), {host: [mac] * 2}, f"stations after {number} moves")
    net.west.ip(f"route add blackhole {host}")
    next_tick()
    with net.west.gw.counts(STF_IN=3, STF_FAST_IN=0):
        ends.sea.send(*[ip4(EAST, WEST, 41, ip6(B, host, ICMP6, still(B, host)))] * 2)
        ends.into(ip4(EAST, WEST, 41, ip6(B, A, HOPOPTS, options(ICMP6) + still(B, A))))  # behind them


@test("stf_fast: an interface that cannot take part is named, and all goes the slow way", needs=NEEDS)
def takes_no_part(t):
    net = two_sites(t, west=FAST, load=("--xdp", "generic"))
    gw = net.west.gw
    with gw.counts(STF_OUT=3, STF_IN=3, STF_FAST_OUT=0, STF_FAST_IN=0):
        equal(pings(net.a, B), 3, "answers")
    equal({i["name"]: i["fast_path"] for i in gw.status()["interfaces"]}, {"eth0": False, "eth1": True}, "interfaces")
    gw.unload()
    said = gw.load("-c", gw.config(tunnel(WEST, fast_path=True), "again.toml"), "--xdp", "generic")
    contains(said.err + said.out, "eth0 takes no part in the fast path: its XDP is generic", "what load said")


if __name__ == "__main__":
    main()
