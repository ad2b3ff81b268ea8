#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tunnel packets in IPv4 fragments: whoever cut them, the packet comes out of the tunnel whole,
or is refused as a whole one would be. How fragments fit together is in
tests/unit/slowpath/reassembly_test.cc.
"""
import socket

from gateway import more
from harness import check, equal, main, test, wait_for
from peers import accept, both_ways, noise
from stf_sites import A, B, WEST, pings, site, tunnel, two_sites
from stf_wire import Sea, fragments, ip4, proto41
from wire import ICMP6, TOO_BIG, Wire, echo, ip6

SEA = "192.0.2.254"
STRANGER = "203.0.113.7"


def inner(source, target, length):
    """An echo request that is so long in all."""
    return ip6(source, target, ICMP6, echo(source, target, data=noise(length - 48, 7)))


def raw41(host, source, target, packet):
    """As any program can send it: the host's kernel makes the IPv4 header, and fragments."""
    sender = host.socket(socket.AF_INET, socket.SOCK_RAW, 41)
    sender.bind((source, 0))
    sender.sendto(packet, (target, 0))


def arrives(t, wire, packet):
    source = packet[8:24]
    seen = wire.until(lambda p: p.data[8:24] == source, "the packet")
    equal(seen[-1].data, packet, "the packet that arrived")


def narrow(net, mtu=1400):
    """The IPv4 network carries no more than that, in the middle, both ways."""
    net.sea.ip(f"route replace 198.51.100.0/24 dev eth1 mtu lock {mtu}",
               f"route replace 192.0.2.0/24 dev eth0 mtu lock {mtu}")


@test("fragments: 6to4: a sender's 2500 bytes come in on stf0 as they were sent (R11, L8, V38)")
def six_to_four(t):
    net = two_sites(t, east=False)
    inside = Wire(net.west, "stf0")
    packet = inner(site(SEA) + "1", A, 2500)
    with net.west.gw.counts(STF_FRAGMENT=2, STF_IN=1):
        raw41(net.sea, SEA, WEST, packet)
        arrives(t, inside, packet)
    longest = inner(site(SEA) + "1", A, 65515)
    with net.west.gw.counts(STF_FRAGMENT=more(44), STF_IN=1):
        raw41(net.sea, SEA, WEST, longest)
        arrives(t, inside, longest)


@test("fragments: 6rd: the same, by a border relay, too (R11, V38)")
def sixrd(t):
    net = two_sites(t, west=False, east=False)
    keys = f'{{ prefix = "2001:db8::/32", ipv4_mask_len = 0, border_relay = "{SEA}", ipv4 = "{WEST}" }}'
    net.west.gw.load("-c", net.west.gw.config(tunnel(None, sixrd=keys)))
    net.west.ip("addr add 2001:db8:c000:201::ff/64 dev eth0 nodad")
    inside = Wire(net.west, "stf0")
    mine = "2001:db8:c000:201::2"
    for source in ("2001:db8:c000:2fe::1", "2003::1"):
        packet = inner(source, mine, 2500)
        with net.west.gw.counts(STF_FRAGMENT=2, STF_IN=1):
            raw41(net.sea, SEA, WEST, packet)
            arrives(t, inside, packet)


@test("fragments: longer than the network in between: ping and TCP between two gateways (R8, R11)", seconds=60)
def between_gateways(t):
    net = two_sites(t, {"mtu": 1480}, {"mtu": 1480})
    narrow(net)
    with net.west.gw.counts(STF_FRAGMENT=6, STF_IN=3), net.east.gw.counts(STF_FRAGMENT=6, STF_IN=3):
        equal(pings(net.a, B, "-M", "do", "-s", 1432), 3, "answers of 1480 bytes")
    listener = net.b.listen(B, 5001)
    client = net.a.connect(B, 5001)
    both_ways(client, accept(listener), noise(200_000, 1), noise(200_000, 2))


@test("fragments: what is longer than the site can take is answered as any packet is (R8)")
def too_long_for_the_site(t):
    net = two_sites(t, east=False)
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    packet = inner(site(SEA) + "1", A, 2500)
    sea.packets()
    raw41(net.sea, SEA, WEST, packet)
    wait_for(lambda: any(p.protocol == 41 and p.target == SEA and p.payload[40] == TOO_BIG
                         for p in sea.packets(incoming_only=True)), "Packet Too Big through the tunnel")


@test("fragments: what is spoofed or bad in them is dropped under the same reasons, without an answer (L7, R17)")
def spoofed(t):
    net = two_sites(t, east=False)
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    bad = {
        "STF_IN_SPOOFED": proto41(STRANGER, WEST, site("203.0.113.8") + "1", A, data=bytes(2000)),
        "STF_IN_SRC4_PRIVATE": proto41("10.0.0.1", WEST, site("10.0.0.1") + "1", A, data=bytes(2000)),
        "STF_IN_DST_OTHER": proto41(STRANGER, WEST, site(STRANGER) + "1", B, data=bytes(2000)),
        "STF_IN_SHORT": ip4(STRANGER, WEST, 41, inner(site(STRANGER) + "1", A, 3000)[:2000]),
    }
    for reason, packet in bad.items():
        with net.west.gw.counts(**{reason: 1}, STF_FRAGMENT=2, STF_IN=0):
            equal(sea.answers(*fragments(packet), ask=(WEST, SEA)), [], f"answers to {reason}")
    good = proto41(STRANGER, WEST, site(STRANGER) + "1", A, data=bytes(2000))
    with net.west.gw.counts(STF_FRAGMENT_BAD=1, STF_IN=0):
        first, second = fragments(good)
        sea.send(first, *fragments(good, size=1200))
    net.west.gw.unload()
    net.west.gw.load("-c", net.west.gw.config(tunnel(WEST, length=32), "near.toml"))
    with net.west.gw.counts(STF_NOT_PEER=2, STF_FRAGMENT=0):
        sea.send(*fragments(good))


@test("fragments: without the daemon they are dropped and nobody gets an answer; whole packets go on (L7)")
def without_daemon(t):
    net = two_sites(t)
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    packet = proto41(STRANGER, WEST, site(STRANGER) + "1", A, data=bytes(2000))
    net.west.gw.kill()
    # The ring holds so many, then nothing finds room.
    with net.west.gw.counts(STF_FRAGMENT=more(400), STF_IN_FRAGMENT=more(100), STF_IN=0):
        for _ in range(10):
            equal(sea.answers(*list(fragments(packet)) * 40, ask=(WEST, SEA)), [], "answers")
    with net.west.gw.counts(STF_IN=3, STF_OUT=3):
        equal(pings(net.a, B), 3, "answers of whole packets")


@test("fragments: the uplink goes away and comes back, and they are taken again")
def uplink_returns(t):
    net = two_sites(t, east=False)
    net.west.ip("link del eth1")
    wait_for(lambda: not net.west.gw.status()["stf"][0]["active"], "the tunnel to be inactive")
    net.link(net.west, "eth1", f"{WEST}/24", net.sea, "eth0", f"{SEA}/24")
    net.west.ip("route add default via 192.0.2.254")
    wait_for(lambda: net.west.gw.status()["stf"][0]["active"], "the tunnel to be active")
    inside = Wire(net.west, "stf0")
    packet = inner(site(SEA) + "1", A, 2500)
    with net.west.gw.counts(STF_FRAGMENT=2, STF_IN=1):
        raw41(net.sea, SEA, WEST, packet)
        arrives(t, inside, packet)


@test("fragments: what does not become whole is given up after its time, and what finds no device is counted (R11)",
      seconds=60)
def given_up(t):
    net = two_sites(t, east=False)
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    first, second = fragments(proto41(STRANGER, WEST, site(STRANGER) + "1", A, data=bytes(2000)))
    before = net.west.gw.reasons()["STF_FRAGMENT_LATE"]
    sea.send(first)
    wait_for(lambda: net.west.gw.reasons()["STF_FRAGMENT_LATE"] == before + 1, "the half packet to be given up", seconds=45)
    net.west.ip("link set stf0-peer down")
    with net.west.gw.counts(STF_IN=0):
        sea.send(second)
    with net.west.gw.counts(STF_IN=1, STF_FRAGMENT_LOST=1):
        sea.send(first)


@test("fragments: a flood of unfinished packets is bounded and counted, and the tunnel goes on", seconds=60)
def flood(t):
    net = two_sites(t)
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    first = next(fragments(proto41(STRANGER, WEST, site(STRANGER) + "1", A, data=bytes(2000))))
    packets = [Sea.with_checksum(first[:4] + number.to_bytes(2, "big") + first[6:20]) + first[20:]
               for number in range(5000)]
    before = net.west.gw.reasons()
    sea.send(*packets)
    names = ("STF_FRAGMENT", "STF_FRAGMENT_RATE", "STF_IN_FRAGMENT")

    def counted():
        now = net.west.gw.reasons()
        return sum(now[name] - before[name] for name in names) == len(packets)

    def gone(now):  # late ones, too: a slow machine takes longer over the flood than they are kept
        return sum(now[name] - before[name] for name in ("STF_FRAGMENT_FULL", "STF_FRAGMENT_LATE"))

    wait_for(counted, "every fragment to be counted", seconds=10)
    # 4 MiB hold less than 3,000 of these.
    taken = net.west.gw.reasons()["STF_FRAGMENT"] - before["STF_FRAGMENT"]
    if taken > 3000:
        wait_for(lambda: gone(net.west.gw.reasons()) >= taken - 3000, "older ones to be given up")
    equal(pings(net.a, B), 3, "answers")
    rss = next(int(line.split()[1]) for pid in net.west.gw.pids()
               for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))
    check(rss < 100_000, f"{rss} KiB of memory")


if __name__ == "__main__":
    main()
