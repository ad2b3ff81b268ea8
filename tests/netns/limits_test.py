#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The relay's clocks and limits: idle timer, connect timeout, descriptors, sessions
(D11, D33, D43; V17, V48).
"""
import contextlib
import os
import select
import socket
import time

from gateway import PREFIX, newsletter, on
from harness import SLOW, check, equal, main, test, wait_for
from hosts import FOUR
from peers import Banner, accept, banner, ending, lowered_limit, pair, reset

TARGET = on(FOUR)
PORT = 2222
# Longer than a test needs from one octet to the next, on a machine that pauses, too.
IDLE = max(2.0, 0.7 * SLOW)


def load(gw, relay, *words, more_config="", **how):
    text = f'[faith]\nprefixes = ["{PREFIX}/96"]\n[relay]\n{relay}\n{more_config}'
    gw.load("-c", gw.config(text), *words, **how)


@test("limits: idle in both directions for idle_timeout ends the session, not earlier, not much later (D43, V17)")
def idle(t):
    net, gw = newsletter(t)
    load(gw, f'idle_timeout = "{int(IDLE * 1000)}ms"')
    listener = net.four.listen(FOUR, PORT)
    with gw.counts(IDLE_TIMEOUT=1):
        client, server = pair(net, TARGET, PORT, listener)
        client.sendall(b"x")
        equal(server.recv(1), b"x", "first octet")
        quiet_since = time.monotonic()  # before the last octet: the relay's clock starts later than ours
        server.sendall(b"y")
        equal(client.recv(1), b"y", "last octet")
        ending(client)
        lasted = time.monotonic() - quiet_since
        ending(server)
    check(lasted > IDLE - 0.01, f"ended after {lasted:.3f} s, idle_timeout is {IDLE} s")
    check(lasted < IDLE + 1.0 * SLOW, f"ended only after {lasted:.3f} s, idle_timeout is {IDLE} s")


@test("limits: traffic in one direction alone keeps a session (D43, V17)")
def one_way_traffic(t):
    net, gw = newsletter(t)
    load(gw, f'idle_timeout = "{int(IDLE * 1000)}ms"')
    listener = net.four.listen(FOUR, PORT)
    # Counts ask for the status, which takes its time: before the first session and after the last.
    with gw.counts(IDLE_TIMEOUT=0):
        for who in ("client", "server"):
            client, server = pair(net, TARGET, PORT, listener)
            sender, receiver = (client, server) if who == "client" else (server, client)
            end = time.monotonic() + 1.5 * IDLE
            while time.monotonic() < end:
                sender.sendall(b"tick")
                equal(receiver.recv(64), b"tick", f"a tick of the {who}")
                # Waits for an end that must not come: a pace, and a check at once.
                check(not select.select([sender, receiver], [], [], IDLE / 8)[0], "ended in spite of traffic")
            client.close()
            server.close()


@test("limits: a session that is stuck, not silent, is idle as well: a reader that stopped does not hold it for ever")
def stalled(t):
    net, gw = newsletter(t)
    load(gw, f'idle_timeout = "{int(IDLE * 1000)}ms"')
    listener = net.four.listen(FOUR, PORT)
    with gw.counts(IDLE_TIMEOUT=1):
        client, server = pair(net, TARGET, PORT, listener)
        server.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                server.send(bytes(1 << 20))
    wait_for(lambda: gw.relay()["sessions_active"] == 0, "the end of the session")
    client.close()


@test("limits: a [[service]] has its own idle_timeout (V17)")
def service_idle(t):
    net, gw = newsletter(t)
    load(gw, 'idle_timeout = "30m"', more_config=f'[[service]]\nport = {PORT}\nidle_timeout = "{int(IDLE * 1000)}ms"\n')
    with gw.counts(IDLE_TIMEOUT=1):
        client, _server = pair(net, TARGET, PORT, net.four.listen(FOUR, PORT))
        ending(client)


@test("limits: a half closed session ends after half_closed_timeout, an open one does not")
def half_closed(t):
    net, gw = newsletter(t)
    load(gw, 'half_closed_timeout = "30m"', more_config=f'[[service]]\nport = {PORT}\nhalf_closed_timeout = "300ms"\n')
    listener = net.four.listen(FOUR, PORT)
    other, _other_server = pair(net, TARGET, PORT, listener)
    for who in ("client", "server"):
        with gw.counts(IDLE_TIMEOUT=1, CLOSED=0):
            client, server = pair(net, TARGET, PORT, listener)
            one, still = (client, server) if who == "client" else (server, client)
            one.shutdown(socket.SHUT_WR)
            equal(still.recv(1), b"", f"the end of the {who}'s direction")
            equal(ending(one), "rst", f"how a session ended of which the {who} had ended its half")
    equal(gw.relay()["sessions_active"], 1, "sessions that are open both ways")
    other.close()


@test("limits: a [[service]] has its own connect_timeout (D33)")
def service_connect_timeout(t):
    net, gw = newsletter(t)
    net.dual.ip(f"neigh add 192.0.2.77 lladdr {net.four.mac('eth0')} dev eth1 nud permanent")
    load(gw, 'connect_timeout = "10m"', more_config=f'[[service]]\nport = {PORT}\nconnect_timeout = "300ms"\n')
    with gw.counts(CONNECT_TIMEOUT=1, CONNECTED=0):
        equal(banner(net.six, on("192.0.2.77"), PORT), "refused", "who answered")


@test("limits: a server that does not answer is given up after connect_timeout, and the client is reset (D33)")
def connect_timeout(t):
    net, gw = newsletter(t)
    # The frames reach four, which does not own the address and does not forward.
    net.dual.ip(f"neigh add 192.0.2.77 lladdr {net.four.mac('eth0')} dev eth1 nud permanent")
    load(gw, 'connect_timeout = "400ms"')
    began = time.monotonic()
    with gw.counts(CONNECT_TIMEOUT=1, CONNECTED=0):
        equal(banner(net.six, on("192.0.2.77"), PORT), "refused", "who answered")
    lasted = time.monotonic() - began
    check(0.35 < lasted < 0.4 + 2.0 * SLOW, f"given up after {lasted:.3f} s, connect_timeout is 0.4 s")


def _out_of_descriptors(t):
    """(network, gateway, a hundred clients of which about forty are served)"""
    net, gw = newsletter(t)
    load(gw, "workers = 1", wrapper=lowered_limit(100))
    server = Banner(net.four, FOUR, PORT)
    clients = [net.six.connect(TARGET, PORT) for _ in range(100)]
    wait_for(lambda: gw.reasons()["OUT_OF_FDS"] > 0, "the gateway to use up its descriptors")
    check(len(server.peers) < 100, "the limit was none")
    return net, gw, clients


@test("limits: out of descriptors the gateway pauses and recovers; nobody waiting is lost (D11, V48)", needs=("prlimit",))
def descriptors(t):
    net, gw, clients = _out_of_descriptors(t)
    waiting, served = set(clients), 0
    deadline = time.monotonic() + 20 * SLOW
    while waiting:
        check(time.monotonic() < deadline, f"{len(waiting)} of 100 clients were never served ({served} were)")
        # Each one served makes room for the next.
        for client in select.select(list(waiting), [], [], 1)[0]:
            equal(client.recv(64), b"four\n", "a greeting")
            served += 1
            waiting.discard(client)
            client.close()
    equal(banner(net.six, TARGET, PORT), "four", "who answers afterwards")
    wait_for(lambda: gw.relay()["sessions_active"] == 0, "the end of every session")
    check(gw.reasons()["OUT_OF_FDS"] > 0, "OUT_OF_FDS was not counted")


@test("limits: out of descriptors an operator can still ask, and unload (D11)", needs=("prlimit",))
def descriptors_for_the_operator(t):
    net, gw, _ = _out_of_descriptors(t)
    check(gw.reasons()["OUT_OF_FDS"] > 0, "OUT_OF_FDS was not counted")
    gw.unload()
    equal(gw.pids(), [], "processes after unload")


@test("limits: max_sessions refuses the next one by RST and counts it; an ended one makes room")
def max_sessions(t):
    net, gw = newsletter(t)
    load(gw, "max_sessions = 3")
    listener = net.four.listen(FOUR, PORT)
    pairs = [pair(net, TARGET, PORT, listener) for _ in range(3)]
    with gw.counts(SESSION_LIMIT=1):
        equal(banner(net.six, TARGET, PORT), "refused", "who answered the fourth")
    for end in pairs.pop():
        end.close()
    wait_for(lambda: gw.relay()["sessions_active"] == 2, "the end of one session")
    client, server = pair(net, TARGET, PORT, listener)
    client.sendall(b"x")
    equal(server.recv(1), b"x", "first octet of the session after")


@test("limits: max_sessions_per_source counts a client's /64, and no other's")
def per_source(t):
    net, gw = newsletter(t)
    seven = net.client("seven", "eth2", "2001:db8:7::")
    net.six.ip("addr add 2001:db8:6::3/64 dev eth0 nodad")
    load(gw, "max_sessions_per_source = 2", "--permit", "2001:db8::/32")
    listener = net.four.listen(FOUR, PORT)
    for source in ("2001:db8:6::2", "2001:db8:6::3"):
        net.six.connect(TARGET, PORT, source=(source, 0))
        accept(listener)
    with gw.counts(SOURCE_LIMIT=1):
        equal(banner(net.six, TARGET, PORT), "refused", "who answered the third of one /64")
    seven.connect(TARGET, PORT)
    accept(listener)


@test("limits: a storm of connections that end at once leaves no session and no descriptor behind")
def churn(t):
    net, gw = newsletter(t)
    gw.load()
    listener = net.four.listen(FOUR, PORT, backlog=1024)
    banner_server = Banner(net.four, FOUR, PORT + 1)
    equal(banner(net.six, TARGET, PORT + 1), "four", "who answered first")
    before = _descriptors(gw)
    for number in range(300):
        client = net.six.connect(TARGET, PORT)
        (reset if number % 3 else type(client).close)(client)
    wait_for(lambda: gw.relay()["sessions_active"] == 0 or _drain(listener), "the end of every session", seconds=15)
    equal(banner(net.six, TARGET, PORT + 1), "four", "who answers afterwards")
    wait_for(lambda: _descriptors(gw) <= before + 2, f"descriptors to go back to {before}")
    equal(len(banner_server.peers), 2, "connections to the second server")


def _drain(listener):
    """Ends what the relay opened to a server that would never read."""
    listener.settimeout(0.05)
    with contextlib.suppress(OSError):
        while True:
            listener.accept()[0].close()
    return False


def _descriptors(gw):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in gw.pids())


if __name__ == "__main__":
    main()
