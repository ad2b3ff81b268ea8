#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Urgent data through the relay, byte by byte both ways: each urgent byte in its place and as
one (D38, D39; V15). FTP's control connection is in ftp_wire_test.py.
"""
import select
import socket
import threading

from gateway import newsletter, on
from harness import SLOW, check, equal, main, test, wait_for
from hosts import FOUR
from peers import ending, hear, inline, noise, pair, reset, unread

TARGET = on(FOUR)
PORT = 2323
MIB = 1 << 20


def small_windows(t):
    net, gw = newsletter(t)
    net.small_windows()
    gw.load()
    return net, gw


def both(t):
    """(gateway, who, sender, receiver), in turn for client and server."""
    net, gw = small_windows(t)
    listener = net.four.listen(FOUR, PORT)
    for who in ("client", "server"):
        client, server = pair(net, TARGET, PORT, listener)
        for end in (client, server):
            inline(end)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield (gw, who) + ((client, server) if who == "client" else (server, client))


def say(sender, *pieces, end=False):
    """In a thread, because bulk needs a reader beside it. A tuple holds an urgent byte."""

    def run():
        for piece in pieces:
            if isinstance(piece, tuple):
                sender.send(piece[0], socket.MSG_OOB)
            else:
                sender.sendall(piece)
        if end:
            sender.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def same(heard, want, urgent, what):
    equal(heard[0], want, what)
    equal(heard[1], urgent, f"where the urgent bytes are in {what}")


@test("urgent: between ordinary bytes, and they are all in order (D38, V15)")
def between(t):
    for gw, who, sender, receiver in both(t):
        for before, after in ((b"abc", b"xyz"), (b"a", b""), (b"", b"z"), (b"", b"")):
            say(sender, before, (b"!",), after).join(5 * SLOW)
            same(hear(receiver, len(before) + 1 + len(after)), before + b"!" + after, [len(before)],
                 f"what the {who} said")
        # Anything may be the urgent byte, also one that looks like an end.
        for number in (0, 10, 255):
            say(sender, (bytes([number]),)).join(5 * SLOW)
            same(hear(receiver, 1), bytes([number]), [0], f"the {who}'s urgent byte {number}")


@test("urgent: the receiver is signalled as by the sender itself: select() and recv(MSG_OOB)")
def out_of_band(t):
    for _, who, sender, receiver in both(t):
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 0)
        say(sender, b"ab", (b"!",), b"cd").join(5 * SLOW)
        check(select.select([], [], [receiver], 10 * SLOW)[2], f"nothing urgent came from the {who}")
        equal(receiver.recv(1, socket.MSG_OOB), b"!", f"the {who}'s urgent byte")
        equal(receiver.recv(100), b"ab", f"the {who}'s bytes before it")
        equal(receiver.recv(100), b"cd", f"the {who}'s bytes behind it")


@test("urgent: in the middle of 4 MiB, which are spliced before and behind it (D38)")
def in_bulk(t):
    for gw, who, sender, receiver in both(t):
        before, after = noise(2 * MIB, 10), noise(2 * MIB, 11)
        spliced = gw.relay()["bytes_spliced"]
        say(sender, before, (b"!",), after, end=True)
        same(hear(receiver), before + b"!" + after, [2 * MIB], f"what the {who} said")
        spliced = wait_for(lambda: gw.relay()["bytes_spliced"] - spliced, "spliced octets")
        check(spliced > 2 * MIB, f"only {spliced} octets of the {who}'s bulk were spliced: not on both sides of the mark")


@test("urgent: forty of them in bulk of every size, each heard before the next is said (D38)")
def many(t):
    for _, who, sender, receiver in both(t):
        for number in range(40):
            before, after = noise(number * number * 300, number), noise(number * 7, -number)
            say(sender, before, (b"%c" % (number + 60),), after)
            same(hear(receiver, len(before) + 1 + len(after)), before + b"%c" % (number + 60) + after, [len(before)],
                 f"round {number} of the {who}")


@test("urgent: as the client's first byte, sent before the server is reached (D38)")
def first(t):
    net, _ = small_windows(t)
    listener = net.four.listen(FOUR, PORT)
    client = net.six.connect(TARGET, PORT)
    client.send(b"!", socket.MSG_OOB)
    client.sendall(b"and more")
    server, _ = listener.accept()
    inline(server)
    same(hear(server, 9), b"!and more", [0], "what the server heard")


@test("urgent: as the last byte, the FIN right behind it (D38, D40)")
def last(t):
    for _, who, sender, receiver in both(t):
        data = noise(MIB // 2, 12) if who == "client" else b"bye"
        say(sender, data, (b"!",), end=True)
        same(hear(receiver), data + b"!", [len(data)], f"all that the {who} said")


@test("urgent: of two in a row that nobody has read the first is an ordinary byte (D39)")
def two_in_a_row(t):
    for _, who, sender, receiver in both(t):
        say(sender, b"a", (b"1",), (b"2",), b"z").join(5 * SLOW)
        # Both have gone through before the receiver looks; what waits is known by its count.
        wait_for(lambda: unread(receiver) == 4, "four octets")
        same(hear(receiver, 4), b"a12z", [2], f"what the {who} said")


@test("urgent: while nobody reads and every buffer is full, it keeps its place (D38)")
def full(t):
    for gw, who, sender, receiver in both(t):
        data = bytearray()
        sender.setblocking(False)

        def stuffed():
            try:
                piece = noise(MIB, len(data))
                data.extend(piece[:sender.send(piece)])
                return False
            except BlockingIOError:
                return True

        wait_for(lambda: stuffed() and _still(gw), "every buffer on the way to be full", seconds=20)
        sender.setblocking(True)
        sender.settimeout(20 * SLOW)
        say(sender, (b"!",), b"behind it", end=True)
        same(hear(receiver), bytes(data) + b"!behind it", [len(data)], f"what the {who} said")


def _still(gw):
    """Nothing has moved between two looks."""
    ways = ("bytes_to_server", "bytes_to_client")
    one, other = gw.relay(), gw.relay()
    return all(one[way] == other[way] for way in ways)


@test("urgent: both ways at once, each stops for nothing (D38)")
def at_once(t):
    net, gw = small_windows(t)
    client, server = pair(net, TARGET, PORT, net.four.listen(FOUR, PORT))
    up, down = noise(MIB, 20), noise(MIB, 21)
    heard = {}
    threads = []
    for end, name, data in ((client, "client", up), (server, "server", down)):
        inline(end)
        threads.append(say(end, data, (b"!",), data, end=True))
    for end, name in ((client, "client"), (server, "server")):
        threads.append(threading.Thread(target=lambda end=end, name=name: heard.update({name: hear(end)}), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(20 * SLOW)
    same(heard["server"], up + b"!" + up, [MIB], "what the server heard")
    same(heard["client"], down + b"!" + down, [MIB], "what the client heard")
    wait_for(lambda: gw.relay()["sessions_active"] == 0, "the end of the session")


@test("urgent: a RST while one waits is a RST on the other side (D38, D42)")
def then_reset(t):
    for _, who, sender, receiver in both(t):
        say(sender, b"a", (b"!",)).join(5 * SLOW)
        same(hear(receiver, 2), b"a!", [1], f"what the {who} said")
        reset(sender)
        equal(ending(receiver), "rst", f"how it ended when the {who} reset")


if __name__ == "__main__":
    main()
