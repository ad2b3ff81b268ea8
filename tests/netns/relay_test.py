#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the relay does with the bytes of a session, from first to last: content, half
close, resets, urgent data, the engine it chooses (D38-D42; V15, V16, V18). Times and
limits are in limits_test.py, refused targets in targets_test.py.
"""
import socket
import statistics
import time

from gateway import more, newsletter, on
from harness import SLOW, check, equal, main, test, wait_for
from hosts import DUAL4, FOUR
from peers import Banner, accept, banner, both_ways, ending, exchange, noise, pair, read_all, reset

TARGET = on(FOUR)
PORT = 2222
MIB = 1 << 20


def relayed(t, *words):
    """(network, gateway, client's end, server's end)"""
    net, gw = newsletter(t)
    gw.load(*words)
    client, server = pair(net, TARGET, PORT, net.four.listen(FOUR, PORT))
    return net, gw, client, server


# --- content -----------------------------------------------------------------------------


@test("relay: 10 MiB each way at once arrive byte for byte")
def ten_megabytes(t):
    _, gw, client, server = relayed(t)
    before = gw.relay()
    both_ways(client, server, noise(10 * MIB, 1), noise(10 * MIB, 2))
    wait_for(lambda: gw.relay()["sessions_active"] == 0, "the end of the session")
    after = gw.relay()
    for way in ("bytes_to_server", "bytes_to_client"):
        equal(after[way] - before[way], 10 * MIB, way)


@test("relay: 10 MiB one way, then 10 MiB the other way")
def one_after_the_other(t):
    _, _, client, server = relayed(t)
    for sender, receiver, seed in ((client, server, 3), (server, client, 4)):
        data = noise(10 * MIB, seed)
        got = exchange([(sender, data), (receiver, b"")])[1] if seed == 4 else _send_through(sender, receiver, data)
        check(got == data, f"what arrived of {seed} differs")


def _send_through(sender, receiver, data):
    """All of it, without ending the direction."""
    got, sent = bytearray(), 0
    sender.setblocking(False)
    receiver.setblocking(False)

    def step():
        nonlocal sent
        try:
            sent += sender.send(data[sent:sent + MIB]) if sent < len(data) else 0
        except BlockingIOError:
            pass
        try:
            while piece := receiver.recv(MIB):
                got.extend(piece)
        except BlockingIOError:
            pass
        return len(got) == len(data)

    wait_for(step, f"{len(data)} octets", seconds=20)
    return bytes(got)


@test("relay: every size around the engine's borders arrives whole")
def sizes(t):
    net, gw = newsletter(t)
    gw.load()
    listener = net.four.listen(FOUR, PORT)
    for size in (0, 1, 2, 1447, 1448, 1449, 65535, 65536, 65537, 262143, 262144, 262145, MIB - 1, MIB, MIB + 1):
        client, server = pair(net, TARGET, PORT, listener)
        both_ways(client, server, noise(size, size), noise(size, size + 1))
        client.close()
        server.close()


@test("relay: 200 connections at once, each with its own bytes")
def many(t):
    net, gw = newsletter(t)
    gw.load()
    listener = net.four.listen(FOUR, PORT, backlog=256)
    flows = []
    for number in range(200):
        client, server = pair(net, TARGET, PORT, listener)
        flows += [(client, noise(20_000 + number, number)), (server, noise(30_000 + number, -number))]
    equal(gw.relay()["sessions_active"], 200, "sessions_active")
    got = exchange(flows)
    for number in range(200):
        check(got[2 * number] == flows[2 * number + 1][1], f"connection {number}: the client's bytes differ")
        check(got[2 * number + 1] == flows[2 * number][1], f"connection {number}: the server's bytes differ")
    wait_for(lambda: gw.relay()["sessions_active"] == 0, "the end of 200 sessions")
    equal(gw.relay()["sessions_total"], 200, "sessions_total")


@test("relay: one client that reads nothing stops no other")
def slow_reader(t):
    net, _, client, server = _workers(t, 1)
    server.setblocking(False)

    def stuffed():
        try:
            server.send(bytes(MIB))
            return False
        except BlockingIOError:
            return True

    wait_for(stuffed, "every buffer on the way to be full")
    listener = net.four.listen(FOUR, PORT + 1)
    other, other_server = pair(net, TARGET, PORT + 1, listener)
    both_ways(other, other_server, noise(MIB, 5), noise(MIB, 6))
    client.close()


def _workers(t, number):
    net, gw = newsletter(t)
    gw.load("-c", gw.config(f'[faith]\nprefixes = ["2001:db8:ffff::/96"]\n[relay]\nworkers = {number}\n'))
    equal(gw.relay()["workers"], number, "workers")
    client, server = pair(net, TARGET, PORT, net.four.listen(FOUR, PORT))
    return net, gw, client, server


@test("relay: connections are spread over the workers")
def spread(t):
    net, gw = newsletter(t)
    gw.load("-c", gw.config('[faith]\nprefixes = ["2001:db8:ffff::/96"]\n[relay]\nworkers = 4\n'))
    Banner(net.four, FOUR, PORT)
    with gw.counts(STEERED=more(64), CONNECTED=64):
        for _ in range(64):
            equal(banner(net.six, TARGET, PORT), "four", "who answered")


# --- the engine --------------------------------------------------------------------------


@test("relay: bulk is spliced, a ping-pong is copied")
def engine(t):
    _, gw, client, server = relayed(t)
    for number in range(200):
        for sender, receiver in ((client, server), (server, client)):
            sender.sendall(b"%04d" % number)
            equal(receiver.recv(64), b"%04d" % number, "ping or pong")
    equal(gw.relay()["bytes_spliced"], 0, "bytes_spliced after a ping-pong")
    both_ways(client, server, b"", noise(10 * MIB, 7))
    spliced = wait_for(lambda: gw.relay()["bytes_spliced"], "bytes_spliced to grow on bulk")
    check(spliced > 8 * MIB, f"only {spliced} octets of a 10 MiB download were spliced")


# --- how sessions end --------------------------------------------------------------------


@test("relay: the client ends its direction, the server still sends 5 MiB (D40, V16)")
def half_close_by_client(t):
    _, gw, client, server = relayed(t)
    client.sendall(b"request")
    client.shutdown(socket.SHUT_WR)
    equal(read_all(server), b"request", "what the server received, to the end")
    data = noise(5 * MIB, 8)
    with gw.counts(CLOSED=1):
        check(exchange([(server, data), (client, b"")])[1] == data, "the answer differs")


@test("relay: the server ends its direction, the client still sends 5 MiB (D40, V16)")
def half_close_by_server(t):
    _, gw, client, server = relayed(t)
    server.sendall(b"greeting")
    server.shutdown(socket.SHUT_WR)
    equal(read_all(client), b"greeting", "what the client received, to the end")
    data = noise(5 * MIB, 9)
    with gw.counts(CLOSED=1):
        check(exchange([(client, data), (server, b"")])[1] == data, "the upload differs")


@test("relay: FIN right behind bulk cuts nothing off")
def fin_behind_data(t):
    net, gw = newsletter(t)
    gw.load()
    listener = net.four.listen(FOUR, PORT)
    for number in range(20):
        client, server = pair(net, TARGET, PORT, listener)
        data = noise(100 + number * 50_000, number)
        server.settimeout(10 * SLOW)
        check(exchange([(client, data), (server, b"")])[1] == data, f"upload {number} differs")


@test("relay: a client that sends and ends before the server is reached loses nothing")
def eager_client(t):
    net, gw = newsletter(t)
    gw.load()
    listener = net.four.listen(FOUR, PORT)
    client = net.six.connect(TARGET, PORT)
    client.sendall(b"everything at once")
    client.shutdown(socket.SHUT_WR)
    equal(read_all(accept(listener)), b"everything at once", "what the server received")


@test("relay: the client's RST is a RST at the server (D42)")
def client_reset(t):
    _, gw, client, server = relayed(t)
    client.sendall(b"x")
    equal(server.recv(1), b"x", "first octet")
    with gw.counts(CLIENT_RESET=1):
        reset(client)
        equal(ending(server), "rst", "how it ended at the server")


@test("relay: the server's RST is a RST at the client (D42, V18)")
def server_reset(t):
    _, gw, client, server = relayed(t)
    server.sendall(b"x")
    equal(client.recv(1), b"x", "first octet")
    with gw.counts(SERVER_RESET=1):
        reset(server)
        equal(ending(client), "rst", "how it ended at the client")


@test("relay: a RST in the middle of bulk ends the other side by RST too (D42)")
def reset_in_bulk(t):
    net, gw = newsletter(t)
    gw.load()
    listener = net.four.listen(FOUR, PORT)
    for who in ("client", "server"):
        client, server = pair(net, TARGET, PORT, listener)
        quitter, other = (client, server) if who == "client" else (server, client)
        quitter.setblocking(False)
        other.setblocking(False)

        def moving():
            for end in (quitter, other):
                try:
                    end.send(bytes(MIB))
                except BlockingIOError:
                    pass
            return gw.relay()["sessions_active"] == 1

        wait_for(moving, "data under way")
        reset(quitter)
        other.settimeout(10 * SLOW)
        equal(ending(other), "rst", f"how it ended when the {who} reset")
        wait_for(lambda: gw.relay()["sessions_active"] == 0, "the end of the session")


@test("relay: a port nobody serves is reset and counted (D34, V18)")
def refused(t):
    net, gw = newsletter(t)
    gw.load()
    with gw.counts(CONNECT_REFUSED=1, CONNECTED=0):
        equal(banner(net.six, TARGET, 9), "refused", "who answered")


@test("relay: an address nobody has is reset and counted")
def unreachable(t):
    net, gw = newsletter(t)
    net.dual.ip("route add unreachable 203.0.113.0/24")
    gw.load()
    with gw.counts(CONNECT_FAILED=1, CONNECTED=0):
        equal(banner(net.six, on("203.0.113.5"), 80), "refused", "who answered")


# --- what the server sees ----------------------------------------------------------------


def _median_seconds(times, work):
    """Of all the times that something takes: what a pause of the machine does not move."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        work()
        took.append(time.monotonic() - began)
    return statistics.median(took)


@test("relay: small writes and the last piece of bulk are not held back")
def no_delay(t):
    _, gw, client, server = relayed(t)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Write, write, read: with Nagle in the relay each round waits for a delayed ACK, 40 ms
    # at least. An odd last piece behind bulk waits up to 200 ms if MORE was said of it.
    def round_of_three():
        client.sendall(b"a")
        client.sendall(b"b")
        equal(read_all(server, 2), b"ab", "two writes")
        server.sendall(b"c")
        equal(read_all(client, 1), b"c", "the answer")

    took = _median_seconds(50, round_of_three)
    check(took < 0.040 * SLOW / 2, f"a round of write-write-read takes {took:.3f} s")
    data = noise(3 * MIB + 1, 12)
    _send_through(server, client, data)
    took = _median_seconds(10, lambda: check(_send_through(server, client, data[:MIB + 1]) == data[:MIB + 1], "bulk differs"))
    check(took < 0.2 * SLOW / 2, f"a piece of bulk with an odd end takes {took:.3f} s")


@test("relay: sessions of a gateway that ends are reset, not left hanging (D14, V49)")
def ends_with_the_gateway(t):
    _, gw, client, server = relayed(t)
    client.sendall(b"x")
    equal(server.recv(1), b"x", "first octet")
    gw.unload()
    for name, end in (("client", client), ("server", server)):
        check(ending(end) in ("rst", "fin"), f"the {name}'s connection did not end")


@test("relay: the source address at the server is the gateway's (D24)")
def source_address(t):
    _, _, client, server = relayed(t)
    equal(server.getpeername()[0], DUAL4, "the client as the server sees it")
    equal(client.getpeername()[:2], (TARGET, PORT), "the server as the client sees it")


if __name__ == "__main__":
    main()
