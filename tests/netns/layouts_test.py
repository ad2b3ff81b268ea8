#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The two layouts of an IPv4 address in a prefix, end to end: RFC 6052 at each of its
lengths with the RFC's own vectors, and FAITH's last 32 bits (R21, R22, V44, D19).
"""
import ipaddress

from gateway import newsletter
from harness import check, equal, main, test
from peers import Banner, banner

V4 = "192.0.2.33"
VECTORS = {  # RFC 6052 2.4
    "2001:db8::/32": "2001:db8:c000:221::",
    "2001:db8:100::/40": "2001:db8:1c0:2:21::",
    "2001:db8:122::/48": "2001:db8:122:c000:2:2100::",
    "2001:db8:122:300::/56": "2001:db8:122:3c0:0:221::",
    "2001:db8:122:344::/64": "2001:db8:122:344:c0:2:2100::",
    "2001:db8:122:344::/96": "2001:db8:122:344::c000:221",
}


def load(gw, *entries):
    gw.load("-c", gw.config(f"[faith]\nprefixes = [{', '.join(entries)}]\n"))


def rfc(prefix):
    return f'{{ prefix = "{prefix}", layout = "rfc6052" }}'


def four(net):
    net.four.ip(f"addr add {V4}/24 dev eth0")
    Banner(net.four, V4, 2222, V4)


@test("layouts: a connection through each RFC 6052 length reaches the RFC's address (R22, V44)")
def each_length(t):
    net, gw = newsletter(t)
    four(net)
    for prefix, address in VECTORS.items():
        # One at a time: the six of the RFC lie inside one another. The gateway's own
        # link is in 2001:db8::/32, which its longer routes exempt (F2).
        load(gw, rfc(prefix))
        entry = gw.status()["prefixes"][0]
        equal((entry["prefix"], entry["layout"]), (prefix, "rfc6052"), "status")
        with gw.counts(CONNECTED=1):
            equal(banner(net.six, address, 2222), V4, f"who answered at {address}, prefix {prefix}")
        gw.unload()


@test("layouts: several lengths side by side, longest match decides (F2, R21)")
def nested(t):
    net, gw = newsletter(t)
    four(net)
    load(gw, *map(rfc, ("2001:db8:100::/40", "2001:db8:122::/48", "2001:db8:122:344::/64", "64:ff9b::/96")))
    for prefix in ("2001:db8:122::/48", "2001:db8:122:344::/64"):
        equal(banner(net.six, VECTORS[prefix], 2222), V4, f"who answered in {prefix}")
    equal(banner(net.six, "2001:db8:1c0:2:21::", 2222), V4, "who answered in 2001:db8:100::/40")
    equal(banner(net.six, "64:ff9b::c000:221", 2222), V4, "who answered in 64:ff9b::/96")


@test("layouts: octet 8 must be zero, a connection with another one is reset and counted (R21, V44)")
def octet_8(t):
    net, gw = newsletter(t)
    four(net)
    load(gw, rfc("2001:db8:122:344::/64"))
    with gw.counts(BAD_EMBEDDING=1, CONNECTED=0):
        equal(banner(net.six, "2001:db8:122:344:1c0:2:2100::", 2222), "refused", "who answered with octet 8 set")
    equal(banner(net.six, "2001:db8:122:344:c0:2:21ff:ffff", 2222), V4, "who answered with a suffix (ignored on input)")


@test("layouts: FAITH's own layout takes the last 32 bits at any length (D19)")
def faith_layout(t):
    net, gw = newsletter(t)
    four(net)
    load(gw, '"2001:db8:ffff::/64"')
    equal(gw.status()["prefixes"][0]["layout"], "faith", "layout in status")
    for address in ("2001:db8:ffff::c000:221", "2001:db8:ffff:0:1234:5678:c000:221"):
        equal(banner(net.six, address, 2222), V4, f"who answered at {address}")


@test("layouts: `map` gives the RFC's addresses, both ways, without root")
def map_command(t):
    net, gw = newsletter(t)
    for prefix, address in VECTORS.items():
        config = gw.config(f"[faith]\nprefixes = [{rfc(prefix)}]\n")
        there = gw.run("map", V4, "-c", config).out
        # The RFC writes the /64's address with "::" for one group, which RFC 5952 does not.
        check(str(ipaddress.ip_address(address)) in there.split(), f"`map {V4}` with {prefix} says {there!r}, want {address}")
        back = gw.run("map", address, "-c", config).out
        check(V4 in back.split(), f"`map {address}` with {prefix} says {back!r}, want {V4}")


if __name__ == "__main__":
    main()
