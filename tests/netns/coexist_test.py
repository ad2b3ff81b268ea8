#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The gateway among others: other people's XDP programs, filters and routes, the private
mounts of `ip netns exec`, and a second gateway on the same machine.
"""
import os

import kernel
from gateway import PREFIX, newsletter, on
from harness import check, contains, equal, main, test
from hosts import FOUR
from peers import Banner, banner
from snapshot import same, snapshot

TARGET = on(FOUR)
PORT = 2222


def works(net):
    equal(banner(net.six, TARGET, PORT), "four", "who answered")


@test("coexist: somebody else's XDP program is named, left alone, and nothing is loaded")
def foreign_xdp(t):
    net, gw = newsletter(t)
    program = kernel.strangers_program("not_ours")
    t.callback(os.close, program)
    number = kernel.program_id(program)

    def refused():
        before = snapshot(net.dual)
        said = gw.load(rc=1).err
        contains(said, "not_ours", "the refusal")
        contains(said, str(number), "the refusal")
        contains(said, "eth0", "the refusal")
        same(before, snapshot(net.dual))
        equal(net.dual.ip_json("link show dev eth0")[0]["xdp"]["prog"]["id"], number, "the program on eth0")

    net.dual.run("bpftool", "net", "attach", "xdp", "id", number, "dev", "eth0")
    refused()
    net.dual.run("bpftool", "net", "detach", "xdp", "dev", "eth0")
    with net.dual:
        link = kernel.attach_link(program, net.dual.ifindex("eth0"))
    t.callback(os.close, link)
    refused()


@test("coexist: one of two interfaces taken: neither is loaded")
def foreign_xdp_on_the_second(t):
    net, gw = newsletter(t)
    net.client("seven", "eth2", "2001:db8:7::")
    program = kernel.strangers_program("not_ours")
    t.callback(os.close, program)
    net.dual.run("bpftool", "net", "attach", "xdp", "id", kernel.program_id(program), "dev", "eth2")
    before = snapshot(net.dual)
    contains(gw.load("eth0", "eth2", rc=1).err, "not_ours", "the refusal")
    same(before, snapshot(net.dual))


@test("coexist: somebody else's clsact and filters stay where they are")
def foreign_tc(t):
    net, gw = newsletter(t)
    net.dual.run("tc", "qdisc", "add", "dev", "eth1", "clsact")
    net.dual.run("tc", "filter", "add", "dev", "eth1", "ingress", "protocol", "all", "prio", "5",
                 "bpf", "bytecode", "1,6 0 0 0", "flowid", "1:1")
    before = snapshot(net.dual)
    gw.load()
    Banner(net.four, FOUR, PORT)
    works(net)
    gw.unload()
    same(before, snapshot(net.dual))


@test("coexist: a route of the operator's own to the prefix is not touched by unload")
def foreign_route(t):
    net, gw = newsletter(t)
    net.dual.ip(f"-6 route add blackhole {PREFIX}/96 metric 4000")
    before = snapshot(net.dual)
    gw.load()
    Banner(net.four, FOUR, PORT)
    works(net)
    gw.unload()
    same(before, snapshot(net.dual))


@test("coexist: under `ip netns exec` the same: load, status, traffic, unload")
def netns_exec(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    gw.load(via="exec")
    Banner(net.four, FOUR, PORT)
    works(net)
    equal(gw.status(via="exec")["loaded"], True, "loaded")
    gw.unload(via="exec")
    same(before, snapshot(net.dual))


@test("coexist: loaded under `ip netns exec`, asked and unloaded without it, and the reverse")
def netns_exec_mixed(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    Banner(net.four, FOUR, PORT)
    started = snapshot(net.dual)["sockets"]
    for first, second in (("exec", "setns"), ("setns", "exec")):
        gw.load(via=first)
        works(net)
        status = gw.status(via=second)
        equal((status["loaded"], [i["name"] for i in status["interfaces"]]), (True, ["eth0"]), f"status by {second}")
        with gw.counts(CONNECTED=1):
            works(net)
        gw.unload(via=second)
        equal(gw.status(via=first)["loaded"], False, "loaded")
        after = snapshot(net.dual)
        equal(after["sockets"], started, "sockets")
        same(before, after)


@test("coexist: killed after a load under `ip netns exec`: still no stranger answers, and unload leaves nothing (F11)")
def netns_exec_killed(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    gw.load(via="exec")
    Banner(net.dual, "::", PORT, "a stranger")
    gw.kill()
    # Pins made under `ip netns exec` do not outlive the daemon; what then protects the
    # prefix must not be less than the route that brings its packets here.
    seen = banner(net.six, TARGET, PORT, seconds=1)
    gw.unload()
    after = snapshot(net.dual)
    after["sockets"] = before["sockets"]  # the stranger's
    same(before, after)
    check(seen != "a stranger", "a listener of the gateway's own answered for the prefix")


@test("coexist: two gateways in two namespaces know nothing of each other")
def two_gateways(t):
    net, gw = newsletter(t)
    other_host = net.host("other")
    net.link(other_host, "eth0", "2001:db8:8::1/64", net.host("eight"), "eth0", "2001:db8:8::2/64")
    other = type(gw)(t, other_host)
    gw.load()
    other.load()
    Banner(net.four, FOUR, PORT)
    works(net)
    other.unload()
    works(net)
    equal(gw.status()["loaded"], True, "loaded")


if __name__ == "__main__":
    main()
