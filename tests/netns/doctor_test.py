#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The doctor on a real network: it finds what was broken, the command it names repairs it,
and looking changes nothing. Each single check: tests/unit/daemon/doctor_test.cc.
"""
import json
import os
import shlex
import threading

import kernel
from gateway import PREFIX, newsletter
from harness import check, contains, equal, main, test, wait_for
from hosts import DUAL6
from peers import as_nobody
from snapshot import same, snapshot
from stf_sites import B, EAST, WEST, pings, tunnel, two_sites

PREFIX_LEN = PREFIX + "/96"


def examine(gw, *words, rc=0):
    return json.loads(gw.run("doctor", "--json", "--no-dns", *words, rc=rc).out)


def judged(gw):
    """Without what hosts say of their own accord."""
    return {reason: count for reason, count in gw.reasons().items() if not reason.startswith("PASS_")}


def unloaded(gw, *words):
    return (*words, "-c", gw.config(""), "--prefix", PREFIX_LEN)


def only_problem(report, kind, about):
    problems = [f for f in report["findings"] if f["severity"] == "problem"]
    equal([(f["check"], f["about"]) for f in problems], [(kind, about)], "problems")
    return problems[0]


def cure(host, finding):
    """Does what the doctor says."""
    for command in finding["do"].split(", or ")[0].split("; "):
        host.run(*shlex.split(command))


@test("doctor: a sound gateway has no problem, loaded or not, and looking changes nothing")
def sound(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    report = examine(gw, *unloaded(gw, "eth0"))
    equal((report["loaded"], report["problems"], report["unseen"]), (False, 0, []), "before load")
    same(before, snapshot(net.dual))
    gw.load()
    before, counters = snapshot(net.dual), judged(gw)
    report = examine(gw)
    equal((report["loaded"], report["problems"], report["unseen"]), (True, 0, []), "after load")
    same(before, snapshot(net.dual))
    equal(judged(gw), counters, "counters")
    text = gw.run("doctor", "--no-dns").out
    contains(text, "0 problems, ", "the page for people")
    contains(gw.run("doctor", "--no-dns", *unloaded(gw)).out, "0 problems", "options of a gateway that knows its own")


@test("doctor: a route, a switch and an interface that are broken are found, and the command said repairs each")
def broken(t):
    net, gw = newsletter(t)
    gw.load()
    dual = net.dual
    for breaking, kind, about in ((f"-6 route del local {PREFIX_LEN} dev lo table main", "routes", PREFIX_LEN),
                                  ("link set dev eth0 mtu 1279", "mtu", "eth0"),
                                  ("link set dev lo down", "gateway", "lo")):
        dual.ip(breaking)
        report = examine(gw, rc=1)
        wrong = [f for f in report["findings"] if (f["check"], f["about"]) == (kind, about)]
        equal(len(wrong), 1, f"findings of {kind} {about} in {report['findings']}")
        for finding in [f for f in report["findings"] if f["severity"] == "problem" and "faith-gw" not in f["do"]]:
            cure(dual, finding)
        if kind == "mtu":  # IPv6 went off the interface, its address with it
            dual.ip(f"addr replace {DUAL6}/64 dev eth0 nodad")
        if about == "lo":  # the route went with it
            report = examine(gw, rc=None)
            for finding in [f for f in report["findings"] if f["severity"] == "problem"]:
                cure(dual, finding)
        examine(gw)
    gw.run("keepfaith", "off")
    equal(only_problem(examine(gw, rc=1), "gateway", "keepfaith")["do"], "faith-gw keepfaith on", "what to do")
    gw.run("keepfaith", "on")
    examine(gw)
    gw.kill()
    contains(only_problem(examine(gw, rc=1), "gateway", "daemon")["says"], "no daemon answers", "without its daemon")


@test("doctor: other people's XDP, and the port of a bridge, before anything is loaded", needs=("bpftool",))
def occupied(t):
    net, gw = newsletter(t)
    program = kernel.strangers_program("stranger")
    t.callback(os.close, program)
    net.dual.run("bpftool", "net", "attach", "xdp", "id", kernel.program_id(program), "dev", "eth0")
    finding = only_problem(examine(gw, *unloaded(gw, "eth0"), rc=1), "conflict", "eth0")
    contains(finding["says"], "stranger", "whose it is")
    equal([f["check"] for f in examine(gw, *unloaded(gw, "eth1"))["findings"]], ["conflict"], "on another interface")
    cure(net.dual, finding)
    examine(gw, *unloaded(gw, "eth0"))
    lookup = kernel.attach_lookup(kernel.strangers_lookup("other_lookup"), net.dual.path)
    contains(only_problem(examine(gw, *unloaded(gw, "eth0"), rc=1), "conflict", "sk_lookup")["says"], "other_lookup",
             "whose it is")
    os.close(lookup)
    examine(gw, *unloaded(gw, "eth0"))
    net.dual.ip("link add br0 type bridge", "link set eth0 master br0", "link set br0 up")
    finding = only_problem(examine(gw, *unloaded(gw, "eth0"), rc=1), "xdp", "eth0")
    equal(finding["do"], "faith-gw load br0", "what to do")
    examine(gw, *unloaded(gw, "br0"))


@test("doctor: a tunnel that does not fit its uplink, and one that lost its address or its device (S3, S4)")
def tunnels(t):
    net = two_sites(t)
    west, gw = net.west, net.west.gw
    examine(gw)
    west.ip("link set dev eth1 mtu 1299")
    cure(west, only_problem(examine(gw, rc=1), "mtu", "stf0"))
    examine(gw)
    west.ip(f"addr del {WEST}/24 dev eth1")
    finding = only_problem(examine(gw, rc=1), "tunnel", "stf0")
    equal(finding["do"], f"ip address add {WEST}/24 dev eth1", "what to do")
    cure(west, finding)
    west.ip("route add default via 192.0.2.254")
    examine(gw)
    west.ip("link set dev stf0 down")
    for said in ("is down", "is gone"):  # a link that goes down loses its address
        finding = only_problem(examine(gw, rc=1), "tunnel", "stf0")
        contains(finding["says"], said, "what it says")
        cure(west, finding)
    examine(gw)
    equal(pings(net.a, B), 3, "answers of the other site")
    for name in ("all", "eth0", "eth1"):
        west.sysctl(f"net.ipv6.conf.{name}.forwarding", 0)
    west.sysctl("net.ipv6.conf.stf0.forwarding", 1)
    cure(west, only_problem(examine(gw, rc=1), "sysctl", "stf0"))
    examine(gw)


@test("doctor: the border relay, or the next hop of a route through a tunnel, without an IPv4 route by the uplink (S16, S33)")
def next_hops(t):
    net = two_sites(t, west=False, east=False)
    west, gw = net.west, net.west.gw
    sixrd = f'{{ prefix = "2001:db8::/32", ipv4_mask_len = 0, border_relay = "{EAST}", ipv4 = "{WEST}" }}'
    words = ("-c", gw.config(tunnel(None, sixrd=sixrd), "west.toml"))
    examine(gw, *words)
    other = net.host("other")
    net.link(west, "eth2", "203.0.113.1/24", other, "eth0", "203.0.113.2/24")
    for broken, says in (("route del default", f"no IPv4 route leads to its border relay {EAST}"),
                         (f"route add {EAST} via 203.0.113.2", f"border relay {EAST} is eth2, not the uplink eth1")):
        west.ip(broken)
        for loaded in (False, True):
            if loaded:
                gw.load(*words)
            finding = only_problem(examine(gw, *(() if loaded else words), rc=1), "routes", "stf0")
            contains(finding["says"], says, "what it says")
            if loaded:
                gw.unload()
    west.ip(f"route del {EAST}")
    gw.load(*words)
    finding = only_problem(examine(gw, rc=1), "routes", "stf0")
    cure(west, finding | {"do": finding["do"].replace("ROUTER", "192.0.2.254")})
    examine(gw)
    west.ip("-6 route add 2001:db9::/32 via 2001:db8:cb00:7102:: dev stf0")
    finding = only_problem(examine(gw, rc=1), "routes", "stf0")
    contains(finding["says"], "its next hop 203.0.113.2 is eth2, not the uplink eth1", "what it says")


@test("doctor: without root it says what it did not look at", needs=("setpriv",))
def unprivileged(t):
    _, gw = newsletter(t)
    gw.load()
    done = gw.run_less(as_nobody(), "doctor", "--no-dns", *unloaded(gw, "eth0"))
    contains(done.out, "not looked at: whether a gateway is loaded", "what it says")
    contains(done.out, "not looked at: whose XDP program is on eth0", "what it says")
    check(done.rc in (0, 1), f"exit code {done.rc}")


@test("doctor: a mistake in the files is told as check tells it, exit 2; of a loaded gateway it is a finding")
def mistakes(t):
    _, gw = newsletter(t)
    bad = gw.config("[faith]\nkeepfaith = maybe\n", "bad.toml")
    done = gw.run("doctor", "--no-dns", "-c", bad, rc=2)
    contains(done.err, "bad.toml:2:", "the message")
    good = gw.config("", "good.toml")
    gw.load("-c", good, prefix=None)
    gw.config("[faith]\nkeepfaith = maybe\n", "good.toml")
    contains(only_problem(examine(gw, rc=1), "gateway", "configuration")["says"], "good.toml:2:", "what it says")


class NameServer:
    """Answers every AAAA question with one address."""

    def __init__(self, host, address):
        self.socket = host.socket(2, 2)
        self.socket.bind(("127.0.0.1", 53))
        self.socket.settimeout(None)
        self.address = address
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                question, client = self.socket.recvfrom(512)
            except OSError:
                return
            end = question.index(b"\0", 12) + 5
            record = b"\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\x10" + self.address
            self.socket.sendto(question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question[12:end] + record, client)


@test("doctor: a name server whose DNS64 has another prefix than the gateway (RFC 7050)", needs=("unshare",))
def dns64(t):
    net, gw = newsletter(t)
    resolv = t.write("resolv.conf", "nameserver 127.0.0.1\noptions edns0\n")
    mount = ("unshare", "-m", "sh", "-c", f'mount --bind {resolv} /etc/resolv.conf && exec "$@"', "sh")
    net.dual.ip("link set lo up")
    server = NameServer(net.dual, bytes.fromhex("0064ff9b0000000000000000c00000aa"))

    def examined(rc):
        words = unloaded(gw, "eth0")

        def told():
            done = gw.run("doctor", "--json", *words, wrapper=mount, rc=None)
            late = any(f["check"] == "dns64" and "ask for" in f["says"] for f in json.loads(done.out)["findings"])
            return None if late else done

        done = wait_for(told, "an answer within the two seconds that doctor waits", seconds=15)
        equal(done.rc, rc, "exit code")
        return json.loads(done.out)

    finding = only_problem(examined(1), "dns64", "resolver")
    contains(finding["says"], "64:ff9b::c000:aa", "what the name server makes")
    contains(finding["do"], PREFIX_LEN, "what to do")
    server.address = bytes.fromhex("20010db8ffff000000000000c00000aa")
    equal([f for f in examined(0)["findings"] if f["check"] == "dns64"], [], "findings of our own prefix")


if __name__ == "__main__":
    main()
