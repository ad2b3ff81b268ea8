#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which packets are captured, which are not, and what nobody ever gets an answer to
(faith(4): F1-F6, F10-F16; V2-V9, V11). The listeners of the gateway that must not answer
are in strangers_test.py, path MTU in pmtu_test.py.
"""
from gateway import PREFIX, more, newsletter, on, six_wire
from harness import check, equal, main, test, wait_for
from hosts import DUAL6, FOUR, SIX
from peers import Banner, banner
from wire import (ACK, DSTOPTS, ECHO_REPLY, FRAGMENT, HOPOPTS, ICMP6, MLD2_REPORT, NEIGH_ADVERT,
                  NEIGH_SOLICIT, PARAM_PROBLEM, REDIRECT, ROUTER_ADVERT, ROUTER_SOLICIT, ROUTING, RST,
                  SYN, TCP, TIME_EXCEEDED, UDP, UNREACHABLE, Loop, Wire, echo, fragment, icmp6, ip6, options,
                  raw, routing0_left0, tcp, udp)

TARGET = on(FOUR)
OTHER = "2001:db8:eeee::"


def answered(net, **how):
    return banner(net.six, TARGET, 2222, **how)


# --- captured ----------------------------------------------------------------------------


@test("capture: TCP to any port of the prefix reaches that port of the server (F1)")
def any_port(t):
    net, gw = newsletter(t)
    gw.load()
    ports = (1, 22, 80, 8080, 65535)
    servers = [Banner(net.four, FOUR, port, f"port {port}") for port in ports]
    with gw.counts(STEERED=more(len(ports)), CONNECTED=len(ports), PASS_TCP=more(3 * len(ports))):
        for port in ports:
            equal(banner(net.six, TARGET, port), f"port {port}", f"who answered on {port}")
    for server in servers:
        equal(server.peers, ["192.0.2.1"], "the client as the server sees it")


@test("capture: the default prefix is 64:ff9b::/96, with no configuration at all")
def default_prefix(t):
    net, gw = newsletter(t)
    gw.load(prefix=None)
    equal([p["prefix"] for p in gw.status()["prefixes"]], ["64:ff9b::/96"], "prefixes in status")
    Banner(net.four, FOUR, 2222)
    equal(banner(net.six, on(FOUR, "64:ff9b::"), 2222), "four", "who answered")


@test("capture: works without forwarding, and the hop limit is not decremented (F3)")
def no_forwarding(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.four, FOUR, 2222)
    equal(net.dual.sysctl("net.ipv6.conf.all.forwarding"), "0", "forwarding while loaded")
    equal(answered(net, hop_limit=1), "four", "who answered at hop limit 1")


@test("capture: works with forwarding too (F3)")
def with_forwarding(t):
    net, gw = newsletter(t)
    net.dual.sysctl("net.ipv6.conf.all.forwarding", 1)
    gw.load()
    Banner(net.four, FOUR, 2222)
    equal(answered(net, hop_limit=1), "four", "who answered")


@test("capture: a client on the gateway itself is relayed (F6)")
def local_client(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.four, FOUR, 2222)
    with gw.counts(STEERED=more(1), CONNECTED=1):
        equal(banner(net.dual, TARGET, 2222, source=(DUAL6, 0)), "four", "who answered")


@test("capture: several prefixes, each its own; a third is nobody's (F2)")
def two_prefixes(t):
    net, gw = newsletter(t)
    gw.load("--prefix", PREFIX + "/96", "--prefix", OTHER + "/96", prefix=None)
    Banner(net.four, FOUR, 2222)
    for prefix in (PREFIX, OTHER):
        equal(banner(net.six, on(FOUR, prefix), 2222), "four", f"who answered in {prefix}")
    third = banner(net.six, on(FOUR, "2001:db8:dddd::"), 2222, seconds=2)
    check(third in ("unreachable", "silence"), f"a prefix that is not ours was answered: {third}")


@test("capture: a SYN behind extension headers is captured as any other (F4)")
def extension_headers(t):
    net, gw = newsletter(t)
    gw.load()
    net.four.listen(FOUR, 2222)
    wire = six_wire(net)
    segments = {
        "hop-by-hop": (HOPOPTS, options(TCP)),
        "destination options": (DSTOPTS, options(TCP, 24)),
        "routing, nothing left": (ROUTING, routing0_left0(TCP)),
        "both options": (HOPOPTS, options(DSTOPTS) + options(TCP)),
        "a single fragment": (FRAGMENT, fragment(TCP, 0, 0)),
    }
    for sport, (what, (first, headers)) in enumerate(segments.items(), 5000):
        syn = tcp(SIX, TARGET, sport, 2222, SYN, seq=100)
        seen = wire.answers(SIX, DUAL6, [ip6(SIX, TARGET, first, headers + syn)])
        # six's own stack knows nothing of this SYN and resets the answer, which is fine.
        equal([(p.source, p.flags, p.ack) for p in seen], [(TARGET, SYN | ACK, 101)], f"answers to {what}")


# --- not captured ------------------------------------------------------------------------


@test("capture: an address of the gateway's own inside the prefix stays its own (F3, V3)")
def own_address(t):
    net, gw = newsletter(t)
    mine = on("192.0.2.200")
    net.dual.ip(f"addr add {mine}/128 dev eth0 nodad")
    gw.load()
    Banner(net.dual, "::", 2222)
    equal(banner(net.six, mine, 2222), "dual", "who answered")
    with gw.counts(PASS_EXEMPT=more(1), DROP_ICMP6=0):
        answers = six_wire(net).answers(SIX, DUAL6, [ip6(SIX, mine, ICMP6, echo(SIX, mine))])
        equal([p.kind for p in answers], [ECHO_REPLY], "answers to an echo request")


@test("capture: an address added at run time becomes its own, and is relayed again once removed (V11)")
def own_address_changes(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.dual, "::", 2222)
    Banner(net.four, FOUR, 2222)
    equal(answered(net), "four", "who answered before")
    net.dual.ip(f"addr add {TARGET}/128 dev eth0 nodad")
    wait_for(lambda: answered(net) == "dual", "the gateway itself to answer")
    net.dual.ip(f"addr del {TARGET}/128 dev eth0")
    wait_for(lambda: answered(net) == "four", "the relay to answer again")


@test("capture: a more specific route exempts its addresses, as long as it is there (F2, V2)")
def longer_route(t):
    net, gw = newsletter(t)
    seven = net.client("seven", "eth2", "2001:db8:7::")
    seven.ip(f"addr add {TARGET}/128 dev lo nodad")
    net.dual.sysctl("net.ipv6.conf.all.forwarding", 1)
    gw.load()
    Banner(seven, "::", 2222)
    Banner(net.four, FOUR, 2222)
    equal(answered(net), "four", "who answered before")
    net.dual.ip(f"-6 route add {on('192.0.2.0')}/120 via 2001:db8:7::2")
    wait_for(lambda: answered(net) == "seven", "the host behind the longer route to answer")
    with gw.counts(PASS_EXEMPT=more(1), PASS_TCP=0):
        equal(answered(net), "seven", "who answered through the longer route")
    net.dual.ip(f"-6 route del {on('192.0.2.0')}/120")
    wait_for(lambda: answered(net) == "four", "the relay to answer again")


@test("capture: a longer route that was there before load exempts too (F2)")
def longer_route_before(t):
    net, gw = newsletter(t)
    seven = net.client("seven", "eth2", "2001:db8:7::")
    seven.ip(f"addr add {TARGET}/128 dev lo nodad")
    net.dual.sysctl("net.ipv6.conf.all.forwarding", 1)
    net.dual.ip(f"-6 route add {TARGET}/128 via 2001:db8:7::2")
    gw.load()
    Banner(seven, "::", 2222)
    Banner(net.four, "0.0.0.0", 2222)
    net.four.ip("addr add 192.0.2.3/24 dev eth0")
    equal(answered(net), "seven", "who answered through the longer route")
    equal(banner(net.six, on("192.0.2.3"), 2222), "four", "who answered beside it")


@test("capture: an unreachable route inside the prefix is answered by the kernel, a blackhole by nobody (F7)")
def closed_routes(t):
    net, gw = newsletter(t)
    net.dual.sysctl("net.ipv6.conf.all.forwarding", 1)
    gw.load()
    Banner(net.four, FOUR, 2222)
    equal(answered(net), "four", "who answered before")
    other, wire = on("192.0.2.3"), six_wire(net)
    wait_for(lambda: gw.relay()["sessions_active"] == 0, "the end of that session")  # or the routes meet its last words
    net.dual.ip(f"route add unreachable {TARGET}/128", f"route add blackhole {other}/128")
    syns = {host: ip6(SIX, host, TCP, tcp(SIX, host, 5000, 2222)) for host in (TARGET, other)}
    wait_for(lambda: [a.kind for a in wire.answers(SIX, DUAL6, [syns[TARGET]])] == [UNREACHABLE],
             "the kernel to answer for the unreachable route")
    with gw.counts(PASS_EXEMPT=more(1), PASS_TCP=0):
        equal(wire.answers(SIX, DUAL6, [syns[other]]), [], "answers for the blackhole")


@test("capture: addresses outside every prefix are none of its business")
def outside(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.dual, "::", 2222)
    with gw.counts(PASS_NOT_PREFIX=more(4), PASS_TCP=0, STEERED=0):
        equal(banner(net.six, DUAL6, 2222), "dual", "who answered")


@test("capture: frames that are no IPv6 packet for this host are left to the kernel")
def not_for_us(t):
    net, gw = newsletter(t)
    gw.load()
    wire = six_wire(net)
    datagram = ip6(SIX, TARGET, UDP, udp(SIX, TARGET, 4000, 53))
    with gw.counts(PASS_NOT_IP6=more(1)):  # an ARP request; four's go by another interface
        wire.send_as(0x0806, bytes.fromhex("0001080006040001") + bytes(20))
    with gw.counts(PASS_SHORT=1):
        wire.send(datagram[:30])
    # An interface that is a bridge port sees frames between other stations. On one that was
    # not loaded nobody asked for a guard on those, and the TC guard leaves them alone.
    between_others = Wire(net.four, "eth0", "02:00:00:00:00:99")
    with gw.counts(PASS_OTHER_HOST=1, DROP_UDP=0):
        between_others.send(datagram)


# --- no relay, no answer -----------------------------------------------------------------


@test("capture: without a relay the prefix address itself answers with a RST (F14, L3, V5)")
def reset_without_relay(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    wire = six_wire(net)
    with gw.counts(NO_LISTENER=1, STEERED=0):
        seen = wire.answers(SIX, DUAL6, [ip6(SIX, TARGET, TCP, tcp(SIX, TARGET, 5000, 22, SYN, seq=41))])
    equal([(p.source, p.sport, p.flags, p.ack) for p in seen], [(TARGET, 22, RST | ACK, 42)], "answers to a SYN")


@test("capture: `ports` narrows TCP; the other ports are reset (F14)")
def ports(t):
    net, gw = newsletter(t)
    gw.load("-c", gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\nports = ["http", 2222, "8000-8002"]\n'))
    served = (80, 2222, 8000, 8002)
    for port in (*served, 2221, 8003):
        Banner(net.four, FOUR, port)
    for port in served:
        equal(banner(net.six, TARGET, port), "four", f"who answered on {port}")
    with gw.counts(PORT_NOT_CAPTURED=2, CONNECTED=0):
        for port in (2221, 8003):
            equal(banner(net.six, TARGET, port), "refused", f"who answered on {port}")


def _silent(net, gw, wire, source, own):
    """Everything that gets no answer, by the reason that counts it (F15, F16, V6, V7)."""
    def icmp(kind, code=0, body=bytes(4)):
        return ip6(source, TARGET, ICMP6, icmp6(source, TARGET, kind, code, body), hop_limit=255)

    inner = ip6(TARGET, source, UDP, udp(TARGET, source, 53, 4000))
    about = bytes(4) + raw(TARGET)
    probes = {
        "DROP_ICMP6": [
            ip6(source, TARGET, ICMP6, echo(source, TARGET)),
            ip6(source, TARGET, HOPOPTS, options(ICMP6) + echo(source, TARGET)),
            icmp(ECHO_REPLY, body=bytes(8)), icmp(PARAM_PROBLEM, 1, bytes(4) + inner),
            icmp(NEIGH_SOLICIT, body=about), icmp(NEIGH_ADVERT, body=about), icmp(ROUTER_SOLICIT),
            icmp(ROUTER_ADVERT, body=bytes(12)), icmp(REDIRECT, body=about + raw(TARGET)),
            icmp(MLD2_REPORT), icmp(139, body=bytes(12)), icmp(0), icmp(255),
        ],
        "DROP_UDP": [
            ip6(source, TARGET, UDP, udp(source, TARGET, 4000, 53)),
            ip6(source, TARGET, DSTOPTS, options(UDP) + udp(source, TARGET, 4000, 4000)),
            ip6(source, TARGET, UDP, udp(source, TARGET, 4000, 65535, bytes(1000))),
        ],
        "DROP_PROTOCOL": [ip6(source, TARGET, protocol, bytes(40))
                          for protocol in (99, 4, 41, 47, 50, 59, 89, 103, 132, 136, 253)],
    }
    with gw.counts(PASS_TCP=0, STEERED=0, **{reason: len(packets) for reason, packets in probes.items()}):
        everything = [packet for packets in probes.values() for packet in packets]
        equal(wire.answers(source, own, everything), [], "answers")


@test("capture: UDP, echo, ND, other ICMPv6 and other protocols are silent and counted by name (F15, F16, V6, V7)")
def silence(t):
    net, gw = newsletter(t)
    gw.load()
    _silent(net, gw, six_wire(net), SIX, DUAL6)


@test("capture: the same silence with generic XDP")
def silence_generic(t):
    net, gw = newsletter(t)
    gw.load("--xdp", "generic")
    _silent(net, gw, six_wire(net), SIX, DUAL6)


@test("capture: the same silence on an interface that was not loaded")
def silence_elsewhere(t):
    net, gw = newsletter(t)
    seven = net.client("seven", "eth2", "2001:db8:7::")
    gw.load()
    wire = Wire(seven, "eth0", net.dual.mac("eth2"))
    _silent(net, gw, wire, "2001:db8:7::2", "2001:db8:7::1")


@test("capture: the same silence on an interface that came after load")
def silence_later(t):
    net, gw = newsletter(t)
    gw.load()
    seven = net.client("seven", "eth2", "2001:db8:7::")
    wait_for(lambda: any("eth2" in line and "fgw_tc_ingress" in line
                         for line in net.dual.run("bpftool", "net", "show").splitlines()), "the guard on the new interface")
    wire = Wire(seven, "eth0", net.dual.mac("eth2"))
    _silent(net, gw, wire, "2001:db8:7::2", "2001:db8:7::1")


@test("capture: the same silence for a sender on the gateway itself (F6)")
def silence_locally(t):
    net, gw = newsletter(t)
    gw.load()
    # A program's own UDP would not even see a refused send.
    _silent(net, gw, Loop(net.dual), DUAL6, DUAL6)


@test("capture: malformed, truncated and fragmented packets are judged without an answer")
def malformed(t):
    net, gw = newsletter(t)
    gw.load()
    wire = six_wire(net)
    datagram = udp(SIX, TARGET, 4000, 53, bytes(64))
    deep = b"".join(options(DSTOPTS) for _ in range(9)) + options(UDP) + datagram
    probes = {
        "DROP_TRUNCATED": [
            ip6(SIX, TARGET, TCP, tcp(SIX, TARGET, 1, 2)[:3]),
            ip6(SIX, TARGET, HOPOPTS, b"\x06"),
            ip6(SIX, TARGET, DSTOPTS, bytes([TCP, 200]) + bytes(6)),
        ],
        "DROP_EXT_CHAIN": [ip6(SIX, TARGET, DSTOPTS, deep)],
        "DROP_FRAGMENT": [ip6(SIX, TARGET, FRAGMENT, fragment(DSTOPTS, 0, 1, 2) + bytes([TCP, 20]) + bytes(6))],
        "DROP_UDP": [
            ip6(SIX, TARGET, FRAGMENT, fragment(UDP, 0, 1, 3) + datagram),
            ip6(SIX, TARGET, FRAGMENT, fragment(UDP, 64, 0, 3) + bytes(16)),
        ],
        # Its first fragment never comes, so the kernel has nothing to put together.
        "PASS_FRAGMENT": [ip6(SIX, TARGET, FRAGMENT, fragment(TCP, 64, 0, 4) + bytes(16))],
    }
    with gw.counts(STEERED=0, **{reason: len(packets) for reason, packets in probes.items()}):
        equal(wire.answers(SIX, DUAL6, [p for packets in probes.values() for p in packets]), [], "answers")


@test("capture: a VLAN tag hides nothing from the guard")
def vlan(t):
    net, gw = newsletter(t)
    wire = six_wire(net)
    for mode in ("native", "generic"):
        gw.load("--xdp", mode)
        with gw.counts(DROP_UDP=1):
            wire.send(ip6(SIX, TARGET, UDP, udp(SIX, TARGET, 4000, 53)), vlan=5)
        gw.unload()


@test("capture: errors about unknown connections reach the stack and nobody answers them (F17)")
def icmp_errors_pass(t):
    net, gw = newsletter(t)
    gw.load()
    inner = ip6(TARGET, SIX, TCP, tcp(TARGET, SIX, 22, 4000, ACK))
    errors = [ip6(SIX, TARGET, ICMP6, icmp6(SIX, TARGET, kind, body=body + inner))
              for kind, body in ((UNREACHABLE, bytes(4)), (2, b"\0\0\x05\0"), (TIME_EXCEEDED, bytes(4)))]
    with gw.counts(PASS_ICMP6_ERROR=3, DROP_ICMP6=0):
        equal(six_wire(net).answers(SIX, DUAL6, errors), [], "answers")


@test("capture: the prefix is routed, not proxied: nobody answers for it on the link (F10, V9)")
def no_nd_proxy(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.four, FOUR, 2222)
    equal(answered(net), "four", "who answered by way of the router")
    net.six.ip(f"-6 route add {PREFIX}/96 dev eth0")
    equal(answered(net, seconds=10), "unreachable", "who answered on the link")
    entries = net.six.ip_json(f"-6 neigh show to {TARGET}")
    check(all(set(e["state"]) & {"INCOMPLETE", "FAILED"} for e in entries), f"resolved: {entries}")


if __name__ == "__main__":
    main()
