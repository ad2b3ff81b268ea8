#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tunnels end to end: 6to4 and 6rd between real hosts. What a single packet gets is in
tests/bpf/xdp_stf_test.cc and tc_encap_test.cc; here are routes, devices and real traffic. The hosts
are in stf_sites.py.
"""
from gateway import more, on
from harness import SLOW, check, contains, equal, main, test, wait_for
from hosts import run
from peers import Banner, banner
from snapshot import Footprint, same, snapshot
from stf_sites import A, B, EAST, WEST, bulk, checksum_errors, pings, site, tunnel, two_sites
from stf_wire import Sea, counted, proto41
from wire import ICMP6, Wire


@test("stf: two 6to4 sites reach each other, and every packet is counted at both ends (S20, S24)")
def ping(t):
    net = two_sites(t)
    with net.west.gw.counts(STF_OUT=5, STF_IN=5), net.east.gw.counts(STF_OUT=5, STF_IN=5):
        equal(pings(net.a, B, count=5), 5, "answers")
    shown = net.west.gw.status()["stf"]
    equal([(s["name"], s["uplink"], s["address"], s["ipv4"], s["active"]) for s in shown],
          [("stf0", "eth1", "2002:c000:201::1/16", WEST, True)], "stf in the status")
    check(shown[0]["rx_packets"] >= 5 and shown[0]["tx_packets"] >= 5, f"packets in {shown}")
    contains(net.west.gw.run("status").out, "stf0 over eth1", "status for people")
    equal(pings(net.west, B), 3, "answers to the gateway itself")


@test("stf: bulk TCP both ways, joined segments included, and no checksum is wrong at the receiver",
      seconds=90, needs=("ethtool",))
def bulk_tcp(t):
    net = two_sites(t)
    # The receivers verify checksums, instead of trusting a sender on the same machine.
    for host in (net.a, net.b):
        host.run("ethtool", "-K", "eth0", "rx", "off")
    bulk(net, net.b.listen(B, 5001), net.a)
    # As over real wires: nobody behind the gateway finishes a checksum or cuts a segment.
    for host, name in ((net.west, "eth1"), (net.east, "eth1"), (net.sea, "eth0"), (net.sea, "eth1"),
                       (net.west, "eth0"), (net.east, "eth0")):
        host.run("ethtool", "-K", name, "tx", "off", "gro", "on")
    bulk(net, net.b.listen(B, 5002), net.a)
    bulk(net, net.a.listen(A, 5003), net.b)
    for host in (net.a, net.b):
        equal(checksum_errors(host), 0, f"wrong checksums that {host.name} found")
    check(net.west.gw.reasons()["STF_OUT_TOO_BIG"] == 0, "packets were too big")


@test("stf: uplinks are native whatever the others are, and one that cannot be is refused")
def native_uplinks(t):
    net = two_sites(t, load=("--xdp", "generic"))
    equal({i["name"]: i["xdp_mode"] for i in net.west.gw.status()["interfaces"]},
          {"eth0": "generic", "eth1": "native"}, "XDP modes")
    bulk(net, net.b.listen(B, 5001), net.a)
    net.west.gw.unload()
    before = snapshot(net.west)
    failed = net.west.gw.load("-c", net.west.gw.config(tunnel(WEST, uplink="lo"), "lo.toml"), rc=1)
    contains(failed.err, "an uplink needs native XDP", "what load said")
    same(before, snapshot(net.west))


@test("stf: taps on stf0 see inner packets, on the uplink outer ones, and ip -s link counts (S20, V42)")
def taps(t):
    net = two_sites(t)
    inside, sea = Wire(net.west, "stf0"), Sea(net.sea, "eth0")
    before = net.west.ip_json("-s link show stf0")[0]["stats64"]
    equal(pings(net.a, B), 3, "answers")
    seen = inside.until(lambda p: p.source == B and p.target == A, "inner packet on stf0")
    equal(seen[-1].protocol, ICMP6, "its next header")
    frames = sea.packets()
    check(frames and all(p.protocol == 41 for p in frames), f"other than tunnel packets on the uplink: {frames}")
    equal({(p.source, p.ttl, p.fragment) for p in frames if p.source == WEST}, {(WEST, 64, 0)},
          "outer source, TTL, and DF and fragment bits (S5, R8)")
    after = net.west.ip_json("-s link show stf0")[0]["stats64"]
    for way in ("rx", "tx"):
        check(after[way]["packets"] - before[way]["packets"] >= 3, f"{way} packets of stf0: {after[way]}")


@test("stf: a packet longer than the MTU is answered with Packet Too Big; the MTU can be raised (S4, R8, V36)")
def too_big(t):
    net = two_sites(t)
    text = net.a.run("ping", "-6", "-n", "-c", 1, "-W", 5 * SLOW, "-M", "do", "-s", 1300, B, rc=None)
    contains(text.lower(), "packet too big: mtu=1280", "what ping said")
    net = two_sites_again(t, net, {"mtu": 1480})
    equal(pings(net.a, B, "-M", "do", "-s", 1432), 3, "answers of 1480 bytes")


@test("stf: packets of 1500 bytes are taken in whatever the own MTU, and it outlives a link that flaps (R11)")
def long_packets(t):
    net = two_sites(t)
    sea, inside = Sea(net.sea, "eth0", net.west.mac("eth1")), Wire(net.a, "eth0")
    net.west.ip("link set eth1 mtu 1600")
    net.sea.ip("link set eth0 mtu 1600")
    sender = site("203.0.113.7") + "1"
    sea.send(proto41("203.0.113.7", WEST, sender, A, data=bytes(1452)))
    seen = inside.until(lambda p: p.source == sender, "the long packet at the site")
    equal(len(seen[-1].data), 1500, "its length")
    net.west.ip("link set stf0 down")
    net.west.ip("link set stf0 up")
    wait_for(lambda: net.west.sysctl("net.ipv6.conf.stf0.mtu") == "1280", "the MTU after the link came back")


def two_sites_again(t, net, keys):
    for host, address in ((net.west, WEST), (net.east, EAST)):
        host.gw.unload()
        host.gw.load("-c", host.gw.config(tunnel(address, **keys), f"{host.name}-2.toml"))
    for host in (net.a, net.b):
        host.ip("-6 route flush cache")
    return net


@test("stf: without its IPv4 address a tunnel takes and sends nothing, and goes on when it is back (S3)")
def address_goes(t):
    net = two_sites(t)
    equal(pings(net.a, B), 3, "answers")
    net.west.ip(f"addr del {WEST}/24 dev eth1")
    wait_for(lambda: not net.west.gw.status()["stf"][0]["active"], "the tunnel to be inactive")
    with net.west.gw.counts(STF_OUT_NO_ADDRESS=more(3), STF_OUT=0):
        equal(pings(net.a, B, wait=1), 0, "answers")
    net.west.ip(f"addr add {WEST}/24 dev eth1")
    net.west.ip("route add default via 192.0.2.254")
    wait_for(lambda: net.west.gw.status()["stf"][0]["active"], "the tunnel to be active")
    equal(pings(net.a, B), 3, "answers")


@test("stf: subnet broadcasts of every interface are refused, as soon as there is one (S16, V32)")
def broadcasts(t):
    net = two_sites(t)
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    packet = proto41("203.0.113.63", WEST, site("203.0.113.63") + "1", A)
    with net.west.gw.counts(STF_IN=1, STF_IN_SRC4=0):
        sea.send(packet)
    net.west.ip("addr add 203.0.113.1/26 dev lo")
    wait_for(lambda: counted(net.west.gw, "STF_IN_SRC4", lambda: sea.send(packet)), "the new broadcast address")


@test("stf: what is spoofed or bad is consumed: nobody gets an answer (L7, R17, V30, V31, V43)")
def silence(t):
    net = two_sites(t)
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    bad = {
        "STF_IN_SPOOFED": proto41("203.0.113.7", WEST, site("203.0.113.8") + "1", A),
        "STF_IN_SRC4": proto41("127.0.0.1", WEST, site("127.0.0.1") + "1", A),
        "STF_IN_SRC4_PRIVATE": proto41("10.0.0.1", WEST, site("10.0.0.1") + "1", A),
        "STF_IN_SRC6": proto41("203.0.113.7", WEST, "fe80::1", A),
        "STF_IN_DST6": proto41("203.0.113.7", WEST, site("203.0.113.7") + "1", "ff02::1"),
        "STF_IN_DST_OTHER": proto41("203.0.113.7", WEST, site("203.0.113.7") + "1", B),
        "STF_IN_NEITHER": proto41("203.0.113.7", WEST, "2001:db8::1", "2001:db8::2"),
        "STF_FRAGMENT": proto41("203.0.113.7", WEST, site("203.0.113.7") + "1", A, fragment=0x2000),
        "STF_IN_CHECKSUM": proto41("203.0.113.7", WEST, site("203.0.113.7") + "1", A, wrong_checksum=True),
        "STF_IN_SHORT": proto41("203.0.113.7", WEST, site("203.0.113.7") + "1", A)[:50],
    }
    bad["STF_IN_SHORT"] = bad["STF_IN_SHORT"][:2] + (50).to_bytes(2, "big") + bad["STF_IN_SHORT"][4:]
    bad["STF_IN_SHORT"] = Sea.with_checksum(bad["STF_IN_SHORT"])
    with net.west.gw.counts(**{reason: 1 for reason in bad}, STF_IN=0):
        equal(sea.answers(*bad.values(), ask=(WEST, "192.0.2.254")), [], "answers")
    # What nobody claims the kernel answers: so this would have been heard.
    net.west.gw.unload()
    check(sea.answers(bad["STF_IN_SPOOFED"], ask=(WEST, "192.0.2.254")), "no protocol unreachable without a tunnel (L7)")


@test("stf: peers outside of 16+n bits are not claimed, and only the prefix is on-link (S9, S27, manual page)")
def peer_restriction(t):
    net = two_sites(t, west={"length": 32}, east={})
    contains(net.west.ip("-6 route show"), "2002:c000::/32 dev stf0", "routes of west")
    check("2002::/16" not in net.west.ip("-6 route show"), "2002::/16 is on-link, too")
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    near = proto41("192.0.77.7", WEST, site("192.0.77.7") + "1", A)
    with net.west.gw.counts(STF_IN=1, STF_NOT_PEER=0, STF_OUT=1):  # the peer is answered
        sea.send(near)
    with net.west.gw.counts(STF_IN=0, STF_NOT_PEER=3, STF_OUT=0):
        equal(pings(net.b, A, wait=1), 0, "answers")


@test("stf: output only: what comes is not claimed, what goes is sent (S7, manual page)")
def output_only(t):
    net = two_sites(t, west={"input": False})
    with net.west.gw.counts(STF_INPUT_OFF=3, STF_OUT=3, STF_IN=0), net.east.gw.counts(STF_IN=3):
        equal(pings(net.a, B, wait=1), 0, "answers")


@test("stf: a relay: native hosts behind it are reached by a route through it, and answer (S23, R1, R2, manual page)")
def relay(t):
    net = two_sites(t)
    native = net.host("native")
    net.link(native, "eth0", "2001:db8:7::2/64", net.east, "eth2", "2001:db8:7::1/64")
    native.ip("-6 route add default via 2001:db8:7::1")
    with net.west.gw.counts(STF_OUT_NO_HOP=0, STF_OUT=0):
        equal(pings(net.a, "2001:db8:7::2", wait=1), 0, "answers without a route")
    net.west.ip("-6 route add 2001:db8:7::/64 via 2002:c633:6401:: dev stf0")
    equal(pings(net.a, "2001:db8:7::2"), 3, "answers")
    # A route that names no gateway gives no IPv4 address.
    net.west.ip("-6 route replace 2001:db8:7::/64 dev stf0")
    with net.west.gw.counts(STF_OUT_NO_HOP=3, STF_OUT=0):
        equal(pings(net.a, "2001:db8:7::2", wait=1), 0, "answers by a route without gateway")


@test("stf: two gateways pointed at each other: one packet in, none out (S19, R5, V40)")
def loop(t):
    net = two_sites(t)
    net.west.ip("-6 route add default via 2002:c633:6401:: dev stf0")
    net.east.ip("-6 route add default via 2002:c000:201:: dev stf0")
    with net.west.gw.counts(STF_OUT=3, STF_IN=0), net.east.gw.counts(STF_IN_LOOP=3, STF_OUT=0):
        equal(pings(net.a, "2001:db8:dead::1", wait=1), 0, "answers")
    # Addresses of the own site that no network has end at the gateway.
    with net.west.gw.counts(STF_OUT=0):
        equal(pings(net.a, site(WEST, 9) + "1", wait=1), 0, "answers from nowhere")


@test("stf: the ingress filter wants the source routed to the uplink, and can be turned off (S16, R4, V33)")
def ingress_filter(t):
    net = two_sites(t)
    elsewhere = net.host("elsewhere")
    net.link(elsewhere, "eth0", "203.0.113.2/24", net.west, "eth2", "203.0.113.1/24")
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    packet = proto41("203.0.113.2", WEST, site("203.0.113.2") + "1", A)
    with net.west.gw.counts(STF_IN_INGRESS=1, STF_IN=0):
        sea.send(packet)
    net.west.gw.unload()
    net.west.gw.load("-c", net.west.gw.config(tunnel(WEST, ingress_filter=False), "off.toml"))
    with net.west.gw.counts(STF_IN_INGRESS=0, STF_IN=1):
        sea.send(packet)


@test("stf: 6rd: a site, its border relay and the IPv6 network behind it, and sites among themselves (S33, R17-R19, V41)")
def sixrd(t):
    net = two_sites(t, west=False, east=False)
    domain = 'prefix = "2001:db8::/32", ipv4_mask_len = 0, border_relay = "%s"' % EAST
    for host, address in ((net.west, WEST), (net.east, EAST)):
        sixrd = "{ %s, ipv4 = \"%s\" }" % (domain, address)
        host.gw.load("-c", host.gw.config(tunnel(None, sixrd=sixrd), f"{host.name}.toml"))
    native = net.host("native")
    net.link(native, "eth0", "2001:db9:7::2/64", net.east, "eth2", "2001:db9:7::1/64")
    native.ip("-6 route add default via 2001:db9:7::1")
    net.a.ip("addr add 2001:db8:c000:201::2/64 dev eth0 nodad")
    net.west.ip("addr add 2001:db8:c000:201::ff/64 dev eth0 nodad")
    equal(pings(net.a, "2001:db9:7::2", "-I", "2001:db8:c000:201::2"), 3, "answers from behind the relay")
    equal(pings(net.west, "2001:db8:c633:6401::1"), 3, "answers of the relay itself")
    sea = Sea(net.sea, "eth0", net.west.mac("eth1"))
    mine = "2001:db8:c000:201::2"
    with net.west.gw.counts(STF_IN_SPOOFED=1, STF_IN_NOT_RELAY=1, STF_IN=1):
        sea.send(proto41("203.0.113.7", WEST, "2001:db8:cb00:7108::1", mine),
                 proto41("203.0.113.7", WEST, "2001:db9::1", mine),
                 proto41("203.0.113.7", WEST, "2001:db8:cb00:7107::1", mine))


@test("stf: a 6to4 host uses FAITH: its packets reach the relay through the tunnel")
def faith_behind(t):
    net = two_sites(t, east=False)
    four = net.host("four")
    net.link(four, "eth0", "203.0.113.2/24", net.east, "eth2", "203.0.113.1/24")
    prefix = site(EAST, 0xfa17)
    net.east.gw.load("-c", net.east.gw.config(
        f'[faith]\nprefixes = ["{prefix}/96"]\n' + tunnel(EAST), "east.toml"), "--permit", "2002:c000:201::/48")
    Banner(four, "203.0.113.2", 2222)
    with net.east.gw.counts(STF_IN=more(3), PASS_TCP=more(3), CONNECTED=1):
        equal(banner(net.a, on("203.0.113.2", prefix), 2222), "four", "who answered")


@test("stf: unload leaves the namespace exactly as it was, also after kill -9 (Done when)")
def leaves_nothing(t):
    net = two_sites(t, west=False, east=False)
    gw = net.west.gw
    before = snapshot(net.west)
    config = gw.config(tunnel(WEST), "west.toml")
    for way in ("unload", "kill"):
        gw.load("-c", config)
        contains(net.west.ip("-d link show stf0"), "faith-gw tunnel", "the device")
        held = Footprint(gw)
        if way == "kill":
            gw.kill()
            equal([s["name"] for s in gw.status()["stf"]], ["stf0"], "stf in the status from pins")
        gw.unload()
        same(before, snapshot(net.west))
        held.gone()


@test("stf: a reload does not change tunnels, and says so")
def reload_refused(t):
    net = two_sites(t)
    net.west.gw.config(tunnel(WEST, ttl=9), "west.toml")
    failed = net.west.gw.run("reload", rc=2)
    contains(failed.err, "[[stf]] cannot change while sessions run", "what reload said")
    equal(pings(net.a, B), 3, "answers")


@test("stf: a load that cannot have its device says why, and undoes everything")
def name_taken(t):
    net = two_sites(t, west=False, east=False)
    gw = net.west.gw
    run(["ip", "-n", net.west.netns, "link", "add", "stf0", "type", "veth", "peer", "name", "other"])
    before = snapshot(net.west)
    failed = gw.load("-c", gw.config(tunnel(WEST), "west.toml"), rc=1)
    contains(failed.err, "stf0", "what load said")
    same(before, snapshot(net.west))
    failed = gw.load("-c", gw.config(tunnel(WEST, uplink="eth9", name="stf1"), "west2.toml"), rc=1)
    contains(failed.err, "uplink of stf1", "what load said")


@test("stf: an uplink that is too short for the tunnel: load says so, and packets go in pieces (S4)")
def short_uplink(t):
    net = two_sites(t, west=False)
    west, gw = net.west, net.west.gw
    west.ip("link set dev eth1 mtu 1299")
    said = gw.load("-c", gw.config(tunnel(WEST)))
    contains(said.out + said.err, "stf0: MTU 1280 and an outer header of 20 bytes do not fit the MTU of eth1, 1299", "what load said")
    equal(pings(net.a, B, "-s", 1280 - 48), 3, "answers to packets of 1280 bytes")


if __name__ == "__main__":
    main()
