#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the kernel does with a prefix when no program of ours is there: the route alone.
These are the facts that make the guards necessary (L1, L2, L4), and they prove that the
other files' checks for silence and for foreign listeners can fail.
"""
import errno
import os
import shutil
import socket

import kernel
from gateway import PREFIX, on, six_wire
from harness import check, equal, main, test
from hosts import DUAL6, FOUR, SIX, STATE, three_hosts
from peers import Banner, Program, banner
from snapshot import same, snapshot
from wire import ACK, ECHO_REPLY, ICMP6, RST, SYN, TCP, UDP, UNREACHABLE, Loop, echo, icmp6, ip6, tcp, udp

TARGET = on(FOUR)


def route_alone(t):
    net = three_hosts(t)
    net.dual.ip(f"-6 route add local {PREFIX}/96 dev lo")
    return net


@test("baseline: the route alone lets ping, UDP and wildcard listeners answer (L2)")
def anyip_answers(t):
    net = route_alone(t)
    wire = six_wire(net)
    answers = wire.answers(SIX, DUAL6, [ip6(SIX, TARGET, ICMP6, echo(SIX, TARGET))])
    equal([p.kind for p in answers], [ECHO_REPLY], "answers to an echo request")
    answers = wire.answers(SIX, DUAL6, [ip6(SIX, TARGET, UDP, udp(SIX, TARGET, 4000, 4000))])
    equal([(p.kind, p.payload[1]) for p in answers], [(UNREACHABLE, 4)], "answers to UDP")
    Banner(net.dual, "::", 2222, "a listener of the gateway's own")
    equal(banner(net.six, TARGET, 2222), "a listener of the gateway's own", "who answered")


@test("baseline: on the gateway's own loopback it is the same (L2, F6)")
def anyip_answers_locally(t):
    net = route_alone(t)
    answers = Loop(net.dual).answers(DUAL6, DUAL6, [ip6(DUAL6, TARGET, UDP, udp(DUAL6, TARGET, 4000, 4000))])
    equal([(p.kind, p.payload[1]) for p in answers], [(UNREACHABLE, 4)], "answers to UDP")
    Banner(net.dual, "::", 2222, "dual")
    equal(banner(net.dual, TARGET, 2222), "dual", "who answered")


@test("baseline: without the route a packet to a prefix is no local packet (L1)")
def no_route(t):
    net = three_hosts(t)
    check(banner(net.six, TARGET, 2222, seconds=2) in ("unreachable", "silence"), "somebody answered")


@test("baseline: bind to a prefix address needs IPV6_FREEBIND, route or not (L4)")
def freebind(t):
    net = route_alone(t)
    plain = net.dual.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        plain.bind((TARGET, 0))
        check(False, "plain bind() was allowed")
    except OSError as error:
        equal(error.errno, errno.EADDRNOTAVAIL, "errno of a plain bind()")
    ipv6_freebind = 78
    plain.setsockopt(socket.IPPROTO_IPV6, ipv6_freebind, 1)
    plain.bind((TARGET, 0))


@test("baseline: the wire sees what it sends for: RST from a closed port, bad checksums unanswered")
def wire_works(t):
    net = three_hosts(t)
    wire = six_wire(net)
    answers = wire.answers(SIX, DUAL6, [ip6(SIX, DUAL6, TCP, tcp(SIX, DUAL6, 4001, 9, SYN, seq=7))])
    equal([(p.sport, p.flags, p.ack) for p in answers], [(9, RST | ACK, 8)], "answers to a SYN")
    broken = icmp6(SIX, DUAL6, 128, body=bytes(4), wrong_checksum=True)
    equal(wire.answers(SIX, DUAL6, [ip6(SIX, DUAL6, ICMP6, broken)]), [], "answers to a bad checksum")


@test("baseline: a snapshot of the gateway notices every kind of thing that could be left behind")
def snapshots_notice(t):
    net = three_hosts(t)
    dual = net.dual
    program = kernel.strangers_program("left_behind")
    t.callback(os.close, program)
    lookup = kernel.strangers_lookup("left_behind")
    t.callback(os.close, lookup)

    def directory():
        (STATE / str(dual.inode)).mkdir(parents=True)
        t.callback(shutil.rmtree, STATE / str(dual.inode))

    traces = {
        "route": lambda: dual.ip(f"-6 route add local {PREFIX}/96 dev lo proto 250"),
        "XDP program": lambda: dual.run("bpftool", "net", "attach", "xdp", "id", kernel.program_id(program), "dev", "eth1"),
        "socket lookup program": lambda: t.callback(os.close, kernel.attach_lookup(lookup, dual.path)),
        "qdisc": lambda: dual.run("tc", "qdisc", "add", "dev", "lo", "clsact"),
        "filter": lambda: dual.run("tc", "filter", "add", "dev", "lo", "ingress", "protocol", "all", "prio", "61",
                                   "bpf", "bytecode", "1,6 0 0 0", "flowid", "1:1"),
        "rule": lambda: dual.ip("-6 rule add pref 100 lookup 100"),
        "sysctl": lambda: dual.sysctl("net.ipv6.conf.eth0.forwarding", 1),
        "socket": lambda: dual.listen("::1", 4321),
        "process": lambda: Program(dual, "socat", "-u", "TCP6-LISTEN:4322", "STDOUT", port=4322),
        "address": lambda: dual.ip(f"addr add {TARGET}/128 dev eth0 nodad"),
        "neighbour": lambda: dual.ip(f"neigh add {TARGET} lladdr 02:00:00:00:00:01 dev eth0 nud permanent"),
        "interface": lambda: dual.ip("link add veth8 type veth peer name veth9"),
        "link flag": lambda: dual.ip("link set eth1 promisc on"),
        "directory": directory,
    }
    for what, leave in traces.items():
        before = snapshot(dual)
        same(before, snapshot(dual))
        leave()
        try:
            same(before, snapshot(dual))
        except AssertionError:
            continue
        check(False, f"a {what} left behind went unnoticed")


if __name__ == "__main__":
    main()
