#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Congestion marks in a tunnel that no path makes (RFC 6040 4.2): the log and `events` tell of them,
of few in a flood, and of none when they are told not to. All sixteen pairs: tests/bpf/xdp_stf_test.cc.
"""
import json
import struct
import time

from gateway import Foreground
from harness import check, contains, equal, main, test, wait_for
from stf_sites import A, B, EAST, WEST, tunnel, two_sites
from stf_wire import Sea, fragments, ip4
from wire import ICMP6, ECHO_REPLY, icmp6, ip6

NOT_ECT, ECT1, ECT0, CE = range(4)


def marked(inside, outside, size=20):
    """A tunnel packet to A that nobody answers."""
    body = icmp6(B, A, ECHO_REPLY, body=struct.pack("!HH", 0xFA57, 1) + bytes(size))
    inner = ip6(B, A, ICMP6, body)
    inner = struct.pack("!I", 6 << 28 | inside << 20) + inner[4:]
    outer = ip4(EAST, WEST, 41, inner)
    return Sea.with_checksum(outer[:1] + bytes([outside]) + outer[2:])


def told(gw):
    return [json.loads(line) for line in gw.run("events", "--json").out.splitlines()]


def of_marks(gw):
    return [(e["reason"], e["inner_mark"], e["outer_mark"]) for e in told(gw)]


def gateway(t, **keys):
    """West alone, its log in a file."""
    net = two_sites(t, west=False, east=False)
    gw = net.west.gw
    log = Foreground(t, gw, "-c", gw.config(tunnel(WEST, **keys)))
    return gw, Sea(net.sea, "eth0", net.west.mac("eth1")), log


@test("stf_marks: marks that no path makes are told with peer and both of them, whole or in fragments (S30)")
def tells(t):
    gw, sea, log = gateway(t, ecn="rfc6040")
    with gw.counts(STF_IN_ODD_ECN=1, STF_IN_ECN=1, STF_IN=2):
        sea.send(marked(ECT0, CE), marked(NOT_ECT, ECT0), marked(ECT0, NOT_ECT), marked(NOT_ECT, CE))
    wait_for(lambda: len(told(gw)) == 2, "the events")
    first = told(gw)[0]
    equal((first["interface"], first["hook"], first["peer"], first["source"], first["destination"]),
          ("stf0", "xdp", EAST, B, A), "the event")
    equal(of_marks(gw), [("STF_IN_ODD_ECN", "Not-ECT", "ECT(0)"), ("STF_IN_ECN", "Not-ECT", "CE")], "events")
    words = f"tunnel packet of {EAST}, from {B} to {A}, marked Not-ECT inside and CE outside"
    contains(gw.run("events").out, f"stf0 xdp STF_IN_ECN: {words}", "the page for people")
    contains(log.text(), f"stf0: {words}", "the log")
    with gw.counts(STF_IN_ODD_ECN=1):
        sea.send(*fragments(marked(CE, ECT1, 2000)))
    wait_for(lambda: of_marks(gw)[2:] == [("STF_IN_ODD_ECN", "CE", "ECT(1)")], "the event of the one in fragments")


@test("stf_marks: of a flood few are told (S30)")
def flood(t):
    gw, sea, log = gateway(t, ecn="rfc6040")
    start = time.monotonic()
    with gw.counts(STF_IN_ECN=2000):
        sea.send(*[marked(NOT_ECT, CE)] * 2000)
    most = 11 + 10 * (time.monotonic() - start)
    wait_for(lambda: len(told(gw)) >= 10, "the first events")
    events = told(gw)
    check(len(events) <= most, f"{len(events)} events, at most {most}")
    check(all("lost" not in event for event in events), "marks counted as lost denials")
    equal(log.text().count("tunnel packet of"), len(events), "lines in the log")


@test("stf_marks: ecn_log = false and ecn = \"copy\" tell of nothing; what is refused is counted (S30)")
def silent(t):
    gw, sea, log = gateway(t, ecn="rfc6040", ecn_log=False)
    with gw.counts(STF_IN_ODD_ECN=1, STF_IN_ECN=1):
        sea.send(marked(NOT_ECT, ECT0), marked(NOT_ECT, CE))
    equal(told(gw), [], "events")
    check("tunnel packet of" not in log.text(), "a line in the log")
    gw.unload()
    gw.load("-c", gw.config(tunnel(WEST), "copy.toml"))
    with gw.counts(STF_IN=2, STF_IN_ODD_ECN=0, STF_IN_ECN=0):
        sea.send(marked(NOT_ECT, ECT0), marked(NOT_ECT, CE))
    equal(told(gw), [], "events with copy")


if __name__ == "__main__":
    main()
