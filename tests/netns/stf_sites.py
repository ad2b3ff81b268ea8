# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Two sites joined by tunnels, for tests of tunnels.

    2002:c000:201:1::/64                                              2002:c633:6401:1::/64
    a  eth0 ::2 -- ::1 eth0  west  eth1 --- sea --- eth1  east  eth0 ::1 -- ::2 eth0  b
                             192.0.2.1   IPv4 only   198.51.100.1
"""
import re

from gateway import Gateway
from harness import SLOW
from hosts import Net
from peers import accept, both_ways, noise

WEST, EAST = "192.0.2.1", "198.51.100.1"


def site(address, subnet=1):
    """The 6to4 site of an IPv4 address, without its host: 2002:c000:201:1::"""
    a, b, c, d = map(int, address.split("."))
    return f"2002:{a << 8 | b:x}:{c << 8 | d:x}:{subnet:x}::"


A, B = site(WEST) + "2", site(EAST) + "2"


def tunnel(address, length=16, **keys):
    """A [[stf]] as an operator writes it."""
    lines = [f'address = "{site(address, 0)[:-4]}::1/{length}"'] if address else []
    for key, value in ({"uplink": "eth1"} | keys).items():
        shown = value if key == "sixrd" else str(value).lower() if not isinstance(value, str) else f'"{value}"'
        lines.append(f"{key} = {shown}")
    return "[[stf]]\n" + "\n".join(lines) + "\n"


def two_sites(t, west=None, east=None, load=()):
    net = Net(t)
    hosts = [net.host(name) for name in ("a", "west", "sea", "east", "b")]
    net.link(net.a, "eth0", f"{A}/64", net.west, "eth0", f"{site(WEST)}1/64")
    net.link(net.west, "eth1", f"{WEST}/24", net.sea, "eth0", "192.0.2.254/24")
    net.link(net.sea, "eth1", "198.51.100.254/24", net.east, "eth1", f"{EAST}/24")
    net.link(net.east, "eth0", f"{site(EAST)}1/64", net.b, "eth0", f"{B}/64")
    net.a.ip(f"-6 route add default via {site(WEST)}1")
    net.b.ip(f"-6 route add default via {site(EAST)}1")
    net.west.ip("route add default via 192.0.2.254")
    net.east.ip("route add default via 198.51.100.254")
    net.sea.sysctl("net.ipv4.ip_forward", 1)
    for host in hosts:
        host.sysctl("net.ipv4.icmp_ratelimit", 0)
    for host in (net.west, net.east):
        host.sysctl("net.ipv6.conf.all.forwarding", 1)
    for host, other, keys, address in ((net.west, net.east, west, WEST), (net.east, net.west, east, EAST)):
        host.gw = Gateway(t, host)
        if keys is not False:
            host.gw.load("-c", host.gw.config(tunnel(address, **(keys or {})), f"{host.name}.toml"), *load)
    return net


def pings(host, target, *words, count=3, wait=5 * SLOW):
    """How many answers came within so many seconds. All are asked for at once: of requests with pauses between
    them ping waits for the last answer no longer than twice the slowest took, whatever -W says."""
    text = host.run("ping", "-6", "-n", "-c", count, "-l", count, "-W", wait, *words, target, rc=None)
    return int(re.search(r"(\d+) received", text)[1])


def bulk(net, listener, client, megabytes=8):
    client_end = client.connect(listener.getsockname()[0], listener.getsockname()[1])
    both_ways(client_end, accept(listener), noise(megabytes << 20, 1), noise(megabytes << 20, 2))


def checksum_errors(host):
    text = host.run("nstat", "-a", "-z", "-s", "TcpInCsumErrors", "Ip6InDiscards")
    return int(re.search(r"TcpInCsumErrors\s+(\d+)", text)[1])
