#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kernel's own `sit` is here: 6to4 and 6rd peers that tunnels of ours can be held against
(L6: a machine's own kernel may not have it). The first tests prove the place; in the others
a gateway is one of the two sites, and the kernel on the other side is the judge.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/netns"))

from gateway import Gateway  # noqa: E402
from harness import SLOW, check, contains, equal, main, test  # noqa: E402
from hosts import Net, run  # noqa: E402
from peers import accept, both_ways, noise  # noqa: E402
from stf_wire import Sea, proto41  # noqa: E402

ONE4, TWO4 = "192.0.2.1", "192.0.2.2"
ONE6, TWO6 = "2002:c000:201::1", "2002:c000:202::1"


def sites(t):
    """Two 6to4 sites of the kernel's own, over one IPv4 network."""
    run(["modprobe", "sit"])
    net = Net(t)
    one, two = net.host("one"), net.host("two")
    net.link(one, "eth0", f"{ONE4}/24", two, "eth0", f"{TWO4}/24")
    for host, own4, own6 in ((one, ONE4, ONE6), (two, TWO4, TWO6)):
        host.ip(f"tunnel add stf0 mode sit remote any local {own4} ttl 64")
        host.ip("link set stf0 up")
        host.ip(f"-6 addr add {own6}/16 dev stf0")
    return net


@test("sit: two 6to4 sites of the kernel reach each other")
def six_to_four(t):
    net = sites(t)
    contains(net.one.run("ping", "-6", "-c", "2", "-l", "2", "-W", str(5 * SLOW), TWO6), " 0% packet loss", "ping by 6to4")


@test("sit: a 6rd device takes its prefix and reaches its neighbour")
def six_rd(t):
    net = sites(t)
    # 192.0.2.0/24 is common to all sites, so the last octet alone names one, behind the /32.
    for host, own in ((net.one, "2001:db8:100::1"), (net.two, "2001:db8:200::1")):
        host.ip("tunnel 6rd dev stf0 6rd-prefix 2001:db8::/32 6rd-relay_prefix 192.0.2.0/24")
        host.ip(f"-6 addr add {own}/32 dev stf0")
    contains(net.one.run("ip", "tunnel", "show", "stf0"), "6rd-prefix 2001:db8::/32", "the device")
    contains(net.one.run("ping", "-6", "-c", "2", "-l", "2", "-W", str(5 * SLOW), "2001:db8:200::1"), " 0% packet loss", "ping by 6rd")


# --- a gateway in the place of the second site ----------------------------------------------

SIXRD = '{ prefix = "2001:db8::/32", ipv4_mask_len = 24, border_relay = "192.0.2.77", ipv4 = "192.0.2.2" }'


def against_gateway(t, keys=f'address = "{TWO6}/16"\n', kernel6rd=False):
    run(["modprobe", "sit"])
    net = Net(t)
    one, two = net.host("one"), net.host("two")
    net.link(one, "eth0", f"{ONE4}/24", two, "eth0", f"{TWO4}/24")
    one.ip(f"tunnel add stf0 mode sit remote any local {ONE4} ttl 64")
    one.ip("link set stf0 up mtu 1280")
    if kernel6rd:
        one.ip("tunnel 6rd dev stf0 6rd-prefix 2001:db8::/32 6rd-relay_prefix 192.0.2.0/24")
        one.ip("-6 addr add 2001:db8:100::1/32 dev stf0")
    else:
        one.ip(f"-6 addr add {ONE6}/16 dev stf0")
    two.gw = Gateway(t, two)
    two.gw.load("-c", two.gw.config('[[stf]]\nuplink = "eth0"\n' + keys))
    return net


def both_talk(net, one6, two6):
    for host, target in ((net.one, two6), (net.two, one6)):
        contains(host.run("ping", "-6", "-c", "2", "-l", "2", "-W", str(5 * SLOW), target), " 0% packet loss", f"ping {target}")
    for port, server, address, client in ((5001, net.one, one6, net.two), (5002, net.two, two6, net.one)):
        listener = server.listen(address, port)
        made = client.connect(address, port)
        both_ways(made, accept(listener), noise(1 << 20, 1), noise(1 << 20, 2))


@test("sit: 6to4 between the kernel and a gateway: ping and bulk both ways", seconds=120)
def gateway_6to4(t):
    net = against_gateway(t)
    both_talk(net, ONE6, TWO6)
    reasons = net.two.gw.reasons()
    check(reasons["STF_IN"] > 100 and reasons["STF_OUT"] > 100, f"packets through the tunnel: {reasons}")


@test("sit: 6rd between the kernel and a gateway: ping and bulk both ways", seconds=120)
def gateway_6rd(t):
    net = against_gateway(t, keys=f"sixrd = {SIXRD}\n", kernel6rd=True)
    both_talk(net, "2001:db8:100::1", "2001:db8:200::1")


@test("sit: the kernel understands the marks that a gateway sends, and the other way round (RFC 6040)")
def gateway_ecn(t):
    net = against_gateway(t, keys=f'address = "{TWO6}/16"\necn = "rfc6040"\n')
    sea = Sea(net.one, "eth0")
    for mark in (0x00, 0x01, 0x02, 0x03, 0xB8):
        text = net.two.run("ping", "-6", "-c", "1", "-W", str(5 * SLOW), "-Q", mark, ONE6)
        contains(text, " 0% packet loss", f"ping with class {mark:#x}")
        seen = [p.service for p in sea.packets() if p.protocol == 41 and p.source == TWO4]
        check(mark in seen, f"class {mark:#x} outside: {seen}")


@test("sit: a spoofed source from the kernel's side is counted and gets no answer (R17)")
def gateway_spoofed(t):
    net = against_gateway(t)
    sea = Sea(net.one, "eth0", net.two.mac("eth0"))
    with net.two.gw.counts(STF_IN_SPOOFED=1, STF_IN=0):
        equal(sea.answers(proto41("203.0.113.7", TWO4, ONE6, TWO6), ask=(TWO4, ONE4)), [], "answers")


FAR4, FAR6 = "198.51.100.1", "2002:c633:6401::1"


def across_a_narrow_path(t):
    """The gateway behind a router that takes packets of 1400 bytes, from either side."""
    run(["modprobe", "sit"])
    net = Net(t)
    one, sea, two = (net.host(name) for name in ("one", "sea", "two"))
    net.links((one, "eth0", f"{ONE4}/24", sea, "eth0", "192.0.2.254/24"),
              (sea, "eth1", "198.51.100.254/24", two, "eth0", f"{FAR4}/24"))
    sea.sysctl("net.ipv4.ip_forward", 1)
    sea.sysctl("net.ipv4.icmp_ratelimit", 0)
    sea.ip("route replace 198.51.100.0/24 dev eth1 mtu lock 1400", "route replace 192.0.2.0/24 dev eth0 mtu lock 1400")
    one.ip("route add default via 192.0.2.254")
    two.ip("route add default via 198.51.100.254")
    one.ip(f"tunnel add stf0 mode sit remote any local {ONE4} ttl 64 pmtudisc")
    one.ip("link set stf0 up mtu 1480", f"addr add {ONE6}/16 dev stf0")
    two.gw = Gateway(t, two)
    keys = f'address = "{FAR6}/16"\nmtu = 1480\npmtu_discovery = true\n'
    two.gw.load("-c", two.gw.config('[[stf]]\nuplink = "eth0"\n' + keys))
    return net


@test("sit: where the path narrows the kernel and a gateway tell their senders the same; both get through (R9, V37)",
      seconds=120)
def narrow_path(t):
    net = across_a_narrow_path(t)

    def sized(host, target, size):
        return host.run("ping", "-6", "-n", "-c", 1, "-W", 2 * SLOW, "-M", "do", "-s", size - 48, target, rc=None).lower()

    for host, target in ((net.one, FAR6), (net.two, ONE6)):
        # The first one that is lost tells the tunnel, the next one its sender.
        texts = [sized(host, target, 1480) for _ in range(3)]
        check(any("mtu: 1380" in text or "mtu=1380" in text for text in texts), f"what {host.name} was told: {texts}")
        contains(sized(host, target, 1380), " 0% packet loss", f"a ping of 1380 bytes from {host.name}")
    both_talk(net, ONE6, FAR6)
    equal(net.two.gw.reasons()["STF_FRAGMENT"], 0, "fragments that came to the gateway")


if __name__ == "__main__":
    main()
