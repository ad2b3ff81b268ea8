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
import subprocess
import sys

import iproute
import kernel
from gateway import PREFIX, on, six_wire
from harness import check, equal, main, test, wait_for
from hosts import DUAL6, FOUR, SIX, STATE, Net, executable, run, three_hosts
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

    def address():
        dual.ip(f"addr add {TARGET}/128 dev eth0 nodad")
        wait_for(lambda: dual.settled("eth0"), "its route, which comes later")

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
        "address": address,
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


SET_UP = ("link set eth0 up", "link set dev eth0 mtu 1400", "addr add 192.0.2.1/24 dev eth0", "addr add 192.0.2.9/24 dev eth0",
          "addr add 127.0.0.9/8 dev lo", "addr add 2001:db8::1/64 dev eth0 nodad", "addr add 2001:db8:1::1/128 dev eth0",
          "-6 addr add 2001:db8:7::1/64 dev lo nodad", "route add default via 192.0.2.254",
          "route add 203.0.113.0/24 via 192.0.2.77", "-6 route add default via 2001:db8::2",
          "-6 route add 2001:db8:9::/48 via 2001:db8::3", "addr del 192.0.2.9/24 dev eth0")
REFUSED = ("addr add 2001:db8::1/64 dev eth0", "link set eth9 up", "route add default via 198.51.100.1")


@test("baseline: what tests set up without ip is what ip would have set up")
def set_up(t):
    net, seen = Net(t), {}
    for who, starts_it in (("ours", False), ("ips", True)):
        host, other = net.host(who), net.host(f"other{who}")
        if starts_it:
            run(["ip", "link", "add", "eth0", "netns", host.netns, "type", "veth", "peer", "name", "eth0", "netns", other.netns])
        else:
            iproute.veth("eth0", host.path, "eth0", other.path)
        run(["ip", "-n", host.netns, "link", "set", "eth0", "address", "02:00:00:00:00:01"])
        other.ip("link set eth0 up")
        # Link-local addresses come with the first command, and in the kernel's own time.
        for command in SET_UP:
            check(iproute.known(command), f"`{command}` is left to ip")
        if starts_it:
            run(["ip", "-n", host.netns, "-batch", "-"],
                stdin="".join(command.removeprefix("-6 ") + "\n" for command in SET_UP))
        else:
            host.ip(*SET_UP)
            for command in REFUSED:
                refused(host, command)
        wait_for(lambda host=host: host.settled("eth0") and host.settled("lo"), "the addresses")
        snap = snapshot(host)
        seen[who] = {key: snap[key] for key in snap if key.split()[0] in ("link", "addresses", "IPv4", "IPv6")}
    same(seen["ips"], seen["ours"])


def refused(host, command):
    try:
        host.ip(command)
    except AssertionError:
        return
    check(False, f"`{command}` was taken")


ANOTHER_RUN = """import harness, hosts
host = hosts.Net(harness.Scope("another")).host("left")
print(host.path, host.start("cat", stdin=-1).pid, flush=True)
input()
"""


@test("baseline: of a run that is killed outright nothing is left, no namespace and no program")
def killed_run(t):
    run_ = subprocess.Popen([sys.executable, "-c", ANOTHER_RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            env={**os.environ, "PYTHONPATH": sys.path[0]}, text=True)
    path, pid = run_.stdout.readline().split()
    check(os.path.exists(path) and executable(pid), "nothing to leave behind")
    run_.kill()
    run_.communicate()
    wait_for(lambda: not os.path.exists(path) and not executable(pid), "the end of both")


if __name__ == "__main__":
    main()
