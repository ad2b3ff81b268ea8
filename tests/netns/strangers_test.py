#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Other people's sockets on the gateway: sshd on [::]:22, a DNS server on [::]:53. With
the route alone they would answer on every address of the prefix (L2); they never may
(F11, V4). Seen from each road into the gateway: the loaded interface, one that is not
loaded, and the gateway itself.
"""
import socket

from gateway import newsletter, on
from harness import SLOW, check, equal, main, test
from hosts import DUAL6, FOUR
from peers import Banner, banner

TARGET = on(FOUR)
ROADS = ("the loaded interface", "an interface that is not loaded", "the gateway itself")


def roads(net):
    """(name, host to come from, an address of the gateway's own as seen from there)"""
    seven = net.client("seven", "eth2", "2001:db8:7::")
    return zip(ROADS, (net.six, seven, net.dual), (DUAL6, "2001:db8:7::1", DUAL6))


@test("strangers: a listener on [::] never gets a connection to the prefix, relay or not (F11, V4)")
def tcp_listeners(t):
    net, gw = newsletter(t)
    from_everywhere = list(roads(net))
    before = Banner(net.dual, "::", 2222, "bound before load")
    gw.load("--permit", "::/0")
    after = Banner(net.dual, "::", 2223, "bound after load")
    Banner(net.four, FOUR, 2222)
    for road, host, own in from_everywhere:
        equal(banner(host, own, 2222), before.name, f"2222 of the gateway's own address, from {road}")
        equal(banner(host, own, 2223), after.name, f"2223 of the gateway's own address, from {road}")
        equal(banner(host, TARGET, 2222), "four", f"2222 of a prefix address, from {road}")
        equal(banner(host, TARGET, 2223), "refused", f"2223 of a prefix address, from {road}")
    gw.unload()
    gw.load("--no-relay")
    for road, host, own in from_everywhere:
        for port in (2222, 2223):
            check(banner(host, own, port) != "refused", f"{port} of the own address, from {road}, without a relay")
            equal(banner(host, TARGET, port), "refused", f"{port} of a prefix address, from {road}, without a relay")


@test("strangers: a listener bound to the very prefix address gets no connection either (F11)")
def exact_listener(t):
    net, gw = newsletter(t)
    gw.load()
    exact = net.dual.socket(socket.AF_INET6, socket.SOCK_STREAM)
    ipv6_freebind = 78
    exact.setsockopt(socket.IPPROTO_IPV6, ipv6_freebind, 1)
    exact.bind((TARGET, 2222))
    exact.listen()
    Banner(net.four, FOUR, 2222)
    equal(banner(net.six, TARGET, 2222), "four", "who answered")


@test("strangers: a UDP socket on [::] never gets a datagram to the prefix (F15, L2)")
def udp_sockets(t):
    net, gw = newsletter(t)
    from_everywhere = list(roads(net))

    def bound(port):
        made = net.dual.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        made.bind(("::", port))
        return made

    before = bound(2222)
    gw.load()
    after = bound(2223)
    for road, host, own in from_everywhere:
        sender = host.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        for name, receiver, port in (("before", before, 2222), ("after", after, 2223)):
            with gw.counts(DROP_UDP=1):
                sender.sendto(b"to the prefix", (TARGET, port))
            # The marker: what comes first out of the socket is what came first in.
            sender.sendto(b"to the gateway", (own, port))
            receiver.settimeout(5 * SLOW)
            equal(receiver.recv(64), b"to the gateway", f"first datagram to the socket bound {name} load, from {road}")


@test("strangers: a raw ICMPv6 or other raw socket sees nothing that was sent to the prefix (F15)")
def raw_sockets(t):
    net, gw = newsletter(t)
    gw.load()
    raw = net.dual.socket(socket.AF_INET6, socket.SOCK_RAW, 99)
    sender = net.six.socket(socket.AF_INET6, socket.SOCK_RAW, 99)
    with gw.counts(DROP_PROTOCOL=1):
        sender.sendto(b"to the prefix", (TARGET, 0))
    sender.sendto(b"to the gateway", (DUAL6, 0))
    equal(raw.recv(64), b"to the gateway", "first packet to the raw socket")


@test("strangers: unload gives the prefix back to nobody")
def after_unload(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.dual, "::", 2222)
    gw.unload()
    seen = banner(net.six, TARGET, 2222, seconds=2)
    check(seen in ("unreachable", "silence"), f"answered after unload: {seen}")
    equal(banner(net.six, DUAL6, 2222), "dual", "who answers on the own address")


if __name__ == "__main__":
    main()
