#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Connections to servers that believe a peer on a port below 1024: reserved_source_port, which
faithd(8) had as -p (D31, D32; V14).
"""
import re
import resource
import select
import socket

from gateway import newsletter, on
from harness import ROOT, SLOW, check, contains, equal, main, test, wait_for
from hosts import DUAL4, FOUR, SIX
from peers import RESERVED, Banner, accept, banner, pair

TARGET = on(FOUR)
PORT, OTHER, PLAIN = 2049, 2050, 2051
SECOND = "192.0.2.77"

CONFIG = f"""
[faith]
prefixes = ["2001:db8:ffff::/96"]
[relay]
workers = 1
[log]
target = "stderr"
[[service]]
port = {PORT}
reserved_source_port = true
[[service]]
port = {OTHER}
reserved_source_port = true
"""


def gateway(t, rules="::/0 permit 0.0.0.0/0\n", wrapper=()):
    """Loaded in the foreground, its log in a file."""
    net, gw = newsletter(t)
    log = t.tmp / "gateway.log"
    acl = t.write("faithd.conf", rules)
    with open(log, "wb") as out:
        daemon = gw.start("load", "--foreground", "eth0", "-c", gw.config(CONFIG), "--acl", acl, stdout=out, stderr=out,
                          wrapper=wrapper)
    t.callback(daemon.wait)
    t.callback(daemon.kill)
    wait_for(lambda: "ready" in log.read_text(), "the gateway", seconds=20)
    return net, gw, log


def peer_of(net, listener, port):
    """What the server sees: (address, port)."""
    client, server = pair(net, TARGET, port, listener)
    client.sendall(b"x")
    equal(server.recv(1), b"x", "the first octet")
    return server.getpeername()


@test("reserved: the server sees a port in 512..1023 where the service asks for it, else not (D32, V14)")
def seen_by_the_server(t):
    net, gw, _ = gateway(t)
    listeners = {port: net.four.listen(FOUR, port) for port in (PORT, OTHER, PLAIN)}
    seen = [peer_of(net, listeners[PORT], PORT) for _ in range(8)]
    for address, port in seen:
        equal(address, DUAL4, "where the connection comes from")
        check(port in RESERVED, f"it comes from port {port}")
    equal(len(set(seen)), len(seen), "ports of sessions one after the other")
    check(peer_of(net, listeners[OTHER], OTHER)[1] in RESERVED, "the second service has no reserved port")
    check(peer_of(net, listeners[PLAIN], PLAIN)[1] not in RESERVED, "a service that does not ask has a reserved port")
    equal(gw.reasons()["NO_RESERVED_PORT"], 0, "NO_RESERVED_PORT")


@test("reserved: with a rule's source address, both in one bind (D24, D31)")
def with_source_address(t):
    net, _, _ = gateway(t, rules=f"::/0 permit 0.0.0.0/0 {SECOND}\n")
    net.dual.ip(f"addr add {SECOND}/24 dev eth1")
    address, port = peer_of(net, net.four.listen(FOUR, PORT), PORT)
    equal(address, SECOND, "where the connection comes from")
    check(port in RESERVED, f"it comes from port {port}")


def leave_only(net, free):
    """Other programs of the gateway have all reserved ports but these."""
    for port in RESERVED:
        if port not in free:
            taken = net.dual.socket(socket.AF_INET, socket.SOCK_STREAM)
            taken.bind(("0.0.0.0", port))


def attempted(net, listener):
    """The port that the server sees; None if the client was reset."""
    try:
        client = net.six.connect(TARGET, PORT)
    except ConnectionResetError:  # before connect() has returned
        return None
    if select.select([listener, client], [], [], 10 * SLOW)[0] == [client]:
        client.close()
        return None
    return accept(listener).getpeername()[1]


@test("reserved: when all are in use the client is reset, the log says why, and it recovers (D32, V14)", seconds=60)
def exhausted(t):
    net, gw, log = gateway(t)
    free = (1000, 700, 513)
    leave_only(net, free)
    first, second = net.four.listen(FOUR, PORT), net.four.listen(FOUR, OTHER)
    pairs = [pair(net, TARGET, PORT, first) for _ in free]
    equal(sorted(server.getpeername()[1] for _, server in pairs), sorted(free), "the ports in use")
    with gw.counts(NO_RESERVED_PORT=3, CONNECTED=0, CONNECT_FAILED=0):
        for _ in range(3):
            equal(banner(net.six, TARGET, PORT), "refused", "what the client hears")
    said = wait_for(lambda: "reserved" in log.read_text() and log.read_text(), "a line in the log")
    contains(said, f"every reserved source port is in use: {SIX} cannot be connected to {FOUR}:{PORT}", "the log")
    equal(said.count("every reserved source port is in use"), 1, "lines in the log")
    equal(gw.relay()["sessions_active"], len(free), "sessions")

    # The same ports serve another server meanwhile.
    check(peer_of(net, second, OTHER)[1] in free, "the second server is not reached from one of them")

    client, server = pairs.pop()
    port = server.getpeername()[1]
    # The server ends first, so the port is in TIME_WAIT at the server and free here.
    server.close()
    equal(client.recv(1), b"", "the end")
    client.close()
    wait_for(lambda: gw.relay()["sessions_active"] == len(free), "the end of one session")
    # A search that was in vain is believed for a moment, so the next one may be refused.
    wait_for(lambda: attempted(net, first) == port, "the next one, from the port that is free")


@test("reserved: 512 sessions with one server, and the 513th fails (D32, V14)", seconds=120)
def all_of_them(t):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)  # both ends are ours; 1,024 is little
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    t.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    net, gw, _ = gateway(t)
    server = Banner(net.four, FOUR, PORT)
    clients = []
    for _ in RESERVED:
        clients.append(net.six.connect(TARGET, PORT))
        equal(clients[-1].recv(64), b"four\n", "a greeting")
    with gw.counts(NO_RESERVED_PORT=1):
        equal(banner(net.six, TARGET, PORT), "refused", "what the next one hears")
    equal(len(server.peers), len(RESERVED), "connections at the server")
    equal(gw.relay()["sessions_active"], len(RESERVED), "sessions")


@test("reserved: without CAP_NET_BIND_SERVICE only these services fail, and the log says so", needs=("setpriv",))
def not_permitted(t):
    net, gw, log = gateway(t, wrapper=["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"])
    Banner(net.four, FOUR, PORT)
    Banner(net.four, FOUR, PLAIN)
    with gw.counts(NO_RESERVED_PORT=1):
        equal(banner(net.six, TARGET, PORT), "refused", "what the client hears")
    wait_for(lambda: "no permission for a reserved source port (CAP_NET_BIND_SERVICE)" in log.read_text(), "the log")
    equal(banner(net.six, TARGET, PLAIN), "four", "who answers on another port")


@test("reserved: the capabilities that the systemd unit leaves are enough (D32)", needs=("setpriv",))
def of_the_unit(t):
    unit = (ROOT / "config/faith-gw.service").read_text()
    left = [word.removeprefix("CAP_").lower() for word in re.search("^CapabilityBoundingSet=(.*)", unit, re.M)[1].split()]
    contains(left, "net_bind_service", "the unit's capabilities")
    kept = ",".join(["-all", *(f"+{name}" for name in left)])
    net, _, _ = gateway(t, wrapper=["setpriv", "--bounding-set", kept, "--inh-caps", "-all", "--no-new-privs"])
    check(peer_of(net, net.four.listen(FOUR, PORT), PORT)[1] in RESERVED, "the server sees another port")


if __name__ == "__main__":
    main()
