#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The switch of faith(4): off captures nothing, lets nothing loop, and turns back on
(F1, F9, V1).
"""
from gateway import PREFIX, newsletter, on, six_wire
from harness import check, equal, main, test
from hosts import DUAL6, FOUR, SIX
from peers import Banner, banner
from wire import ICMP6, SYN, TCP, UDP, Loop, Wire, echo, ip6, tcp, udp

TARGET = on(FOUR)


def knocks(source):
    return [
        ip6(source, TARGET, TCP, tcp(source, TARGET, 5000, 2222, SYN)),
        ip6(source, TARGET, UDP, udp(source, TARGET, 5000, 2222)),
        ip6(source, TARGET, ICMP6, echo(source, TARGET)),
    ]


@test("keepfaith: off captures nothing, on captures again (F1, F9, V1)")
def off_and_on(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.four, FOUR, 2222)
    Banner(net.dual, "::", 2222)
    equal(banner(net.six, TARGET, 2222), "four", "who answered while on")
    gw.run("keepfaith", "off")
    equal(gw.status()["keepfaith"], False, "keepfaith in status")
    with gw.counts(STEERED=0):
        seen = banner(net.six, TARGET, 2222, seconds=1.5)
        check(seen in ("silence", "unreachable", "refused"), f"{seen} answered while off")
    gw.run("keepfaith", "on")
    equal(gw.status()["keepfaith"], True, "keepfaith in status")
    equal(banner(net.six, TARGET, 2222), "four", "who answered once on again")


@test("keepfaith: off drops each packet once: no answer, no loop, nothing forwarded (F9)")
def no_loop(t):
    net, gw = newsletter(t)
    net.dual.sysctl("net.ipv6.conf.all.forwarding", 1)
    gw.load()
    gw.run("keepfaith", "off")
    with gw.counts(DROP_KEEPFAITH_OFF=3, PASS_TCP=0):
        equal(six_wire(net).answers(SIX, DUAL6, knocks(SIX)), [], "answers to six")


@test("keepfaith: off holds on the gateway itself and on interfaces that are not loaded")
def off_everywhere(t):
    net, gw = newsletter(t)
    seven = net.client("seven", "eth2", "2001:db8:7::")
    gw.load()
    Banner(net.dual, "::", 2222)
    gw.run("keepfaith", "off")
    with gw.counts(DROP_KEEPFAITH_OFF=3):
        equal(Loop(net.dual).answers(DUAL6, DUAL6, knocks(DUAL6)), [], "answers on the gateway")
    wire = Wire(seven, "eth0", net.dual.mac("eth2"))
    with gw.counts(DROP_KEEPFAITH_OFF=3):
        equal(wire.answers("2001:db8:7::2", "2001:db8:7::1", knocks("2001:db8:7::2")), [], "answers elsewhere")


@test("keepfaith: `keepfaith = false` in the configuration starts switched off")
def off_from_the_start(t):
    net, gw = newsletter(t)
    gw.load("-c", gw.config(f'[faith]\nkeepfaith = false\nprefixes = ["{PREFIX}/96"]\n'))
    Banner(net.four, FOUR, 2222)
    equal(gw.status()["keepfaith"], False, "keepfaith in status")
    with gw.counts(DROP_KEEPFAITH_OFF=3, STEERED=0):
        equal(six_wire(net).answers(SIX, DUAL6, knocks(SIX)), [], "answers to six")
    gw.run("keepfaith", "on")
    equal(banner(net.six, TARGET, 2222), "four", "who answered once on")


@test("keepfaith: a word that is neither on nor off is a usage error, and nothing changes")
def wrong_word(t):
    net, gw = newsletter(t)
    gw.load()
    gw.run("keepfaith", "maybe", rc=2)
    equal(gw.status()["keepfaith"], True, "keepfaith in status")


if __name__ == "__main__":
    main()
