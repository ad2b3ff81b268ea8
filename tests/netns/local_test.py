#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Local services: on a port that is relayed the gateway's own addresses have their own daemon
(D5, D15-D18, D22; V10, V11).
"""
import contextlib
import os
import pathlib
import re
import socket
import threading

from gateway import PREFIX, newsletter, on
from harness import check, contains, equal, main, test, wait_for
from hosts import DUAL6, FOUR, SIX
from peers import Banner, Program, banner, listens, read_all, reset

TARGET = on(FOUR)
PORT = 2121
INSIDE = PREFIX + "5"  # an address of the prefix that is somebody's IPv4 address, too

# Says who asks for what, then echoes. Its name is not sh, so that it can be told from others.
SHELL = """#!/bin/sh
echo "local argv0=$1 from $REMOTE_ADDR"
exec cat
"""


def text_of(*services, more=""):
    """A configuration with these (port, words, further lines) services."""
    lines = [f'[faith]\nprefixes = ["{PREFIX}/96"]', more]
    for port, words, rest in services:
        quoted = ", ".join(f'"{word}"' for word in words)
        lines.append(f"[[service]]\nport = {port}\nlocal = [{quoted}]\n{rest}")
    return "\n".join(lines) + "\n"


def load(t, gw, *services, more="", **how):
    return gw.load("-c", gw.config(text_of(*services, more=more)), **how)


def script(t, text=SHELL, name="local-daemon"):
    path = pathlib.Path(t.write(name, text))
    path.chmod(0o755)
    return str(path)


def status_of(gw, port=PORT):
    return next((local for local in gw.status()["local"] if local["port"] == port), None)


def children(gw):
    """The processes the gateway has started, zombies too, by their state."""
    daemon = gw.pids()[0]
    states = []
    for pid in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (pid / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == daemon:
                states.append(fields[0])
    return states


@test("local: one port, the prefix is relayed and the gateway's own address has its own daemon (D15, D17, V10)")
def own_and_prefix(t):
    net, gw = newsletter(t)
    Banner(net.four, FOUR, PORT)
    load(t, gw, (PORT, [script(t), "ftpd", "-l"], ""))
    with gw.counts(CONNECTED=1, ACL_PERMIT=1):
        equal(banner(net.six, TARGET, PORT), "four", "who answers on the prefix")
    with gw.counts(CONNECTED=0, ACL_PERMIT=0):
        equal(banner(net.six, DUAL6, PORT), f"local argv0=-l from {SIX}", "who answers on the own address")
    wait_for(lambda: status_of(gw)["running"] == 0, "the end of the daemon")
    equal(status_of(gw)["started"], 1, "daemons started")
    # Bytes both ways, and half close: what inetd gives.
    client = net.six.connect(DUAL6, PORT)
    client.sendall(b"hello\n")
    client.shutdown(socket.SHUT_WR)
    contains(read_all(client).decode(), "hello\n", "what came back")
    wait_for(lambda: not children(gw), "no child, and no zombie (D14)")


@test("local: a gateway's own client, and loopback, are served as well (D15)")
def from_here(t):
    net, gw = newsletter(t)
    load(t, gw, (PORT, [script(t)], ""))
    equal(banner(net.dual, "::1", PORT), "local argv0= from ::1", "who answers on ::1")
    equal(banner(net.dual, DUAL6, PORT), f"local argv0= from {DUAL6}", "who answers on the own address")
    equal(banner(net.dual, "192.0.2.1", PORT), "refused", "IPv4, which is not ours to serve")


@test("local: a link-local address is the gateway's own on its interface (D18)")
def link_local(t):
    net, gw = newsletter(t)
    load(t, gw, (PORT, [script(t)], ""))
    address = next(a["local"] for i in net.dual.ip_json("-6 addr show dev eth0") for a in i["addr_info"] if a["scope"] == "link")
    client = net.six.socket(socket.AF_INET6, socket.SOCK_STREAM)
    client.connect((address, PORT, 0, net.six.ifindex("eth0")))
    line = client.makefile().readline()
    check(re.search(rf"from fe80::[0-9a-f:]+%{net.dual.ifindex('eth0')}$", line.strip()), f"the client by its scope: {line!r}")


@test("local: an address of the prefix becomes the gateway's own and ceases to be, while it runs (D16, V11)")
def live(t):
    net, gw = newsletter(t)
    net.four.ip("addr add 0.0.0.5/32 dev lo")
    load(t, gw, (PORT, [script(t)], ""), more='never = []')
    for _ in range(3):
        net.dual.ip(f"addr add {INSIDE}/128 dev eth0 nodad")
        # A connection may come before the kernel side has heard of it, never to a wrong end.
        wait_for(lambda: banner(net.six, INSIDE, PORT).startswith("local"), "the local daemon on the new address")
        net.dual.ip(f"addr del {INSIDE}/128 dev eth0")
        wait_for(lambda: banner(net.six, INSIDE, PORT) == "refused", "the capture of the address that is gone")
    equal(banner(net.six, DUAL6, PORT)[:5], "local", "who answers on the other address, still")


@test("local: an address that is delivered here but is nobody's is reset (D15)")
def nobodys(t):
    net, gw = newsletter(t)
    load(t, gw, (PORT, [script(t)], ""))
    net.dual.ip("-6 route add local 2001:db8:a::/64 dev lo")
    equal(banner(net.six, "2001:db8:a::1", PORT), "refused", "who answers for an AnyIP address")
    equal(status_of(gw)["started"], 0, "daemons started")


@test("local: the access control list says nothing about the gateway's own addresses (D22)")
def no_acl(t):
    net, gw = newsletter(t)
    Banner(net.four, FOUR, PORT)
    t.write("faithd.conf", "::/0 deny 0.0.0.0/0\n")
    load(t, gw, (PORT, [script(t)], ""))
    equal(banner(net.six, TARGET, PORT), "refused", "who answers on the prefix")
    equal(banner(net.six, DUAL6, PORT), f"local argv0= from {SIX}", "who answers on the own address")


@test("local: ports without a local daemon are refused on the own addresses, as without a gateway (D17)")
def others(t):
    net, gw = newsletter(t)
    Banner(net.four, FOUR, 2122)
    load(t, gw, (PORT, [script(t)], ""))
    equal(banner(net.six, DUAL6, 2122), "refused", "another port of the gateway")
    equal(banner(net.six, TARGET, 2122), "four", "the same port of the prefix")


@test("local: more at a time than local_max are closed, told once, and served again afterwards")
def at_a_time(t):
    net, gw = newsletter(t)
    log = t.tmp / "log"
    with open(log, "wb") as file:
        daemon = gw.start("load", "--foreground", "eth0", "-c", gw.config(text_of((PORT, [script(t)], "local_max = 3"))), stderr=file)
    wait_for(lambda: daemon.poll() is None and "ready" in log.read_text(), "the gateway")
    live_ones = [net.six.connect(DUAL6, PORT) for _ in range(3)]
    for one in live_ones:
        contains(one.recv(100).decode(), "local", "one of three")
    for _ in range(5):
        equal(banner(net.six, DUAL6, PORT), "", "one too many: closed without a word")
    equal({k: status_of(gw)[k] for k in ("running", "started", "refused")}, {"running": 3, "started": 3, "refused": 5}, "status")
    equal(len(re.findall(r"3 are running, as many as may \(local_max\)", log.read_text())), 1, "lines about it")
    live_ones[0].close()
    wait_for(lambda: status_of(gw)["running"] == 2, "the end of one")
    contains(banner(net.six, DUAL6, PORT), "local", "after one has left")


@test("local: more in a second than local_rate are closed, told once")
def in_a_second(t):
    net, gw = newsletter(t)
    log = t.tmp / "log"
    with open(log, "wb") as file:
        gw.start("load", "--foreground", "eth0", "-c", gw.config(text_of((PORT, [script(t)], "local_rate = 2"))), stderr=file)
    wait_for(lambda: "ready" in log.read_text(), "the gateway")
    # All at once, so that the gateway accepts them in one breath, however slow we are.
    daemon = gw.pids()[0]
    os.kill(daemon, 19)
    clients = [net.six.connect(DUAL6, PORT) for _ in range(40)]
    os.kill(daemon, 18)
    served = sum(one.recv(5) == b"local" for one in clients)
    check(2 <= served < 40, f"{served} of 40 were served")
    wait_for(lambda: status_of(gw)["refused"] == 40 - served, "the count of the others")
    contains(log.read_text(), "more than 2 a second (local_rate)", "the log")


@test("local: a daemon that is missing is an error of check and load; one that goes later is told, the port goes on")
def missing(t):
    net, gw = newsletter(t)
    file = gw.config(text_of((PORT, ["/nosuch/ftpd"], "")))
    said = f"{file}:6:9: local: /nosuch/ftpd: No such file or directory\n"
    equal(gw.run("check", "-c", file, rc=2).err, said, "check")
    equal(gw.run("load", "eth0", "-c", file, rc=2).err, said, "load")
    equal(gw.pids(), [], "processes")
    path, log = script(t), t.tmp / "log"
    with open(log, "wb") as stderr:
        gw.start("load", "--foreground", "eth0", "-c", gw.config(text_of((PORT, [path], ""))), stderr=stderr)
    wait_for(lambda: "ready" in log.read_text(), "the gateway")
    os.unlink(path)
    equal(banner(net.six, DUAL6, PORT), "", "without a program: closed")
    wait_for(lambda: f"local service {PORT}: connection of [{SIX}]" in log.read_text(), "a line in the log")
    contains(log.read_text(), f"closed: {path}: No such file or directory", "the log")
    script(t)
    contains(banner(net.six, DUAL6, PORT), "local", "with its program back")


@test("local: a port that somebody else listens on is an error of load, and everything is undone")
def taken(t):
    net, gw = newsletter(t)
    other = net.dual.listen("::", PORT)
    before = net.dual.ip("-6 route show table all")
    done = load(t, gw, (2122, [script(t)], ""), (PORT, [script(t)], ""), rc=1)
    contains(done.err, f"local service {PORT}: bind to [::]:{PORT}: Address already in use", "load")
    equal(gw.pids(), [], "processes")
    equal(net.dual.ip("-6 route show table all"), before, "routes")
    check(not listens(net.dual, 2122), "a listener was left")
    other.close()
    load(t, gw, (2122, [script(t)], ""), (PORT, [script(t)], ""))
    gw.unload()
    check(not listens(net.dual, PORT) and not listens(net.dual, 2122), "a listener was left by unload")


@test("local: a reload adds, removes and changes services, all or nothing; connections and daemons stay")
def reload(t):
    net, gw = newsletter(t)
    one, two = script(t), script(t, "#!/bin/sh\necho second\n", "second")
    load(t, gw, (PORT, [one], ""), (2122, [one], ""))
    live_one = net.six.connect(DUAL6, PORT)
    line = live_one.makefile().readline
    contains(line(), "local", "before")

    gw.config(text_of((2122, [two], ""), (2123, [one], "")))
    gw.run("reload")
    equal(banner(net.six, DUAL6, PORT), "refused", "the service that went")
    equal(banner(net.six, DUAL6, 2122), "second", "the service that changed")
    contains(banner(net.six, DUAL6, 2123), "local", "the service that came")
    live_one.sendall(b"alive\n")
    equal(line(), "alive\n", "a connection of the service that went")
    equal(status_of(gw)["running"], 1, "its daemon in the status")

    other = net.dual.listen("::", 2124)
    gw.config(text_of((2125, [one], ""), (2124, [one], "")))
    contains(gw.run("reload", rc=1).err, "local service 2124: bind to [::]:2124: Address already in use", "a reload that fails")
    equal(banner(net.six, DUAL6, 2122), "second", "what was, is")
    check(not listens(net.dual, 2125), "half a reload")
    other.close()
    gw.config(text_of((2122, ["/nosuch"], "")))
    gw.run("reload", rc=2)
    equal(banner(net.six, DUAL6, 2122), "second", "what was, is")
    gw.config(text_of((2125, [one], ""), (2122, [two], "")))
    gw.run("reload", "--dry-run")
    check(not listens(net.dual, 2125), "a dry run listens")
    gw.run("reload")
    contains(banner(net.six, DUAL6, 2125), "local", "the service that came")


@test("local: a reload turns no connection of a service that stays away")
def reload_under_load(t):
    net, gw = newsletter(t)
    path = script(t)
    load(t, gw, (PORT, [path], "local_rate = 0"))
    stop, failed, served = threading.Event(), [], []

    def clients():
        while not stop.is_set():
            word = banner(net.six, DUAL6, PORT)
            (served if word.startswith("local") else failed).append(word)

    thread = threading.Thread(target=clients)
    thread.start()
    try:
        for number in range(5):
            gw.config(text_of((PORT, [path], "local_rate = 0"), *([(2122, [path], "")] if number % 2 else [])))
            gw.run("reload")
            wait_for(lambda n=len(served): len(served) > n, "a connection after the reload")
    finally:
        stop.set()
        thread.join()
    equal(failed, [], "connections that failed")


@test("local: unload ends no daemon, and leaves nothing else")
def unload(t):
    net, gw = newsletter(t)
    load(t, gw, (PORT, [script(t)], ""))
    client = net.six.connect(DUAL6, PORT)
    line = client.makefile().readline
    contains(line(), "local", "before")
    gw.unload()
    equal(gw.pids(), [], "processes of the gateway")
    check(not listens(net.dual, PORT), "the listener was left")
    client.sendall(b"alive\n")
    equal(line(), "alive\n", "the connection after unload")
    client.shutdown(socket.SHUT_WR)
    wait_for(lambda: not net.dual.pids(), "the end of the daemon with its connection")


@test("local: a client that resets ends its daemon and nothing else")
def client_reset(t):
    net, gw = newsletter(t)
    load(t, gw, (PORT, [script(t)], ""))
    client = net.six.connect(DUAL6, PORT)
    contains(client.recv(100).decode(), "local", "before")
    reset(client)
    wait_for(lambda: status_of(gw)["running"] == 0, "the end of the daemon")
    contains(banner(net.six, DUAL6, PORT), "local", "the next one")


@test("local: FTP by vsftpd on the gateway's own address, and relayed to another vsftpd on the prefix (V10)", needs=("vsftpd", "curl"))
def ftp(t):
    net, gw = newsletter(t)
    for name in ("here", "there"):
        root = t.tmp / name
        root.mkdir()
        root.chmod(0o755)
        (root / "who").write_text(name)
    common = ("anonymous_enable=YES\nlocal_enable=NO\nno_anon_password=YES\nxferlog_enable=NO\nsecure_chroot_dir=/var/run/vsftpd/empty\n"
              "seccomp_sandbox=NO\nisolate_network=NO\nanon_world_readable_only=NO\nbackground=NO\n")
    pathlib.Path("/var/run/vsftpd/empty").mkdir(parents=True, exist_ok=True)
    here = t.write("here.conf", common + f"listen=NO\nlisten_ipv6=NO\nanon_root={t.tmp}/here\n")
    there = t.write("there.conf", common + f"listen=YES\nanon_root={t.tmp}/there\n")
    Program(net.four, "vsftpd", there, port=21)
    load(t, gw, (21, ["/usr/sbin/vsftpd", "vsftpd", here], ""))
    for address, who in ((DUAL6, "here"), (TARGET, "there")):
        equal(net.six.run("curl", "-sS", "-g", f"ftp://[{address}]/who"), who, f"the file from {address}")
    wait_for(lambda: not children(gw), "the end of the local daemon")
    equal(status_of(gw, 21)["started"], 1, "local daemons")


if __name__ == "__main__":
    main()
