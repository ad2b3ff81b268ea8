#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The device of a tunnel and the roads of its packets, as a host beside the uplink sees them.

    west  eth0 192.0.2.1 --- eth0 192.0.2.254 sea
"""
import socket

from gateway import Gateway
from harness import equal, main, test
from hosts import Net
from stf_wire import ETH_P_IP, Sea, ip4, proto41
from wire import ICMP6, Wire, echo, ip6

WEST, FAR = "192.0.2.1", "2002:c633:6401::1"


def tunnel(t, keys='address = "2002:c000:201::1/16"'):
    """A gateway, of 6to4 unless told otherwise, and the host that routes its IPv4 packets nowhere."""
    net = Net(t)
    west, sea = net.host("west"), net.host("sea")
    net.link(west, "eth0", f"{WEST}/24", sea, "eth0", "192.0.2.254/24")
    west.ip(f"neigh add 192.0.2.254 lladdr {sea.mac('eth0')} dev eth0 nud permanent", "route add default via 192.0.2.254")
    west.gw = Gateway(t, west)
    west.gw.load("-c", west.gw.config(f'[[stf]]\nuplink = "eth0"\n{keys}\n'))
    return net


def ping(net, target):
    net.west.run("ping", "-6", "-n", "-c", 1, "-W", 0.2, target, rc=None)


def is_tunnel(packet):
    return packet.protocol == 41


@test("stf: the device has no link-local address, no multicast and no neighbours, and says nothing itself (S6, S28)")
def quiet_device(t):
    net = tunnel(t)
    shown = net.west.ip_json("addr show dev stf0")[0]
    equal([flag in shown["flags"] for flag in ("MULTICAST", "NOARP")], [False, True], f"flags {shown['flags']}")
    equal([address["local"] for address in shown["addr_info"]], ["2002:c000:201::1"], "addresses")
    sea = Sea(net.sea, "eth0")
    with net.west.gw.counts(STF_OUT=1):
        ping(net, FAR)
    sent = [packet.payload[6] for packet in sea.gather(1, lambda p: p.source == WEST, "the outer packet")]
    equal(sent, [ICMP6], "inner next headers of what west sent")
    with net.west.gw.counts(STF_OUT=0, STF_OUT_DST6=1):  # all nodes: only the gateway's own stack hears it
        ping(net, "ff02::1%stf0")
    equal([packet for packet in sea.packets() if packet.source == WEST], [], "multicast on the uplink")


@test("stf: a filter of the operator's own on the device judges inner packets (S20)")
def own_filter(t):
    net = tunnel(t)
    sea = Sea(net.sea, "eth0", net.west.mac("eth0"))
    question = proto41("198.51.100.1", WEST, FAR, "2002:c000:201::1")
    with net.west.gw.counts(STF_IN=1, STF_OUT=1):
        sea.send(question)
    # Classic BPF: the byte at 20 of the frame is the inner next header; ICMPv6 is dropped (2).
    net.west.run("tc", "filter", "add", "dev", "stf0", "ingress", "protocol", "ipv6", "prio", "7", "bpf",
                 "direct-action", "bytecode", "4,48 0 0 20,21 0 1 58,6 0 0 2,6 0 0 4294967295")
    with net.west.gw.counts(STF_IN=1, STF_OUT=0):
        sea.send(question)


@test("stf: the route of the outer packet is asked for each packet: another next hop counts at once (S25)")
def next_hop_changes(t):
    net = tunnel(t)
    net.west.ip("neigh add 192.0.2.99 lladdr 02:00:00:00:00:99 dev eth0 nud permanent")
    tap = net.sea.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    tap.bind(("eth0", ETH_P_IP))
    for hop, mac in (("192.0.2.254", net.sea.mac("eth0")), ("192.0.2.99", "02:00:00:00:00:99")) * 2:
        net.west.ip(f"route replace default via {hop}")
        with net.west.gw.counts(STF_OUT=1):
            ping(net, FAR)
        equal(tap.recv(2048)[:6].hex(":"), mac, f"where the outer packet went by {hop}")


@test("stf: a tunnel is one hop: only the inner hop limit goes down, by one, and TTLs are the outer packet's own (R13)")
def one_hop(t):
    net = tunnel(t)
    site = net.host("site")
    net.link(site, "eth0", "2002:c000:201:1::2/64", net.west, "eth1", "2002:c000:201:1::1/64")
    site.ip("-6 route add default via 2002:c000:201:1::1")
    net.west.sysctl("net.ipv6.conf.all.forwarding", 1)
    sea, inside = Sea(net.sea, "eth0", net.west.mac("eth0")), Wire(site, "eth0")
    inner = ip6(FAR, "2002:c000:201:1::2", ICMP6, echo(FAR, "2002:c000:201:1::2"), hop_limit=9)
    with net.west.gw.counts(STF_IN=1, STF_OUT=2):
        sea.send(ip4("198.51.100.1", WEST, 41, inner, ttl=3))
        equal(inside.until(lambda p: p.source == FAR, "the packet at the site")[-1].hop_limit, 8, "hop limit at the site")
        seen = sea.gather(1, is_tunnel, "the answer of the site")
        site.run("ping", "-6", "-n", "-c", 1, "-W", 0.2, "-t", 5, FAR, rc=None)
        seen += sea.gather(1, is_tunnel, "the question of the site")
    sent = [(p.ttl, p.payload[7], p.payload[40]) for p in seen]
    equal(sent, [(64, 63, 129), (64, 4, 128)], "outer TTL, hop limit and ICMPv6 type on the way out")


@test("stf: 6rd without a border relay: the next hop says where, if it is a site (S33)")
def sixrd_next_hop(t):
    net = tunnel(t, f'sixrd = {{ prefix = "2001:db8::/32", ipv4 = "{WEST}" }}')
    sea = Sea(net.sea, "eth0")
    net.west.ip("route add 2001:db9::/32 via 2001:db8:c633:6401:: dev stf0", "route add 2001:dba::/32 dev stf0")
    with net.west.gw.counts(STF_OUT=2, STF_OUT_NO_HOP=1):
        for target in ("2001:db9::7", "2001:dba::7", "2001:db8:cb00:7107::1"):
            ping(net, target)
    sent = [packet.target for packet in sea.gather(2, is_tunnel, "two outer packets")]
    equal(sent, ["198.51.100.1", "203.0.113.7"], "where the outer packets go: by the next hop, and to a site directly")


if __name__ == "__main__":
    main()
