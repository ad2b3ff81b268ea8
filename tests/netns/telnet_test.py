#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Telnet of inetutils on a terminal in six, with telnetd started by inetd in four: interrupt and
Synch, the urgent byte that Telnet was given (RFC 854; D38, D39).
"""
import contextlib
import os
import pathlib
import signal
import socket
import struct
import threading

from gateway import newsletter, on
from harness import check, equal, main, test, wait_for
from hosts import FOUR, executable
from peers import Program, Terminal
from wire import ETH_P_ALL, TCP

PREFIX = "64:ff9b::"
TARGET = on(FOUR, PREFIX)
PROGRAMS = pathlib.Path("/usr/local/lib/faith-gw-tests")
TELNET = PROGRAMS / "inetutils-telnet/usr/bin/inetutils-telnet"
TELNETD = PROGRAMS / "inetutils-telnetd/usr/sbin/telnetd"
INETD = PROGRAMS / "inetutils-inetd/usr/sbin/inetutils-inetd"
NEEDS = tuple(map(str, (TELNET, TELNETD, INETD)))
URG, SO_RCVBUFFORCE = 0x20, 33
SYNCH = b"\xff\xf2"  # IAC and Data Mark; inetutils sends the first one as urgent
ESCAPE, PROMPT = "\x1d", "telnet> "


class Segments:
    """What a host's eth0 carries to port 23 (True) and from it (False), and where its urgent octets are."""

    def __init__(self, host):
        self.octets = {True: bytearray(), False: bytearray()}
        self.marks = {True: [], False: []}
        self.next = {}  # by both ports, the sequence number that is new
        self.wire = host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        self.wire.bind(("eth0", ETH_P_ALL))
        self.wire.settimeout(None)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        with contextlib.suppress(OSError):
            while True:
                self._look(self.wire.recv(65536))

    def _look(self, frame):
        kind, packet = frame[12:14], frame[14:]
        if kind == b"\x86\xdd" and packet[6] == TCP:
            segment = packet[40:40 + int.from_bytes(packet[4:6])]
        elif kind == b"\x08\x00" and packet[9] == TCP:
            segment = packet[(packet[0] & 15) * 4:int.from_bytes(packet[2:4])]
        else:
            return
        source, target, seq, _, head, flags, _, _, pointer = struct.unpack("!HHIIBBHHH", segment[:20])
        data = segment[(head >> 4) * 4:]
        if 23 in (source, target):
            to_server = target == 23
            # Of what is sent again, only what is new: a slow machine repeats without a loss.
            seen = (self.next.get((source, target), seq) - seq) & 0xFFFFFFFF
            seen = seen if seen < 1 << 31 else 0
            data, pointer = data[seen:], pointer - seen
            if not data:
                return
            self.next[source, target] = (seq + seen + len(data)) & 0xFFFFFFFF
            if flags & URG and 0 < pointer <= len(data):
                self.marks[to_server].append(len(self.octets[to_server]) + pointer - 1)
            self.octets[to_server] += data

    def urgent(self, to_server):
        """The urgent octets of one direction, each with the one behind it."""
        return [bytes(self.octets[to_server][at:at + 2]) for at in self.marks[to_server]]

    def said(self, to_server):
        return bytes(self.octets[to_server])


SESSION = """#!/bin/sh
trap 'echo interrupted' INT
trap 'echo lost' USR1
trap '/usr/bin/python3 -c "import termios; termios.tcflush(1, termios.TCOFLUSH)"; echo kept' USR2
stty -echo
echo ready
while :; do
    while read line; do
        case "$line" in
        flood) yes flood ;;
        *) echo "got <$line>" ;;
        esac
    done
done
"""


def session(t):
    """(host four, terminal in six, what both ends' wires carry), logged in."""
    net, gw = newsletter(t)
    net.small_windows()
    gw.load(prefix=PREFIX + "/96")
    program = t.write("session", SESSION)
    os.chmod(program, 0o755)
    conf = t.write("inetd.conf", f"{FOUR}:telnet stream tcp4 nowait root {TELNETD} telnetd -h -E {program}\n")
    Program(net.four, INETD, "-d", "-p", t.tmp / "inetd.pid", conf, port=23)
    wires = {host.name: Segments(host) for host in (net.four, net.six)}
    terminal = Terminal(net.six, TELNET, "-6", TARGET)
    terminal.until("ready")
    terminal.type("hello\n")
    terminal.until("got <hello>")
    equal([one for wire in wires.values() for way in (True, False) for one in wire.urgent(way)], [], "urgent octets")
    return net, terminal, wires


def command(terminal, *words):
    """Each at the prompt of the client."""
    for one in words:
        terminal.type(ESCAPE)
        terminal.until(PROMPT)
        terminal.type(one + "\n")


@test("telnet: an interrupt and its Synch, and the server's Synch in answer (D38)", needs=NEEDS)
def interrupt(t):
    _, terminal, wires = session(t)
    command(terminal, "send ip", "send synch")
    terminal.until("interrupted")
    for to_server, who in ((True, "client"), (False, "server")):
        for host in ("six", "four"):
            wait_for(lambda host=host, to_server=to_server: wires[host].urgent(to_server) == [SYNCH],
                     f"one Synch of the {who} on the wire of {host}")
    terminal.type("and on\n")
    terminal.until("got <and on>")


@test("telnet: a client that hangs discards what the server said before its Synch, and only that (D38, D39)", needs=NEEDS)
def discard(t):
    net, terminal, wires = session(t)
    (shell,) = [pid for pid in net.four.pids() if b"session" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                and executable(pid) != str(TELNETD)]
    os.kill(terminal.process.pid, signal.SIGSTOP)
    os.kill(shell, signal.SIGUSR1)
    wait_for(lambda: b"lost\r\n" in wires["six"].said(False), "what the server said first to arrive")
    os.kill(shell, signal.SIGUSR2)  # it flushes its terminal, and telnetd says so
    wait_for(lambda: b"kept\r\n" in wires["six"].said(False), "all that the server said to arrive", seconds=15)
    equal(wires["six"].urgent(False), [SYNCH], "urgent octets at the client")
    os.kill(terminal.process.pid, signal.SIGCONT)
    terminal.until("kept")
    check("lost" not in terminal.shown, "the client showed what it should have discarded")


@test("telnet: output aborted in the middle of a flood; the server's Synch comes as one (D38)", needs=NEEDS)
def abort_output(t):
    _, terminal, wires = session(t)
    terminal.type("flood\n")
    terminal.until("flood\r\nflood\r\nflood")
    command(terminal, "send ao", "send ip")
    terminal.until("interrupted")
    for host in ("four", "six"):
        wait_for(lambda host=host: SYNCH in wires[host].urgent(False), f"the server's Synch on the wire of {host}",
                 seconds=20)
    terminal.type("and on\n")
    terminal.until("got <and on>")


if __name__ == "__main__":
    main()
