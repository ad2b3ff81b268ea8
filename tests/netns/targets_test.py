#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""IPv4 targets that no rule can open: the built-in list, the gateway's own addresses,
`never`, and what 64:ff9b::/96 must not carry (D20, D21, R23; V12, V45).
"""
import re

from gateway import PREFIX, newsletter, on
from harness import check, equal, main, test, wait_for
from hosts import DUAL4, DUAL6, FOUR
from peers import Banner, banner

PORT = 2222
NEVER = ("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "169.254.169.254",
         "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255")


@test("targets: no rule opens the built-in list, loopback first of all (D20, D21, V12)")
def built_in(t):
    net, gw = newsletter(t)
    Banner(net.dual, "127.0.0.1", PORT, "loopback of the gateway")
    gw.load("--acl", t.write("acl", "::/0 permit 0.0.0.0/0\n"))
    with gw.counts(NEVER_TARGET=len(NEVER), CONNECTED=0):
        for target in NEVER:
            equal(banner(net.six, on(target), PORT), "refused", f"who answered as {target}")


@test("targets: the gateway's own IPv4 addresses are refused, also one that came at run time (D21, V12)")
def own(t):
    net, gw = newsletter(t)
    Banner(net.dual, "0.0.0.0", PORT)
    gw.load("--acl", t.write("acl", "::/0 permit 0.0.0.0/0\n"))
    with gw.counts(OWN_TARGET=1, CONNECTED=0):
        equal(banner(net.six, on(DUAL4), PORT), "refused", "who answered at the gateway's address")
    Banner(net.four, "0.0.0.0", PORT)
    net.four.ip("addr add 192.0.2.9/24 dev eth0")
    late = on("192.0.2.9")
    equal(banner(net.six, late, PORT), "four", "who answered while the address was four's")
    net.four.ip("addr del 192.0.2.9/24 dev eth0")
    net.dual.ip("addr add 192.0.2.9/24 dev eth1")
    wait_for(lambda: banner(net.six, late, PORT) == "refused", "the new own address to be refused")
    net.dual.ip("addr del 192.0.2.9/24 dev eth1")
    net.four.ip("addr add 192.0.2.9/24 dev eth0")
    net.dual.run("ip", "neigh", "flush", "all")
    wait_for(lambda: banner(net.six, late, PORT) == "four", "the address that is four's again to be relayed")


@test("targets: `never` adds to the list, above any rule")
def never(t):
    net, gw = newsletter(t)
    net.four.ip("addr add 192.0.2.130/24 dev eth0")
    Banner(net.four, "0.0.0.0", PORT)
    acl = t.write("acl", "::/0 permit 0.0.0.0/0\n")
    gw.load("-c", gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\nacl = "{acl}"\nnever = ["192.0.2.128/25"]\n'))
    with gw.counts(NEVER_TARGET=1):
        equal(banner(net.six, on("192.0.2.130"), PORT), "refused", "who answered in the never range")
    equal(banner(net.six, on(FOUR), PORT), "four", "who answered beside it")


@test("targets: 64:ff9b::/96 carries no private IPv4 address, another prefix does (R23, V45)")
def well_known_prefix(t):
    net, gw = newsletter(t)
    private = ("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1")
    for address in private:
        net.four.ip(f"addr add {address}/32 dev lo")
        net.dual.ip(f"route add {address}/32 via {FOUR}")
    Banner(net.four, "0.0.0.0", PORT)
    gw.load("--prefix", "64:ff9b::/96", "--prefix", PREFIX + "/96",
            "--acl", t.write("acl", "::/0 permit 0.0.0.0/0\n"), prefix=None)
    with gw.counts(NOT_GLOBAL=len(private), CONNECTED=0):
        for address in private:
            equal(banner(net.six, on(address, "64:ff9b::"), PORT), "refused", f"who answered as {address}")
    for address in private:
        equal(banner(net.six, on(address), PORT), "four", f"who answered as {address} in another prefix")


@test("targets: a program on the gateway that finds a worker's listener gets nothing from it")
def listener_itself(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.four, FOUR, PORT)
    ports = [int(port) for port in re.findall(r"\[::1\]:(\d+)", net.dual.run("ss", "-H", "-l", "-n", "-t"))]
    check(ports, "no listener on [::1]")
    with gw.counts(NOT_CAPTURED=len(ports), CONNECTED=0):
        for port in ports:
            equal(banner(net.dual, "::1", port), "refused", f"who answered on [::1]:{port}")
    for port in ports:
        equal(banner(net.six, DUAL6, port), "refused", f"who answered six on the own address, port {port}")


if __name__ == "__main__":
    main()
