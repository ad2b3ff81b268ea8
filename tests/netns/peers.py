# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What talks through the gateway: small servers in threads, and unmodified programs."""
import array
import errno
import fcntl
import os
import pathlib
import pty
import random
import select
import selectors
import socket
import struct
import subprocess
import termios
import threading
import time

import namespace
from harness import SLOW, check, equal, wait_for

PIECE = 1 << 16
RESERVED = range(512, 1024)
SIOCATMARK, FIONREAD = 0x8905, 0x541B


# --- servers of the test's own -----------------------------------------------------------


class Banner:
    """Says its name to whoever connects, and who that was; then echoes until the end."""

    def __init__(self, host, address, port, name=None):
        self.name = name or host.name
        self.peers = []
        self.listener = host.listen(address, port)
        self.listener.settimeout(None)
        threading.Thread(target=self._serve, daemon=True).start()
        # Closing a listener does not wake a thread that waits in accept(); shutdown does.
        host.scope.callback(_stop, self.listener)

    def _serve(self):
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            self.peers.append(peer[0].removeprefix("::ffff:"))
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection:
            try:
                connection.sendall(f"{self.name}\n".encode())
                while data := connection.recv(PIECE):
                    connection.sendall(data)
            except OSError:
                pass


def _stop(listener):
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    listener.close()


def banner(host, address, port, **how):
    """The name of whoever answers there; "" if it was closed without a word, "refused" if
    it was reset, "silence" or "unreachable" if there was no connection."""
    try:
        made = host.connect(address, port, **how)
    except (ConnectionRefusedError, ConnectionResetError):
        return "refused"
    except TimeoutError:
        return "silence"
    except OSError:
        return "unreachable"
    try:
        return made.makefile("rb").readline().decode().strip()
    except ConnectionResetError:
        return "refused"
    except TimeoutError:
        return "silence"
    finally:
        made.close()


def accept(listener, seconds=5):
    listener.settimeout(seconds * SLOW)
    made, _ = listener.accept()
    made.settimeout(10 * SLOW)
    return made


def pair(net, prefix_address, port, listener):
    """One relayed connection, both ends in our hands: (client's, server's)."""
    client = net.six.connect(prefix_address, port)
    return client, accept(listener)


def dialled(host, address, port, family=socket.AF_INET6):
    """From a reserved port, as rcmd(3)."""
    for own in reversed(RESERVED):
        made = host.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(("", own))
            made.connect((address, port))
            return made
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
    raise AssertionError("no reserved port")


def urgent_byte(connection):
    """The byte that the peer sent as urgent, once it has come: recv(MSG_OOB) does not wait for it."""
    check(select.select([], [], [connection], 10 * SLOW)[2], "no urgent byte has come")
    return connection.recv(1, socket.MSG_OOB)


def inline(connection):
    """Urgent bytes stay in the stream, and hear() knows them."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)


def hear(connection, limit=None):
    """Until the other side ends, or `limit` octets: what came, and where the urgent bytes were."""
    got, urgent = bytearray(), []
    while limit is None or len(got) < limit:
        # Looked for before the mark is: what comes after this look is not read in this round.
        check(select.select([connection], [], [], 10 * SLOW)[0], f"{len(got)} octets, and then nothing")
        at_mark = at_urgent_mark(connection)
        data = connection.recv(1 if at_mark else PIECE)
        if not data:
            break
        urgent += [len(got)] if at_mark else []
        got += data
    return bytes(got), urgent


def at_urgent_mark(connection):
    return _asked(connection, SIOCATMARK) != 0


def unread(connection):
    """Octets that wait to be received."""
    return _asked(connection, FIONREAD)


def _asked(connection, what):
    answer = array.array("i", [0])
    fcntl.ioctl(connection, what, answer)
    return answer[0]


def read_all(connection, limit=None):
    """Until the other side ends, or `limit` octets."""
    pieces, total = [], 0
    while limit is None or total < limit:
        data = connection.recv(PIECE if limit is None else min(PIECE, limit - total))
        if not data:
            break
        pieces.append(data)
        total += len(data)
    return b"".join(pieces)


def reset(connection):
    """Ends by RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def ending(connection):
    """How the other side ended: "fin" or "rst"."""
    try:
        read_all(connection)
        return "fin"
    except (ConnectionResetError, BrokenPipeError):
        return "rst"


def noise(size, seed):
    """Reproducible, incompressible, and different at every offset."""
    return random.Random(seed).randbytes(size)


def exchange(flows, seconds=30):
    """Moves data over many connections at once. Each flow is (connection, data to send);
    the sender ends its direction when done. Returns what each connection received."""
    deadline = time.monotonic() + seconds * SLOW
    selector = selectors.DefaultSelector()
    state = {}
    for number, (connection, data) in enumerate(flows):
        connection.setblocking(False)
        state[number] = [connection, memoryview(data), bytearray(), False]
        selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, number)
    open_ends = len(state)
    while open_ends:
        left = deadline - time.monotonic()
        received = {n: len(s[2]) for n, s in state.items()}
        check(left > 0, f"the exchange stands still; octets received by each end: {received}")
        for key, ready in selector.select(left):
            one = state[key.data]
            if ready & selectors.EVENT_WRITE and _send_some(one):
                selector.modify(one[0], selectors.EVENT_READ, key.data)
            if ready & selectors.EVENT_READ and _receive_some(one):
                selector.unregister(one[0])
                open_ends -= 1
                if not one[3]:  # still sending: as a writer only
                    selector.register(one[0], selectors.EVENT_WRITE, key.data)
                    open_ends += 1
    selector.close()
    for one in state.values():
        one[0].settimeout(10 * SLOW)
    return [bytes(one[2]) for one in state.values()]


def _send_some(one):
    """True when everything is sent and the direction is ended."""
    connection, data, _, _ = one
    try:
        if data:
            one[1] = data[connection.send(data):]
        if not one[1]:
            connection.shutdown(socket.SHUT_WR)
            one[3] = True
    except BlockingIOError:
        pass
    return one[3]


def _receive_some(one):
    """True at the end of what the other side sends."""
    try:
        data = one[0].recv(1 << 20)
    except BlockingIOError:
        return False
    one[2].extend(data)
    return not data


def both_ways(client, server, up, down):
    """Both directions at once, byte for byte."""
    at_client, at_server = exchange([(client, up), (server, down)])
    equal(at_server, up, "what the server received")
    equal(at_client, down, "what the client received")


# --- unmodified programs -----------------------------------------------------------------


class Program:
    """A server program in a host; ready when it listens, ended by its pid."""

    def __init__(self, host, *argv, port=None, seconds=10):
        self.host, self.what = host, pathlib.Path(str(argv[0])).name
        self.log = host.scope.tmp / f"{self.what}.log"
        with open(self.log, "ab") as log:
            self.process = host.start(*argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        host.scope.callback(self.end)
        if port is not None:
            wait_for(lambda: self._listens(port), f"{self.what} on port {port}", seconds)

    def _listens(self, port):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.what} ended at once: {self.log.read_text(errors='replace').strip()!r}")
        return listens(self.host, port)

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3 * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Terminal:
    """A program on a terminal of its own: what it shows, and what is typed."""

    def __init__(self, host, *argv):
        ours, theirs = pty.openpty()
        settings = termios.tcgetattr(theirs)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, settings)
        self.fd, self.shown, self.read = ours, "", 0
        host.scope.callback(os.close, ours)
        self.process = host.start("setsid", "--ctty", *argv, stdin=theirs, stdout=theirs, stderr=theirs,
                                  env={**os.environ, "TERM": "dumb"})
        os.close(theirs)
        host.scope.callback(self.process.wait)
        host.scope.callback(self.process.kill)
        self.scope = host.scope

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, text):
        """Waits for it, behind all that was waited for before."""

        def seen():
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:  # the program has closed it
                    pass
            return text in self.shown[self.read:]

        try:
            wait_for(seen, f"{text!r} on the terminal", seconds=15)
        finally:
            self.scope.note("terminal: " + repr(self.shown[-500:]))
        self.read = self.shown.index(text, self.read) + len(text)


def listens(host, port):
    """Whether anything in the host listens on a TCP port."""
    with host:
        return any(protocol.startswith("tcp") and at == port for protocol, _, at in namespace.listeners())


def lowered_limit(number):
    """What to put before a program so that it has so few descriptors."""
    return ["prlimit", f"--nofile={number}:{number}"]


def as_nobody():
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def without_bpf():
    """Root without the two capabilities that bpf(2) wants."""
    return ["setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin"]
