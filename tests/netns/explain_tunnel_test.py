#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""explain for packets of tunnels, both ways, and a gateway that has tunnels alone."""
import json

from gateway import PREFIX
from harness import check, contains, equal, main, test
from snapshot import Footprint, same, snapshot
from stf_sites import A, B, EAST, WEST, pings, site, tunnel, two_sites

STRANGER = "203.0.113.7"


def counted(gw):
    """What only a packet of a tunnel moves; the hosts say some of their own accord, to all nodes."""
    noise = ("STF_OUT_DST6",)
    return {name: count for name, count in gw.reasons().items() if name.startswith("STF_") and name not in noise}


def explain(gw, *words, rc):
    return json.loads(gw.run("explain", *words, "--json", rc=rc).out)


@test("explain: a packet that comes in by a tunnel: verdict, reason and addresses, and nothing is counted")
def way_in(t):
    net = two_sites(t, east=False)
    gw = net.west.gw
    before = counted(gw)
    said = explain(gw, STRANGER, WEST, rc=0)
    equal((said["direction"], said["tunnel"], said["verdict"], said["reason"]), ("in", "stf0", "permit", "STF_IN"), "said")
    equal((said["source"], said["destination"]), (site(STRANGER, 0)[:-4] + "::1", site(WEST, 0)[:-4] + "::1"), "inside")
    for outer, inner, reason in (
            (STRANGER, (site("203.0.113.8") + "1", A), "STF_IN_SPOOFED"),
            (STRANGER, (site(STRANGER) + "1", B), "STF_IN_DST_OTHER"),
            ("10.0.0.1", (site("10.0.0.1") + "1", A), "STF_IN_SRC4_PRIVATE"),
            (STRANGER, ("fe80::1", A), "STF_IN_SRC6")):
        said = explain(gw, outer, WEST, "--inner", *inner, rc=1)
        equal((said["verdict"], said["reason"]), ("deny", reason), f"said of {inner}")
    said = explain(gw, STRANGER, "192.0.2.99", rc=1)
    equal((said["verdict"], said["tunnel"]), ("pass", None), "said of an address of nobody")
    contains(gw.run("explain", STRANGER, WEST).out, "permit: packet taken out of its tunnel", "in words")
    equal(counted(gw), before, "counters")


@test("explain: the routing tables are asked: a source that is routed elsewhere, a packet that would go back")
def way_in_routes(t):
    net = two_sites(t, east=False)
    elsewhere = net.host("elsewhere")
    net.link(elsewhere, "eth0", "203.0.113.2/24", net.west, "eth2", "203.0.113.1/24")
    equal(explain(net.west.gw, "203.0.113.2", WEST, rc=1)["reason"], "STF_IN_INGRESS", "reason")
    net.west.ip("-6 route add default via 2002:c633:6401:: dev stf0")
    equal(explain(net.west.gw, EAST, WEST, "--inner", site(EAST) + "1", "2001:db8:9::1", rc=1)["reason"], "STF_IN_LOOP",
          "reason")


@test("explain: a packet that goes out by a tunnel: reason and outer addresses, and nothing is sent")
def way_out(t):
    net = two_sites(t, east=False)
    gw = net.west.gw
    before = counted(gw)
    said = explain(gw, A, B, rc=0)
    equal((said["direction"], said["tunnel"], said["verdict"], said["reason"]), ("out", "stf0", "permit", "STF_OUT"), "said")
    equal((said["outer_source"], said["outer_destination"]), (WEST, EAST), "outside")
    contains(gw.run("explain", A, B).out, f"outside     {WEST} > {EAST}", "in words")
    for source, target, reason in (
            (site("192.0.2.2") + "1", B, "STF_OUT_SRC_OTHER"),
            (A, site("127.0.0.1") + "1", "STF_OUT_DST6"),
            (A, site("10.0.0.1") + "1", "STF_OUT_DST6_PRIVATE")):
        said = explain(gw, source, target, rc=1)
        equal((said["verdict"], said["reason"]), ("deny", reason), f"said of {source} > {target}")
    equal(explain(gw, A, site(WEST) + "3", rc=1)["reason"], "PASS_NOT_PREFIX", "said of a neighbour")
    equal(counted(gw), before, "counters")
    gw.kill()
    equal(explain(gw, A, B, rc=0)["reason"], "STF_OUT", "said without a daemon")


@test("explain: what makes no question is refused")
def no_question(t):
    net = two_sites(t, east=False)
    for words in ((STRANGER, A), (STRANGER, WEST, "--inner", A, "x"), (A, B, "--inner", A, B)):
        net.west.gw.run("explain", *words, rc=2)


def alone(gw, host, *words, rc=0):
    address = {"west": WEST, "east": EAST}[host.name]
    return gw.run("load", "-c", gw.config(tunnel(address), f"{host.name}-alone.toml"), *words, rc=rc)


@test("tunnels: alone, without an interface: no prefix, no relay, no guard; and unload leaves nothing")
def tunnels_alone(t):
    net = two_sites(t, west=False, east=False)
    before = snapshot(net.west)
    contains(alone(net.west.gw, net.west).out, "loaded on its tunnels alone", "what load said")
    alone(net.east.gw, net.east)
    equal(pings(net.a, B), 3, "answers")
    status = net.west.gw.status()
    equal((status["prefixes"], status["relay"]["workers"]), ([], 0), "prefixes and workers")
    equal([i["name"] for i in status["interfaces"]], ["eth1"], "interfaces")
    check("fgw_tc_ingress" not in net.west.run("tc", "filter", "show", "dev", "lo", "ingress"), "lo has a guard")
    contains(alone(net.west.gw, net.west).out, "already loaded", "what a second load said")
    net.west.gw.run("reload")
    for way in ("unload", "kill"):
        if way == "kill":
            alone(net.west.gw, net.west)
        held = Footprint(net.west.gw)
        if way == "kill":
            net.west.gw.kill()
            net.west.gw.run("reload")
        net.west.gw.unload()
        same(before, snapshot(net.west))
        held.gone()


@test("tunnels: without an interface and without a tunnel, or with a prefix, load says what it wants")
def nothing_to_load(t):
    net = two_sites(t, west=False, east=False)
    before = snapshot(net.west)
    gw = net.west.gw
    contains(gw.run("load", "-c", gw.config("", "empty.toml"), rc=2).err, "configure a [[stf]]", "what load said")
    contains(alone(gw, net.west, "--prefix", PREFIX + "/96", rc=2).err, "clients of the prefix", "what load said")
    same(before, snapshot(net.west))


if __name__ == "__main__":
    main()
