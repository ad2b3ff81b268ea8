#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""inetd mode: openbsd-inetd, xinetd and systemd's socket activation accept, and start the binary
with the connection (D1, D12, D15, D60-D62; V46). They are captured as any program is.
"""
import contextlib
import pathlib
import socket

from gateway import BINARY, PREFIX, more, newsletter, on
from harness import SLOW, check, contains, equal, main, test, wait_for
from hosts import DUAL4, DUAL6, FOUR, SIX, executable
from peers import Banner, Program, accept, banner, both_ways, ending, noise, read_all

FAITHD = str(pathlib.Path(BINARY).parent / "faithd")
TARGET = on(FOUR)
PORT = 2121
PROGRAMS = pathlib.Path("/usr/local/lib/faith-gw-tests")
INETD = PROGRAMS / "openbsd-inetd/usr/sbin/inetd"
XINETD = PROGRAMS / "xinetd/usr/sbin/xinetd"
ACTIVATE = "systemd-socket-activate"
LOCAL = """#!/bin/sh
echo "local $(basename $0) $* from $REMOTE_ADDR"
exec cat
"""


def local_daemon(t):
    path = pathlib.Path(t.write("ftpd", LOCAL))
    path.chmod(0o755)
    return path


def load(gw, *words, more_config="", rules=None):
    text = f'[faith]\nprefixes = ["{PREFIX}/96"]\n{more_config}'
    if rules is not None:
        gw.scope.write("faithd.conf", rules)
    gw.load("-c", gw.config(text), *words)


def capture(gw, program):
    gw.run("capture", "--pid", program.process.pid)


def inetd(t, host, *lines, port=PORT):
    conf = t.write("inetd.conf", "".join(line + "\n" for line in lines))
    return Program(host, INETD, "-d", conf, port=port)


def line(program, words, port=PORT, protocol="tcp6"):
    """As the manual page of faithd has it, but for the path of the program."""
    return f"{port} stream {protocol} nowait root {program} {words}"


def ours(host):
    """Processes of the binary for a connection, that is, not the gateway."""

    def words(pid):
        with contextlib.suppress(OSError):
            return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return [b"load"]

    return [pid for pid in host.pids() if executable(pid) == BINARY and b"load" not in words(pid)]


def prefix_and_own(net, gw, expected):
    """The prefix is translated, an own address has the local daemon, and nothing stays."""
    with gw.counts(SERVICE_STEERED=more(1)):
        client = net.six.connect(TARGET, PORT)
        equal(client.makefile("rb").readline(), b"four\n", "who answers on the prefix")
    client.close()
    equal(banner(net.six, DUAL6, PORT), expected, "who answers on the own address")
    wait_for(lambda: not ours(net.dual), "the end of each process with its connection")


@test("inetd: openbsd-inetd, its own addresses by the local daemon and the prefix translated (D1, D60, D61, V46)", needs=(str(INETD),))
def openbsd(t):
    net, gw = newsletter(t)
    load(gw, "--no-relay")
    Banner(net.four, FOUR, PORT)
    path = local_daemon(t)
    program = inetd(t, net.dual, line(BINARY, f"{path} -l"))
    equal(banner(net.six, TARGET, PORT), "refused", "before the capture")
    capture(gw, program)
    prefix_and_own(net, gw, f"local ftpd -l from {SIX}")


@test("inetd: bytes cross both ways, half close and all, in a process for each connection (D60)", needs=(str(INETD),))
def both(t):
    net, gw = newsletter(t)
    load(gw, "--no-relay")
    listener = net.four.listen(FOUR, PORT)
    capture(gw, inetd(t, net.dual, line(BINARY, local_daemon(t))))
    pairs = []
    for _ in range(3):
        client = net.six.connect(TARGET, PORT)
        pairs.append((client, accept(listener)))
    equal(len(ours(net.dual)), 3, "processes")
    for number, (client, server) in enumerate(pairs):
        both_ways(client, server, noise(3 << 20, number), noise(1 << 20, number + 10))
    wait_for(lambda: not ours(net.dual), "the end of each process with its connection")


@test("inetd: the rules, the timeouts and the closed targets of the gateway that is loaded (D60)", needs=(str(INETD),))
def in_force(t):
    net, gw = newsletter(t)
    load(gw, "--no-relay", rules=f"{SIX} permit {FOUR}\n", more_config=f'[relay]\nidle_timeout = "{int(700 * SLOW)}ms"\n')
    net.four.ip("addr add 192.0.2.3/24 dev eth0")
    listener = net.four.listen("0.0.0.0", PORT)
    capture(gw, inetd(t, net.dual, line(BINARY, local_daemon(t))))
    equal(banner(net.six, on("192.0.2.3"), PORT), "refused", "a target that is not permitted")
    equal(banner(net.six, on(DUAL4), PORT), "refused", "the gateway's own IPv4 address")
    client = net.six.connect(TARGET, PORT)
    server = accept(listener)
    equal(ending(client), "rst", "how an idle session ends for the client")
    equal(ending(server), "rst", "and for the server")
    wait_for(lambda: not ours(net.dual), "the end of the process")
    # A connection that the kernel has let in meets the rules again, here those of a file.
    file = t.write("other.toml", f'[faith]\nprefixes = ["{PREFIX}/96"]\nacl = "none.conf"\n')
    t.write("none.conf", "::/0 deny 0.0.0.0/0\n")
    capture_again(t, net, gw, file)
    equal(banner(net.six, TARGET, PORT + 1), "refused", "by a list of its own")


def capture_again(t, net, gw, file):
    program = Program(net.dual, ACTIVATE, "-a", "--inetd", "-l", PORT + 1, BINARY, "inetd", "-c", file, port=PORT + 1)
    capture(gw, program)


@test("inetd: FTP in passive and in active mode, by inetd alone (D62)", needs=(str(INETD), "vsftpd", "curl"))
def ftp(t):
    net, gw = newsletter(t)
    load(gw, "--no-relay")
    root = t.tmp / "there"
    root.mkdir(mode=0o755)
    (root / "file").write_text("by FTP")
    conf = t.write("vsftpd.conf", f"listen=YES\nbackground=NO\nanonymous_enable=YES\nno_anon_password=YES\nlocal_enable=NO\n"
                   f"xferlog_enable=NO\nseccomp_sandbox=NO\nisolate_network=NO\nanon_root={root}\n"
                   "secure_chroot_dir=/var/run/vsftpd/empty\n")
    pathlib.Path("/var/run/vsftpd/empty").mkdir(parents=True, exist_ok=True)
    Program(net.four, "vsftpd", conf, port=21)
    program = inetd(t, net.dual, line(BINARY, "ftpd -l", port=21), port=21)
    capture(gw, program)
    url = f"ftp://[{TARGET}]/file"
    with gw.counts(SERVICE_STEERED=more(2)):  # the control connection, and that of the data
        equal(net.six.run("curl", "-sS", "-g", url), "by FTP", "the file in passive mode")
    with gw.counts(SERVICE_STEERED=more(1)):
        equal(net.six.run("curl", "-sS", "-g", "-P", "-", url), "by FTP", "the file in active mode")
    wait_for(lambda: not ours(net.dual), "the end of each process with its connection")


@test("inetd: IPv4 clients have the local daemon, whether mapped or not, and no relay (D12, D15)", needs=(str(INETD),))
def ipv4(t):
    net, gw = newsletter(t)
    load(gw, "--no-relay")
    path = local_daemon(t)
    program = inetd(t, net.dual, line(BINARY, f"{path} -4", protocol="tcp4"))
    equal(banner(net.four, DUAL4, PORT), f"local ftpd -4 from ::ffff:{FOUR}", "who answers over IPv4")
    program.end()
    Program(net.dual, ACTIVATE, "-a", "--inetd", "-l", PORT, BINARY, "inetd", path, path, "-m", port=PORT)
    equal(banner(net.four, DUAL4, PORT), f"local ftpd -m from ::ffff:{FOUR}", "who answers over both")


@test("inetd: a local daemon that is missing, or ourselves, closes the connection and nothing else (D17)", needs=(str(INETD),))
def missing(t):
    net, gw = newsletter(t)
    load(gw, "--no-relay")
    Banner(net.four, FOUR, PORT)
    ourselves = t.tmp / "telnetd"
    ourselves.symlink_to(BINARY)
    for words in ("/nosuch/ftpd", "nosuchd", ourselves, "./ftpd"):
        program = inetd(t, net.dual, line(BINARY, words))
        capture(gw, program)
        equal(banner(net.six, DUAL6, PORT), "", f"the own address with {words}")
        equal(banner(net.six, TARGET, PORT), "four", f"the prefix with {words}")
        gw.run("capture", "--release", PORT)
        program.end()


@test("inetd: a listening socket is refused with a word, as is none (D60)")
def no_connection(t):
    net, gw = newsletter(t)
    done = gw.run("inetd", rc=2)
    contains(done.err, "standard input is no TCP connection", "with nothing")
    listener = net.dual.listen("::", PORT)
    done = net.dual.done(BINARY, "inetd", stdin=listener, text=True)
    equal(done.returncode, 2, "exit status")
    contains(done.stderr, "inetd wants `nowait`", "with a listener")


@test("inetd: xinetd with NAMEINARGS (D60)", needs=(str(XINETD),))
def xinetd(t):
    net, gw = newsletter(t)
    load(gw, "--no-relay")
    Banner(net.four, FOUR, PORT)
    path = local_daemon(t)
    conf = t.write("xinetd.conf", f"""service faith
{{
    type = UNLISTED
    port = {PORT}
    socket_type = stream
    protocol = tcp
    flags = IPv6 NAMEINARGS
    wait = no
    user = root
    server = {BINARY}
    server_args = {path} -x
}}
""")
    program = Program(net.dual, XINETD, "-dontfork", "-filelog", t.tmp / "log", "-f", conf, "-pidfile", t.tmp / "xinetd.pid", port=PORT)
    capture(gw, program)
    prefix_and_own(net, gw, f"local ftpd -x from {SIX}")


@test("inetd: systemd's Accept=yes, as descriptor 0 and as descriptor 3 (D61, V46)", needs=(ACTIVATE,))
def accept_yes(t):
    net, gw = newsletter(t)
    load(gw, "--no-relay")
    Banner(net.four, FOUR, PORT)
    path = local_daemon(t)
    for options in (("-a", "--inetd"), ("-a",)):
        program = Program(net.dual, ACTIVATE, *options, "-l", PORT, BINARY, "inetd", path, path, "-s", port=PORT)
        capture(gw, program)
        prefix_and_own(net, gw, f"local ftpd -s from {SIX}")
        gw.run("capture", "--release", PORT)
        program.end()


@test("inetd: systemd's Accept=no hands the listener to faithd (D61)", needs=(ACTIVATE,))
def accept_no(t):
    net, gw = newsletter(t)
    load(gw, "--no-relay")
    Banner(net.four, FOUR, PORT)
    rules = t.write("permit.conf", "::/0 permit 0.0.0.0/0\n")
    program = Program(net.dual, ACTIVATE, "-l", f"[::]:{PORT}", FAITHD, "-D", "-f", rules, PORT, port=PORT)
    equal(banner(net.six, DUAL6, PORT), "refused", "an own address, which starts it")
    with gw.counts(SERVICE_STEERED=more(1)):
        wait_for(lambda: banner(net.six, TARGET, PORT) == "four", "the prefix by faithd")
    client = net.six.connect(TARGET, PORT)
    client.shutdown(socket.SHUT_WR)
    equal(read_all(client), b"four\n", "all that four says")
    check(program.process.poll() is None, "faithd has the process of its starter")
    program.end()
    other = Program(net.dual, ACTIVATE, "-l", f"[::]:{PORT}", FAITHD, "-D", "-f", rules, PORT + 1, port=PORT)
    equal(banner(net.six, DUAL6, PORT), "refused", "the connection that starts it")
    wait_for(lambda: other.process.poll() is not None, "the end of one that got another port")
    contains(other.log.read_text(), f"systemd listens on port {PORT}, and {PORT + 1} is port {PORT + 1}", "why")


if __name__ == "__main__":
    main()
