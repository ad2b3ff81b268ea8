#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""rsh and rlogin: refused unless a [[service]] turns them on, and then with the second
connection for standard error, which is nobody else's (D57, D58, D59).
"""
import pathlib
import select
import signal
import socket
import time

import namespace
from gateway import PREFIX, newsletter, on
from harness import SLOW, check, contains, equal, main, test, wait_for
from hosts import DUAL4, FOUR, SIX
from peers import RESERVED, Program, Terminal, accept, banner, dialled, ending, noise, read_all, reset

TARGET = on(FOUR)
LOGIN, SHELL = 513, 514
STDERR = 1000  # the client's port for it
WORDS = b"me\0you\0echo hello\0"

PROGRAMS = pathlib.Path("/usr/local/lib/faith-gw-tests")
RSH = PROGRAMS / "rsh-client/usr/bin/netkit-rsh"
RLOGIN = PROGRAMS / "rsh-client/usr/bin/netkit-rlogin"
RSHD = PROGRAMS / "rsh-server/usr/sbin/in.rshd"
RLOGIND = PROGRAMS / "rsh-server/usr/sbin/in.rlogind"
INETD = PROGRAMS / "inetutils-inetd/usr/sbin/inetutils-inetd"

ON = """
[[service]]
port = "shell"
alg = "rsh"
[[service]]
port = "login"
alg = "rlogin"
"""


def gateway(t, more="", services=ON):
    net, gw = newsletter(t)
    done = gw.load("-c", gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\n{services}{more}'))
    return net, gw, done


def attempt(connect):
    """How a connection ends: "refused", "rst" or "fin"."""
    try:
        return ending(connect())
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:  # before connect() has returned
        return "rst"


class Rsh:
    """An rsh connection that has got as far as the server knowing where standard error goes."""

    def __init__(self, net, announce=STDERR):
        self.net = net
        self.listener = net.four.listen(FOUR, SHELL)
        self.stderr_listener = net.six.listen(SIX, announce)
        self.client = dialled(net.six, TARGET, SHELL)
        self.client.sendall(b"%d\0" % announce + WORDS)
        self.server = accept(self.listener)
        self.port = int(self._word())
        equal(read_all(self.server, len(WORDS)), WORDS, "what the server hears behind the port")

    def _word(self):
        word = b""
        while not word.endswith(b"\0"):
            word += self.server.recv(1)
        return word[:-1]

    def stderr(self):
        """The second connection, both ends: (client's, server's)."""
        server = dialled(self.net.four, DUAL4, self.port, socket.AF_INET)
        return accept(self.stderr_listener), server


# --- off and on -------------------------------------------------------------------------------


@test("rsh: rlogin and rsh are refused unless a [[service]] turns them on (D59)")
def off(t):
    net, gw, _ = gateway(t, services='[[service]]\nport = "shell"\nidle_timeout = "1h"\n')
    listeners = [net.four.listen(FOUR, port) for port in (LOGIN, SHELL)]
    with gw.counts(REMOTE_SHELL_OFF=2, ACL_PERMIT=0):
        for port in (LOGIN, SHELL):
            equal(banner(net.six, TARGET, port), "refused", f"what a client of port {port} hears")
    equal(select.select(listeners, [], [], 0)[0], [], "connections at the servers")


@test("rsh: turned on they are warned of, and `none` relays them as any port (D59)")
def on_with_a_warning(t):
    net, gw, done = gateway(t)
    for port in (SHELL, LOGIN):
        contains(done.out + done.err, f"port {port}", "what load says")
    contains(done.out + done.err, "RFC 3142", "what load says")
    gw.unload()
    gw.load("-c", gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\n[[service]]\nport = 513\nalg = "none"\n'))
    listener = net.four.listen(FOUR, LOGIN)
    client = net.six.connect(TARGET, LOGIN)
    server = accept(listener)
    client.sendall(b"anything")
    equal(server.recv(64), b"anything", "what the server hears")
    check(server.getpeername()[1] not in RESERVED, "a plain relay has a reserved port")


@test("rsh: a client on a port that any user can have is refused, for the server would not know (D58)")
def client_port(t):
    net, gw, _ = gateway(t)
    for port in (SHELL, LOGIN):
        net.four.listen(FOUR, port)
    with gw.counts(RSH_CLIENT_PORT=2, ACL_PERMIT=0):
        for port in (SHELL, LOGIN):
            equal(banner(net.six, TARGET, port), "refused", f"what a client of port {port} hears")


@test("rsh: rlogin goes from a reserved port to the server, and is a session like any other (D57)")
def rlogin_by_hand(t):
    net, gw, _ = gateway(t)
    listener = net.four.listen(FOUR, LOGIN)
    client = dialled(net.six, TARGET, LOGIN)
    server = accept(listener)
    check(server.getpeername()[1] in RESERVED, f"the server sees port {server.getpeername()[1]}")
    up, down = noise(1 << 20, 1), noise(1 << 20, 2)
    for sender, receiver, data in ((client, server, up), (server, client, down)):
        sender.sendall(data[:1 << 16])
        equal(read_all(receiver, 1 << 16), data[:1 << 16], "what arrives")
    client.shutdown(socket.SHUT_WR)
    equal(server.recv(1), b"", "the end")


# --- the second connection ----------------------------------------------------------------------


@test("rsh: standard error goes to the port the client announced, from reserved ports on either side (D58)")
def second_connection(t):
    net, gw, _ = gateway(t)
    with gw.counts(RSH_STDERR=1, RSH_STRANGER=0, CONNECTED=2):
        rsh = Rsh(net)
        check(rsh.port in RESERVED, f"the server is told port {rsh.port}")
        check(rsh.server.getpeername()[1] in RESERVED, "the connection to the server is not from a reserved port")
        client, server = rsh.stderr()
        equal(client.getpeername()[0], TARGET, "where standard error comes from")
        check(client.getpeername()[1] in RESERVED, f"it comes from port {client.getpeername()[1]}")
        server.sendall(b"no such file\n")
        equal(client.recv(64), b"no such file\n", "standard error")
        client.sendall(bytes([signal.SIGINT]))  # signals go the other way
        equal(server.recv(64), bytes([signal.SIGINT]), "a signal")
        rsh.client.sendall(b"input")
        rsh.client.shutdown(socket.SHUT_WR)
        equal(read_all(rsh.server), b"input", "standard input, to its end")
        rsh.server.sendall(b"\0output")
        rsh.server.close()
        equal(read_all(rsh.client), b"\0output", "standard output, to its end")
        # Each ends by itself: what is said last on one is not cut off by the end of the other.
        server.sendall(b"the end")
        server.close()
        equal(read_all(client), b"the end", "standard error, to its end")
        client.close()
    wait_for(lambda: gw.relay()["sessions_active"] == 0, "the end of both sessions")
    equal(listening(net), [], "reserved ports where the gateway listens")


def listening(net):
    with net.dual:
        return [port for _, _, port in namespace.listeners() if port in RESERVED]


@test("rsh: without a port for standard error it is relayed as it is (D58)")
def no_second_connection(t):
    net, gw, _ = gateway(t)
    listener = net.four.listen(FOUR, SHELL)
    for nothing in (b"\0", b"0\0"):
        with gw.counts(RSH_HANGUP=0, CONNECTED=1):
            client = dialled(net.six, TARGET, SHELL)
            client.sendall(nothing + WORDS)
            server = accept(listener)
            equal(read_all(server, len(nothing + WORDS)), nothing + WORDS, "what the server hears")
            client.sendall(b"1000\0")
            equal(read_all(server, 5), b"1000\0", "what is no port any more")
            equal(listening(net), [], "ports where the gateway listens")


@test("rsh: octet by octet, and 1 MiB of input right behind the command: nothing is lost (D58)")
def in_pieces(t):
    net, gw, _ = gateway(t)
    listener = net.four.listen(FOUR, SHELL)
    net.six.listen(SIX, STDERR)
    client = dialled(net.six, TARGET, SHELL)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = accept(listener)
    for octet in b"1000\0":
        client.sendall(bytes([octet]))
    told = b""
    while not told.endswith(b"\0"):
        told += server.recv(1)
    data = noise(1 << 20, 3)
    client.sendall(WORDS + data[:1 << 16])
    equal(read_all(server, len(WORDS) + (1 << 16)), WORDS + data[:1 << 16], "what the server hears")


@test("rsh: the second connection is the server's alone, once, and from a reserved port (D58)")
def strangers(t):
    net, gw, _ = gateway(t)
    net.four.ip("addr add 192.0.2.66/24 dev eth0")
    rsh = Rsh(net)

    def other(source):
        """How a connection from there ends."""
        made = net.four.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(source)
        return attempt(lambda: made.connect((DUAL4, rsh.port)) or made)

    with gw.counts(RSH_STRANGER=2, RSH_STDERR=0):
        equal(other(("192.0.2.66", 999)), "rst", "how a foreign host ends")
        equal(other((FOUR, 0)), "rst", "how any user of the server ends")
    equal(select.select([rsh.stderr_listener], [], [], 0)[0], [], "connections at the client")
    with gw.counts(RSH_STDERR=1):
        rsh.stderr()
    equal(other((FOUR, 997)), "refused", "how a second one ends")


@test("rsh: nobody is awaited longer than data_timeout (D58)")
def too_late(t):
    net, gw, _ = gateway(t, services=ON.replace('alg = "rsh"', 'alg = "rsh"\ndata_timeout = "300ms"'))
    rsh = Rsh(net)
    wait_for(lambda: listening(net) == [], "the end of the wait")
    rsh.server.sendall(b"\0")
    equal(rsh.client.recv(1), b"\0", "the first connection goes on")


@test("rsh: the wait ends with the connection (D58)")
def client_gone(t):
    net, gw, _ = gateway(t)
    rsh = Rsh(net)
    equal(listening(net), [rsh.port], "where the gateway listens")
    reset(rsh.client)
    equal(ending(rsh.server), "rst", "how it ends for the server")
    wait_for(lambda: listening(net) == [], "the end of the wait")


@test("rsh: a client that does not listen where it said: the server is reset there, and goes on (D58)")
def no_client(t):
    net, gw, _ = gateway(t)
    rsh = Rsh(net)
    rsh.stderr_listener.close()
    with gw.counts(RSH_NO_CLIENT=1):
        equal(attempt(lambda: dialled(net.four, DUAL4, rsh.port, socket.AF_INET)), "rst", "how the second one ends")
    rsh.server.sendall(b"\0")
    equal(rsh.client.recv(1), b"\0", "the first connection goes on")


@test("rsh: a beginning that makes no sense is a reset, and the server has heard nothing (D58)")
def nonsense(t):
    net, gw, _ = gateway(t)
    listener = net.four.listen(FOUR, SHELL)
    for words in (b"GET / HTTP/1.0\r\n\r\n", b"1024\0" + WORDS, b"22\0" + WORDS, b"100000\0"):
        with gw.counts(RSH_HANGUP=1):
            client = dialled(net.six, TARGET, SHELL)
            client.sendall(words)
            equal(ending(client), "rst", f"how it ends for the client that says {words!r}")
        server = accept(listener)
        try:
            equal(server.recv(64), b"", "what the server hears")
        except ConnectionResetError:
            pass
    equal(listening(net), [], "ports where the gateway listens")


@test("rsh: the two connections are idle together or not at all (D43, D58)")
def idle(t):
    limit = max(2.0, 0.7 * SLOW)  # a machine may pause between two ticks
    net, gw, _ = gateway(t, services=ON.replace('alg = "rsh"', f'alg = "rsh"\nidle_timeout = "{int(limit * 1000)}ms"'))
    with gw.counts(IDLE_TIMEOUT=2):
        rsh = Rsh(net)
        client, server = rsh.stderr()
        for speaker, hearer, silent in ((rsh.server, rsh.client, client), (server, client, rsh.client)):
            end = time.monotonic() + 1.5 * limit
            while time.monotonic() < end:
                speaker.sendall(b"tick")
                equal(hearer.recv(64), b"tick", "a tick")
                # Waits for an end that must not come: a pace, and a check at once.
                check(not select.select([silent], [], [], limit / 8)[0], "the silent one ended in spite of the other's traffic")
        for one in (client, rsh.client, server, rsh.server):
            equal(ending(one), "rst", "how it ends when both are silent")


# --- real programs ------------------------------------------------------------------------------


PAM = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"


def servers(t, net):
    """inetd with rshd and rlogind. They want to know the gateway by name; whom they believe is
    PAM's matter, and is everybody here. Root's shell is the plain one, in a home without the
    machine's start-up files, which may start fifty programs before the first command."""
    pam = t.tmp / "pam.d"
    pam.mkdir()
    for name in ("rsh", "rlogin", "login", "other"):
        (pam / name).write_text(PAM)
    conf = t.write("inetd.conf", f"{FOUR}:shell stream tcp4 nowait root {RSHD} in.rshd\n"
                                 f"{FOUR}:login stream tcp4 nowait root {RLOGIND} in.rlogind\n")
    passwd = t.write("passwd", f"root:x:0:0::{t.tmp}:/bin/sh\n")
    hosts = t.write("hosts", f"{FOUR} four\n{DUAL4} gateway\n")
    ours = f'mount --bind {pam} /etc/pam.d && mount --bind {hosts} /etc/hosts && mount --bind {passwd} /etc/passwd && exec "$@"'
    Program(net.four, "unshare", "-m", "sh", "-c", ours, "sh", INETD, "-d", "-p", t.tmp / "inetd.pid", conf,
            port=LOGIN)  # the last that inetd opens


def rsh(net, *words, rc=0, **how):
    """What the command says: (standard output, standard error)."""
    done = net.six.done(RSH, *words, **how)
    equal(done.returncode, rc, f"how rsh ended; it said {done.stderr!r}")
    return done.stdout, done.stderr


@test("rsh: netkit's rsh and rshd: input, output and standard error (D58)",
      needs=(str(RSH), str(RSHD), str(INETD)))
def real_rsh(t):
    net, gw, _ = gateway(t)
    servers(t, net)
    with gw.counts(RSH_STDERR=1, RSH_STRANGER=0, RSH_HANGUP=0):
        out, err = rsh(net, "-l", "root", TARGET, "echo out; echo err >&2; cat", input=b"in\n")
    equal((out, err), (b"out\nin\n", b"err\n"), "what rsh shows")
    data = noise(4 << 20, 4)
    with gw.counts(RSH_STDERR=1):
        out, err = rsh(net, "-l", "root", TARGET, "cat; echo done >&2", input=data)
    equal(out, data, "4 MiB there and back")
    equal(err, b"done\n", "standard error")
    wait_for(lambda: gw.relay()["sessions_active"] == 0, "the end of every session")


@test("rsh: ^C at netkit's rsh reaches the command by the second connection (D58)",
      needs=(str(RSH), str(RSHD), str(INETD)))
def real_interrupt(t):
    net, gw, _ = gateway(t)
    servers(t, net)
    # The child is there before the signal: one that is just being made would swallow it. Its sleep
    # is what the signal ends; the test waits for the command's words, never for time to pass.
    command = "trap 'echo caught; kill $!; exit' INT; sleep 1000 & echo ready; wait"
    process = net.six.start(RSH, "-l", "root", TARGET, command, stdin=-1, stdout=-1)
    t.callback(process.kill)
    equal(process.stdout.readline(), b"ready\n", "the command's first line")
    process.send_signal(signal.SIGINT)
    equal(process.stdout.readline(), b"caught\n", "what the command says of the signal")
    process.stdin.close()
    process.wait(10 * SLOW)
    wait_for(lambda: gw.relay()["sessions_active"] == 0, "the end of every session")


@test("rsh: netkit's rlogin and rlogind (D57)", needs=(str(RLOGIN), str(RLOGIND), str(INETD)))
def real_rlogin(t):
    net, gw, _ = gateway(t)
    servers(t, net)
    with gw.counts(ACL_PERMIT=1, RSH_CLIENT_PORT=0):
        terminal = Terminal(net.six, RLOGIN, "-l", "root", TARGET)
        terminal.until("# ")
        terminal.type("echo $((6 * 7)) is it\n")
        terminal.until("42 is it")
        terminal.type("exit\n")
        terminal.until("closed")


if __name__ == "__main__":
    main()
