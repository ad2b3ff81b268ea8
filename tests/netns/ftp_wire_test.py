#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""FTP line by line, with both ends in our hands: who may open which data connection, and who
tries in vain (D45-D54, R25-R30; V21-V24). Real clients and servers are in ftp_test.py.
"""
import re
import socket
import time

from gateway import PREFIX, newsletter, on
from harness import SLOW, check, contains, equal, main, test, wait_for
from hosts import DUAL4, FOUR, SIX
from peers import accept, banner, both_ways, ending, listens, noise, read_all, urgent_byte

TARGET = on(FOUR)
ELSEWHERE = "192.0.2.9"  # a second address of four
ALSO_DUAL4 = "192.0.2.11"  # one of dual
ALL = "::/0 permit 0.0.0.0/0\n"


class Control:
    """A control connection through the gateway: the client's end and the server's."""

    def __init__(self, t, text="", acl=ALL):
        """`text` goes on in [faith]."""
        self.net, self.gw = newsletter(t)
        self.net.four.ip(f"addr add {ELSEWHERE}/24 dev eth0")
        self.net.dual.ip(f"addr add {ALSO_DUAL4}/24 dev eth1")
        faith = f'[faith]\nprefixes = ["{PREFIX}/96"]\nacl = "{t.write("acl", acl)}"\n'
        self.gw.load("-c", self.gw.config(faith + text))
        self.open(21)

    def open(self, port):
        self.listener = self.net.four.listen(FOUR, port)
        self.client = self.net.six.connect(TARGET, port)
        self.server = accept(self.listener)
        self.from_client, self.from_server = self.server.makefile("rb"), self.client.makefile("rb")
        self.reply("220 ready")
        equal(self.client_hears(), "220 ready", "the greeting")

    def say(self, *lines):
        self.client.sendall("".join(line + "\r\n" for line in lines).encode("latin-1"))

    def reply(self, *lines):
        self.server.sendall("".join(line + "\r\n" for line in lines).encode("latin-1"))

    def client_hears(self):
        return self.from_server.readline().decode("latin-1").rstrip("\r\n")

    def server_hears(self):
        return self.from_client.readline().decode("latin-1").rstrip("\r\n")

    def refused(self, line, code):
        """Answered by the gateway, which keeps the server in step with NOOP (R29)."""
        self.say(line)
        equal(self.server_hears(), "NOOP", f"what the server hears instead of {line}")
        self.reply("200 ok")
        equal(self.client_hears()[:3], code, f"the answer to {line}")

    def passive(self, address=FOUR, command="EPSV"):
        """A data listener of the server's, announced to the client."""
        listener = self.net.four.listen(FOUR, 0)
        port = listener.getsockname()[1]
        self.say(command)
        equal(self.server_hears(), "PASV", f"what the server hears of {command}")
        self.reply(f"227 Entering Passive Mode ({address.replace('.', ',')},{port >> 8},{port & 255})")
        return listener, port

    def active(self, port, command=None):
        """The endpoint that the server is told."""
        command = command or f"EPRT |2|{SIX}|{port}|"
        self.say(command)
        told = re.fullmatch(r"PORT (\d+,\d+,\d+,\d+),(\d+),(\d+)", self.server_hears())
        check(told, f"the server hears no PORT of {command}")
        self.reply("200 PORT command successful.")
        equal(self.client_hears(), f"200 {command[:4]} command successful.", "the answer to " + command)
        return told[1].replace(",", "."), int(told[2]) << 8 | int(told[3])

    def server_dials(self, endpoint, source=FOUR):
        return self.net.four.connect(*endpoint, source=(source, 0))


def lprt(address, port):
    octets = socket.inet_pton(socket.AF_INET6, address)
    return f"LPRT 6,16,{','.join(map(str, octets))},2,{port >> 8},{port & 255}"


def cut_off(dial, *words, **how):
    """Whether a connection is reset, at once or as soon as one looks."""
    try:
        return ending(dial(*words, **how)) == "rst"
    except (ConnectionResetError, ConnectionRefusedError):
        return True


def nobody(listener, what):
    listener.settimeout(0.2 * SLOW)
    try:
        peer = listener.accept()[1]
    except TimeoutError:
        return
    raise AssertionError(f"{what}: {peer[0]} has connected")


@test("ftp: EPSV: data goes to the control peer, not to the address in the 227 (D49, D52, R25, V21)")
def passive(t):
    ftp = Control(t)
    for written in ("Entering Passive Mode (192,0,2,9,{},{})", "Entering Passive Mode 192,0,2,9,{},{}", "=192,0,2,9,{},{}"):
        listener = ftp.net.four.listen("0.0.0.0", 0)
        port = listener.getsockname()[1]
        ftp.say("EPSV")
        equal(ftp.server_hears(), "PASV", "what the server hears")
        ftp.reply("227 " + written.format(port >> 8, port & 255))
        equal(ftp.client_hears(), f"229 Entering Extended Passive Mode (|||{port}|)", "the client's answer")
        with ftp.gw.counts(FTP_DATA=1, CONNECTED=1):
            client = ftp.net.six.connect(TARGET, port)
            server = accept(listener)
        equal((server.getpeername()[0], server.getsockname()[0]), (DUAL4, FOUR), "the data connection's ends")
        both_ways(client, server, noise(3 << 20, 1), noise(3 << 20, 2))
        client.close()
        server.close()
    check(ftp.gw.relay()["bytes_spliced"] > 0, "nothing was spliced")


@test("ftp: LPSV, and a PWD between EPSV and its answer, and between that and the data (D46, V21)")
def passive_others(t):
    ftp = Control(t)
    listener, port = ftp.passive(command="LPSV")
    octets = ",".join(map(str, socket.inet_pton(socket.AF_INET6, TARGET)))
    equal(ftp.client_hears(), f"228 Entering Long Passive Mode (6,16,{octets},2,{port >> 8},{port & 255})", "the answer")
    client = ftp.net.six.connect(TARGET, port)
    equal(accept(listener).getpeername()[0], DUAL4, "the peer of the data connection")
    client.close()

    listener = ftp.net.four.listen(FOUR, 0)
    port = listener.getsockname()[1]
    ftp.say("EPSV", "PWD")
    equal((ftp.server_hears(), ftp.server_hears()), ("PASV", "PWD"), "what the server hears")
    ftp.reply(f"227 (1,2,3,4,{port >> 8},{port & 255})", '257 "/"')
    equal((ftp.client_hears()[:3], ftp.client_hears()), ("229", '257 "/"'), "the answers")
    ftp.say("PWD")
    equal(ftp.server_hears(), "PWD", "what the server hears")
    ftp.reply('257 "/"')
    equal(ftp.client_hears(), '257 "/"', "the answer")
    with ftp.gw.counts(FTP_DATA=1):
        ftp.net.six.connect(TARGET, port)
        accept(listener)


@test("ftp: a passive port is the client's alone, and once (D52, V23)")
def passive_strangers(t):
    ftp = Control(t)
    seven = ftp.net.client("seven", "eth2", "2001:db8:7::")
    listener, port = ftp.passive()
    ftp.client_hears()
    with ftp.gw.counts(FTP_STRANGER=1, FTP_DATA=0, CONNECTED=0):
        check(cut_off(seven.connect, TARGET, port), "a stranger's connection goes on")
    nobody(listener, "a stranger at the server's data port")
    client = ftp.net.six.connect(TARGET, port)
    server = accept(listener)
    with ftp.gw.counts(FTP_STRANGER=2):
        check(cut_off(ftp.net.six.connect, TARGET, port), "the client's second connection goes on")
        check(cut_off(seven.connect, TARGET, port), "a stranger's connection goes on while data flows")
    nobody(listener, "a second connection at the server's data port")
    both_ways(client, server, b"up", b"down")
    # Nothing is left of it: the port is a port like any other again.
    wait_for(lambda: ftp.gw.relay()["sessions_active"] == 1, "the end of the data session")
    with ftp.gw.counts(FTP_STRANGER=0, FTP_DATA=0, CONNECTED=1):
        seven.connect(TARGET, port)
        accept(listener)


@test("ftp: EPRT and LPRT: the server's connection reaches the client from the prefix, port 20 (D51, F20)")
def active(t):
    ftp = Control(t)
    listener = ftp.net.six.listen(SIX, 0)
    port = listener.getsockname()[1]
    for command in (f"EPRT |2|{SIX}|{port}|", f"EPRT !2!2001:DB8:6:0:0:0:0:2!{port}!", lprt(SIX, port)):
        endpoint = ftp.active(port, command)
        equal(endpoint[0], DUAL4, "the address that the server is told")
        with ftp.gw.counts(FTP_DATA=1, CONNECTED=1):
            server = ftp.server_dials(endpoint)
            client = accept(listener)
        equal(client.getpeername()[:2], (TARGET, 20), "where the client sees it come from")
        equal(client.getsockname()[0], SIX, "where the client sees it go to")
        both_ways(client, server, noise(3 << 20, 3), noise(3 << 20, 4))
        client.close()
        server.close()
        try:
            ftp.server_dials(endpoint)
            raise AssertionError("the server could connect a second time")
        except ConnectionRefusedError:
            pass


@test("ftp: active data of another host than the server is reset, the server's still comes (D52, V23)")
def active_strangers(t):
    ftp = Control(t)
    listener = ftp.net.six.listen(SIX, 0)
    endpoint = ftp.active(listener.getsockname()[1])
    with ftp.gw.counts(FTP_STRANGER=1, FTP_DATA=0):
        check(cut_off(ftp.server_dials, endpoint, source=ELSEWHERE), "another host's connection goes on")
    nobody(listener, "another host at the client")
    server = ftp.server_dials(endpoint)
    both_ways(accept(listener), server, b"up", b"down")


@test("ftp: EPRT and LPRT of another host, of a service, and of nonsense are refused (D52, R30, V23)")
def bounce(t):
    ftp = Control(t)
    seven = ftp.net.client("seven", "eth2", "2001:db8:7::")
    victim = seven.listen("::", 2222)
    with ftp.gw.counts(CONNECTED=0, FTP_DATA=0):
        for line, code in (("EPRT |2|2001:db8:7::2|2222|", "501"), (lprt("2001:db8:7::2", 2222), "501"),
                           (f"EPRT |2|{TARGET}|2222|", "501"), ("EPRT |2|::1|2222|", "501"),
                           (f"EPRT |2|{SIX}|514|", "504"), ("EPRT |2|six|2222|", "501"), ("EPRT", "501"),
                           (f"EPRT |9|{SIX}|2222|", "522"), ("LPRT 4,4,192,0,2,9,2,8,174", "521")):
            ftp.refused(line, code)
    nobody(victim, "somebody else than the client")
    check(not ftp.net.dual.run("ss", "-H", "-4", "-l", "-n", "-t").strip(), "the gateway listens on IPv4")


@test("ftp: the rules decide about data ports: 425 (D52)")
def rules(t):
    ftp = Control(t, acl="::/0 permit 0.0.0.0/0 port 21\n")
    with ftp.gw.counts(ACL_NO_MATCH=2):
        listener, _ = ftp.passive()
        equal(ftp.client_hears()[:3], "425", "the answer to EPSV")
        ftp.refused(f"EPRT |2|{SIX}|5282|", "425")
    nobody(listener, "what no rule permits")


@test("ftp: data comes from the control connection's IPv4 address, whatever the rules say now (D52)")
def one_source(t):
    ftp = Control(t, acl=f"::/0 permit 0.0.0.0/0 {ALSO_DUAL4} port 21\n" + ALL)
    equal(ftp.server.getpeername()[0], ALSO_DUAL4, "the control connection's source")
    listener, port = ftp.passive()
    ftp.client_hears()
    ftp.net.six.connect(TARGET, port)
    equal(accept(listener).getpeername()[0], ALSO_DUAL4, "the data connection's source")
    equal(ftp.active(5282)[0], ALSO_DUAL4, "the address that the server is told")


@test("ftp: a byte at a time, and a dozen commands in one segment (D45, V22)")
def segments(t):
    ftp = Control(t)
    for byte in b"EPSV\r\n":
        ftp.client.sendall(bytes([byte]))
    equal(ftp.server_hears(), "PASV", "what the server hears")
    for byte in b"227 (1,2,3,4,5,6)\r\n":
        ftp.server.sendall(bytes([byte]))
    equal(ftp.client_hears(), "229 Entering Extended Passive Mode (|||1286|)", "the answer")
    ftp.say("EPSV 1", "SYST", "EPSV ALL", "ALGS STATUS64", "EPSV", "TYPE I")
    equal([ftp.server_hears() for _ in range(6)], ["NOOP", "SYST", "NOOP", "NOOP", "PASV", "TYPE I"], "the server")
    ftp.reply("200 ok", "215 UNIX", "200 ok", "200 ok", "227 (1,2,3,4,5,7)", "200 binary")
    equal([ftp.client_hears()[:8] for _ in range(6)],
          ["522 Netw", "215 UNIX", "504 Comm", "216 EPSV", "229 Ente", "200 bina"], "the client")


@test("ftp: PASV and PORT go through unchanged; with \"faithd\" they are refused; alg = \"none\" sees nothing (D48, R26)")
def dialects(t):
    ftp = Control(t, '[[service]]\nport = 2121\nalg = "ftp"\nalg_ftp = "faithd"\n[[service]]\nport = 2122\nalg = "none"\n')
    for line, answer in (("PASV", "227 Entering Passive Mode (192,0,2,2,5,6)"), ("PORT 192,0,2,9,5,6", "500 no")):
        ftp.say(line)
        equal(ftp.server_hears(), line, "what the server hears")
        ftp.reply(answer)
        equal(ftp.client_hears(), answer, "what the client hears")
    ftp.client.close()
    ftp.open(2122)
    ftp.say("EPSV")
    equal(ftp.server_hears(), "EPSV", "what the server hears where nothing is translated")
    ftp.client.close()
    ftp.open(2121)
    ftp.refused("PASV", "502")
    ftp.refused("PORT 192,0,2,9,5,6", "502")
    ftp.refused("EPSV ALL", "200")
    ftp.refused("LPSV", "501")


@test("ftp: ABOR with the urgent byte and Telnet's synch reaches the server, options do not (R28, D53)")
def abort(t):
    ftp = Control(t)
    ftp.say("RETR big")
    equal(ftp.server_hears(), "RETR big", "what the server hears")
    ftp.reply("150 here it comes")
    equal(ftp.client_hears()[:3], "150", "the answer")
    ftp.client.sendall(b"\xff\xfd\x03\xff\xf4")
    ftp.client.send(b"\xff")
    ftp.client.send(b"\xf2", socket.MSG_OOB)
    ftp.say("ABOR")
    equal(ftp.from_server.read(3), b"\xff\xfc\x03", "the refusal of an option")
    equal(urgent_byte(ftp.server), b"\xf2", "the urgent byte at the server")
    equal(ftp.server_hears().encode("latin-1"), b"\xff\xf4\xffABOR", "what the server hears besides")
    ftp.reply("426 aborted", "226 ABOR ok")
    equal((ftp.client_hears(), ftp.client_hears()), ("426 aborted", "226 ABOR ok"), "the answers")


@test("ftp: after AUTH nothing is looked at, unless the server refused it (R28, V24)")
def auth(t):
    ftp = Control(t)
    ftp.say("AUTH GSSAPI", "EPSV 1")
    equal(ftp.server_hears(), "AUTH GSSAPI", "what the server hears")
    ftp.reply("504 no")
    equal((ftp.client_hears(), ftp.server_hears()), ("504 no", "NOOP"), "after a refusal")
    ftp.reply("200 ok")
    equal(ftp.client_hears()[:3], "522", "the answer to EPSV 1")
    ftp.say("AUTH TLS")
    ftp.server_hears()
    ftp.reply("234 go")
    ftp.client_hears()
    both_ways(ftp.client, ftp.server, noise(100_000, 5), noise(100_000, 6))


@test("ftp: the control connection is not idle while data flows (R29, D54)")
def idle(t):
    limit = max(1.5, 0.4 * SLOW)  # between two steps a machine may pause
    ftp = Control(t, f'[[service]]\nport = "ftp"\nidle_timeout = "{int(limit * 1000)}ms"\n')
    listener, port = ftp.passive()
    ftp.client_hears()
    client = ftp.net.six.connect(TARGET, port)
    server = accept(listener)
    for _ in range(8):
        time.sleep(limit / 5)
        server.sendall(b"x")
        equal(client.recv(1), b"x", "data")
    ftp.say("NOOP")
    equal(ftp.server_hears(), "NOOP", "what the server hears after the idle timeout")
    with ftp.gw.counts(IDLE_TIMEOUT=1):
        server.close()
        equal(read_all(client), b"", "the end of the data")
        client.close()
        equal(ending(ftp.client), "rst", "the end of a control connection that is idle")


@test("ftp: a data connection is awaited for data_timeout (R29, D52)")
def data_timeout(t):
    ftp = Control(t, '[[service]]\nport = "ftp"\ndata_timeout = "300ms"\n')
    _, port = ftp.active(ftp.net.six.listen(SIX, 0).getsockname()[1])
    # Not by connecting: that would be the data connection.
    wait_for(lambda: not listens(ftp.net.dual, port), "the listener to go away")
    ftp.say("NOOP")
    equal(ftp.server_hears(), "NOOP", "what the server hears afterwards")


@test("ftp: with some ports captured only, a passive port is let in once it was told, and no other")
def some_ports(t):
    ftp = Control(t, 'ports = ["ftp"]\n')
    listener = ftp.net.six.listen(SIX, 0)
    server = ftp.server_dials(ftp.active(listener.getsockname()[1]))
    both_ways(accept(listener), server, b"up", b"down")
    data = ftp.net.four.listen(FOUR, 50000)
    for port in (50000, 50001):
        equal(banner(ftp.net.six, TARGET, port), "refused", f"port {port} before anybody was told of it")
    ftp.say("EPSV")
    ftp.server_hears()
    ftp.reply("227 (192,0,2,2,195,80)")
    contains(ftp.client_hears(), "|||50000|", "the answer")
    equal(banner(ftp.net.six, TARGET, 50001), "refused", "the port beside it")
    ftp.net.six.connect(TARGET, 50000)
    accept(data)


if __name__ == "__main__":
    main()
