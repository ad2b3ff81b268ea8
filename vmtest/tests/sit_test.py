#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kernel's own `sit` is here: 6to4 and 6rd peers that tunnels of ours can be held against
(L6: a machine's own kernel may not have it). Nothing of ours takes part in these tests; they
prove the place.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/netns"))

from harness import SLOW, contains, main, test  # noqa: E402
from hosts import Net, run  # noqa: E402

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
    contains(net.one.run("ping", "-6", "-c", "2", "-W", str(5 * SLOW), TWO6), " 0% packet loss", "ping by 6to4")


@test("sit: a 6rd device takes its prefix and reaches its neighbour")
def six_rd(t):
    net = sites(t)
    # 192.0.2.0/24 is common to all sites, so the last octet alone names one, behind the /32.
    for host, own in ((net.one, "2001:db8:100::1"), (net.two, "2001:db8:200::1")):
        host.ip("tunnel 6rd dev stf0 6rd-prefix 2001:db8::/32 6rd-relay_prefix 192.0.2.0/24")
        host.ip(f"-6 addr add {own}/32 dev stf0")
    contains(net.one.run("ip", "tunnel", "show", "stf0"), "6rd-prefix 2001:db8::/32", "the device")
    contains(net.one.run("ping", "-6", "-c", "2", "-W", str(5 * SLOW), "2001:db8:200::1"), " 0% packet loss", "ping by 6rd")


if __name__ == "__main__":
    main()
