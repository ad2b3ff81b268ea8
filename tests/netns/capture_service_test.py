#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""faith-gw capture: an unmodified program serves the prefix on the port it listens on, as
the IN6P_FAITH socket option let it (F11-F14, F19).
"""
import ctypes
import json
import os
import pathlib
import socket
import sys

from gateway import PREFIX, more, newsletter, on
from harness import check, contains, equal, main, test, wait_for
from hosts import DUAL6, FOUR, PATIENCE, SIX
from peers import Banner, Program, as_nobody, banner, exchange, noise

# Says to each client which address it meant, then echoes.
SERVER = r"""
import os, socket, sys, threading
def talk(c):
    c.sendall(("for %s port %d\n" % c.getsockname()[:2]).encode())
    while data := c.recv(65536):
        c.sendall(data)
def serve(l):
    while True:
        threading.Thread(target=talk, args=(l.accept()[0],), daemon=True).start()
sockets = []
for word in sys.argv[1:]:
    kind, address, port = word.split("/")
    s = socket.socket(socket.AF_INET if kind == "4" else socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, int(port)))
    sockets.append(s)
    if kind != "bound":
        s.listen()
        threading.Thread(target=serve, args=(s,), daemon=True).start()
print("ready", os.getpid(), flush=True)
threading.Event().wait()
"""

TARGET = on(FOUR)


def server(t, host, *words, port=8080):
    """A program of its own; `words` are KIND/ADDRESS/PORT, KIND 6, 4 or `bound`."""
    script = t.write("server.py", SERVER)
    program = Program(host, sys.executable, script, *(words or (f"6/::/{port}",)), port=port)
    wait_for(lambda: f"ready {program.process.pid}\n" in program.log.read_text(), "all its sockets")
    return program


def meant(port=8080, address=TARGET):
    return f"for {address} port {port}"


def services(gw):
    return [(s["port"], s["pid"], s["state"]) for s in gw.status()["services"]]


def fd_of(pid, port, family=socket.AF_INET6):
    """The descriptor of a process whose socket has that port."""
    handle = os.pidfd_open(pid)
    try:
        for name in sorted(map(int, os.listdir(f"/proc/{pid}/fd"))):
            if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                continue
            with socket.socket(fileno=_getfd(handle, name)) as made:
                if made.family == family and made.getsockname()[1] == port:
                    return name
    finally:
        os.close(handle)
    raise AssertionError(f"process {pid} has no socket with port {port}")


def _getfd(handle, number):
    libc = ctypes.CDLL(None, use_errno=True)
    got = libc.syscall(438, handle, number, 0)  # pidfd_getfd
    check(got >= 0, f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
    return got


@test("capture_service: a captured program gets its port of the prefix, and learns whom the client meant (F11, F12, F19)")
def captured(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.four, FOUR, 8080)
    Banner(net.four, FOUR, 8081)
    program = server(t, net.dual)
    equal(banner(net.six, TARGET, 8080), "four", "who answers before")
    done = gw.run("capture", "--pid", program.process.pid)
    contains(done.out, "port 8080", "what capture says")
    with gw.counts(SERVICE_STEERED=more(1), STEERED=0, ACL_PERMIT=0, CONNECTED=0):
        equal(banner(net.six, TARGET, 8080), meant(), "who answers on the captured port")
    other = on("192.0.2.77")
    equal(banner(net.six, other, 8080), meant(address=other), "on another address of the prefix")
    equal(banner(net.six, DUAL6, 8080), meant(address=DUAL6), "on the gateway's own address")
    with gw.counts(STEERED=more(1)):
        equal(banner(net.six, TARGET, 8081), "four", "who answers on another port")
    equal(services(gw), [(8080, program.process.pid, "listening")], "services in status")
    contains(gw.run("status").out, f"8080 by {pathlib.Path(sys.executable).name[:15]}", "status in words")
    gw.run("capture", "--pid", program.process.pid)  # again: the same, no error


@test("capture_service: bytes cross both ways between the client and the captured program, whole")
def bytes_both_ways(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    program = server(t, net.dual)
    gw.run("capture", "--pid", program.process.pid)
    client = net.six.connect(TARGET, 8080)
    hello = (meant() + "\n").encode()
    equal(client.recv(len(hello), socket.MSG_WAITALL), hello, "the greeting")
    data = noise(1 << 20, 7)
    (echo,) = exchange([(client, data)])
    equal(echo, data, "the echo")


@test("capture_service: a program that is gone leaves a reset, never the relay, until it comes back or is released (F14)")
def gone(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.four, FOUR, 8080)
    first = server(t, net.dual)
    gw.run("capture", "--pid", first.process.pid)
    equal(banner(net.six, TARGET, 8080), meant(), "the first program")
    first.end()
    equal(services(gw), [(8080, first.process.pid, "gone")], "services in status")
    contains(gw.run("status").out, "gone", "status in words")
    with gw.counts(SERVICE_GONE=more(2), STEERED=0, NO_LISTENER=0):
        equal([banner(net.six, TARGET, 8080) for _ in range(2)], ["refused"] * 2, "after its end")
    done = gw.run("explain", SIX, FOUR, "8080", rc=1)
    contains(done.out, "the program that captured the port is gone", "explain")
    second = server(t, net.dual)
    with gw.counts(SERVICE_GONE=more(1)):  # listening again is not capturing again
        equal(banner(net.six, TARGET, 8080), "refused", "the same program anew")
    gw.run("capture", "--pid", second.process.pid)
    equal(banner(net.six, TARGET, 8080), meant(), "captured again")
    contains(gw.run("explain", SIX, FOUR, "8080").out, f"process {second.process.pid}", "explain")
    second.end()
    gw.run("capture", "--release", "8080")
    equal(services(gw), [], "services in status after the release")
    with gw.counts(STEERED=more(1), SERVICE_GONE=0):
        equal(banner(net.six, TARGET, 8080), "four", "after the release: the relay")
    done = gw.run("capture", "--release", "8080", rc=1)
    contains(done.err, "8080 is not captured", "a second release")


@test("capture_service: what is accepted goes on when the port is released or the rules are reloaded (F13)")
def established(t):
    net, gw = newsletter(t)
    rules = t.write("rules", "::/0 permit 0.0.0.0/0\n")
    gw.load("--acl", rules)
    program = server(t, net.dual)
    gw.run("capture", "--pid", program.process.pid)
    client = net.six.connect(TARGET, 8080)
    words = client.makefile("rwb", buffering=0)
    equal(words.readline().decode().strip(), meant(), "the greeting")

    def still_there(when):
        words.write(b"still there\n")
        equal(words.readline(), b"still there\n", when)

    gw.run("capture", "--release", "8080")
    still_there("after the release")
    t.write("rules", "::/0 deny 0.0.0.0/0\n")
    gw.run("reload")
    still_there("after a reload that denies new ones")
    gw.unload()
    # Without its route the gateway has no address of the prefix, and no answer comes back;
    # but nobody took the program's listener away.
    equal(banner(net.six, DUAL6, 8080), meant(address=DUAL6), "the program after unload")


@test("capture_service: the rules decide before the program is asked; keepfaith off closes it, too")
def rules_hold(t):
    net, gw = newsletter(t)
    rules = t.write("rules", "::/0 deny 192.0.2.3\n::/0 permit 0.0.0.0/0 port 8080\n")
    gw.load("--no-relay", "--acl", rules)
    program = server(t, net.dual)
    gw.run("capture", "--pid", program.process.pid)
    held = net.six.connect(TARGET, 8080)  # what comes late for an ended connection would count again
    equal(held.makefile("rb").readline().decode().strip(), meant(), "a permitted target")
    with gw.counts(ACL_DENY=more(1)):
        equal(banner(net.six, on("192.0.2.3"), 8080), "refused", "a denied target")
    with gw.counts(NEVER_TARGET=more(1)):
        equal(banner(net.six, on("127.0.0.1"), 8080), "refused", "a target that no rule opens")
    hits = {rule["line"]: rule["hits"] for rule in json.loads(gw.run("acl", "show", "--json").out)}
    equal((hits[1], hits[2]), (1, 1), "hits of the rules")
    gw.run("keepfaith", "off")
    with gw.counts(DROP_KEEPFAITH_OFF=more(1)):
        equal(banner(net.six, TARGET, 8080, seconds=1), "silence", "with keepfaith off")


@test("capture_service: works on the pins alone, when the daemon is dead, and where `ports` leaves the port out")
def on_pins(t):
    net, gw = newsletter(t)
    gw.load("-c", gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\nports = [22]\n'))
    program = server(t, net.dual)
    with gw.counts(PORT_NOT_CAPTURED=more(1)):
        equal(banner(net.six, TARGET, 8080), "refused", "before")
    gw.kill()
    gw.run("capture", "--pid", program.process.pid)
    equal(banner(net.six, TARGET, 8080), meant(), "captured without a daemon")
    equal(services(gw), [(8080, program.process.pid, "listening")], "services in status")
    gw.run("capture", "--release", "8080")
    equal(services(gw), [], "services in status after the release")
    with gw.counts(PORT_NOT_CAPTURED=1):
        equal(banner(net.six, TARGET, 8080), "refused", "released without a daemon")
    gw.unload()


@test("capture_service: a port has one program at a time; the other is told whose it is")
def one_at_a_time(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    first = server(t, net.dual, "6/::1/8080")
    second = server(t, net.dual, f"6/{DUAL6}/8080")
    gw.run("capture", "--pid", first.process.pid)
    done = gw.run("capture", "--pid", second.process.pid, rc=1)
    contains(done.err, f"(process {first.process.pid})", "the refusal")
    contains(done.err, "capture --release 8080", "the refusal")
    equal(services(gw), [(8080, first.process.pid, "listening")], "services in status")
    first.end()
    gw.run("capture", "--pid", second.process.pid)
    equal(banner(net.six, TARGET, 8080), meant(), "whoever comes after a program that is gone")


@test("capture_service: without --fd the only listener is taken; of several the candidates are named")
def which_socket(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    program = server(t, net.dual, "6/::/8080", "6/::1/8081", "4/127.0.0.1/8082", "bound/::/8083")
    pid = program.process.pid
    done = gw.run("capture", "--pid", pid, rc=1)
    contains(done.err, f"--fd {fd_of(pid, 8080)} is [::]:8080", "the candidates")
    contains(done.err, f"--fd {fd_of(pid, 8081)} is [::1]:8081", "the candidates")
    check("8082" not in done.err and "8083" not in done.err, f"no candidate is named: {done.err}")
    report = json.loads(gw.run("capture", "--pid", pid, "--fd", fd_of(pid, 8081), "--json").out)
    equal((report["port"], report["pid"], report["state"], report["fd"]), (8081, pid, "listening", fd_of(pid, 8081)),
          "what capture --json says")
    equal(banner(net.six, TARGET, 8081), meant(8081), "who answers on 8081")
    equal(banner(net.six, TARGET, 8080), "refused", "who answers on 8080")


@test("capture_service: --all takes each port that the process listens on, as an inetd's, and says which if one cannot be")
def all_of_them(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    program = server(t, net.dual, "6/::/8080", "6/::1/8081", "6/::1/8082", f"6/{DUAL6}/8082", "4/127.0.0.1/8083")
    pid = program.process.pid
    contains(gw.run("capture", "--pid", pid, rc=1).err, "--all takes all of them", "what it says without --all")
    done = gw.run("capture", "--pid", pid, "--all")
    equal([line.split(" is captured by ")[0] for line in done.out.splitlines()], ["port 8080", "port 8081", "port 8082"],
          "what it says")
    for port in (8080, 8081, 8082):
        equal(banner(net.six, TARGET, port), meant(port), f"who answers on {port}")
    program.end()
    gw.run("capture", "--release", "8082")
    other = server(t, net.dual, "6/::1/8082", port=8082)
    gw.run("capture", "--pid", other.process.pid)
    program = server(t, net.dual, "6/::/8080", f"6/{DUAL6}/8082", port=8080)
    failed = gw.run("capture", "--pid", program.process.pid, "--all", rc=1).err
    contains(failed, f"(process {other.process.pid})", "why one failed")
    contains(failed, "captured are 8080", "what was captured before")
    report = json.loads(gw.run("capture", "--pid", other.process.pid, "--all", "--json").out)
    equal([(one["port"], one["fd"]) for one in report], [(8082, fd_of(other.process.pid, 8082))], "--json")
    for words in (["--all"], ["--pid", pid, "--all", "--fd", 3], ["--all", "--release", 8080]):
        gw.run("capture", *words, rc=2)


@test("capture_service: what cannot be captured is refused with the reason, and nothing is changed")
def refusals(t):
    net, gw = newsletter(t)
    program = server(t, net.dual, "4/127.0.0.1/8082", "bound/::/8083", port=8082)
    pid = program.process.pid

    def refused(words, *parts, rc=1, **how):
        done = gw.run("capture", *words, rc=rc, **how)
        for part in parts:
            contains(done.err, part, f"capture {' '.join(map(str, words))}")

    refused(["--pid", pid], "faith-gw load IFACE --no-relay")
    refused(["--release", 80], "faith-gw load IFACE --no-relay")
    gw.load("--no-relay")
    refused(["--pid", pid], "no TCP socket over IPv6 that listens", "is a socket of IPv4")
    refused(["--pid", pid, "--fd", fd_of(pid, 8082, socket.AF_INET)], "is a socket of IPv4")
    refused(["--pid", pid, "--fd", fd_of(pid, 8083)], "does not listen")
    refused(["--pid", pid, "--fd", 0], "is no socket")
    refused(["--pid", pid, "--fd", 999], "has no descriptor 999")
    refused(["--pid", 2 ** 22 - 1], "there is no process")
    elsewhere = server(t, net.six)
    refused(["--pid", elsewhere.process.pid], "another network namespace")
    refused(["--pid", elsewhere.process.pid, "--fd", fd_of(elsewhere.process.pid, 8080)], "another network namespace")
    for words in ([], ["--pid", 0], ["--pid", "x"], ["--pid", pid, "--unit", "x"], ["--pid", pid, "--release", 80],
                  ["--fd", 3], ["--release", "no-such-service"], ["--release", 0], ["--pid", pid, "--fd", -1]):
        gw.run("capture", *words, rc=2)
    equal(services(gw), [], "services in status")


@test("capture_service: it takes root (F19)", needs=("setpriv",))
def privilege(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    program = server(t, net.dual)
    done = gw.run_less(as_nobody(), "capture", "--pid", str(program.process.pid))
    equal(done.rc, 1, f"exit code without privilege ({done.err.strip()})")
    contains(done.err, "needs root", "what it says")
    equal(services(gw), [], "services in status")


@test("capture_service: --unit asks systemctl for the main process, and passes on what it says")
def units(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    program = server(t, net.dual)
    fake = t.tmp / "bin"
    fake.mkdir()

    def systemctl(body):
        file = fake / "systemctl"
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)

    def capture(rc):
        return gw.run("capture", "--unit", "web.service", rc=rc, wrapper=("env", f"PATH={fake}"))

    contains(capture(1).err, "run systemctl", "without systemctl")
    systemctl("echo 'System has not been booted with systemd' >&2; exit 1")
    contains(capture(1).err, "has not been booted with systemd", "where systemd does not run")
    systemctl("echo LoadState=not-found; echo MainPID=0")
    contains(capture(1).err, "web.service is not known", "an unknown unit")
    systemctl("echo LoadState=loaded; echo MainPID=0")
    contains(capture(1).err, "no main process", "a unit that does not run")
    systemctl(f'for w; do u=$w; done; [ "$1 $u" = "show web.service" ] && echo LoadState=loaded && '
              f'echo MainPID={program.process.pid}')
    capture(0)
    equal(services(gw), [(8080, program.process.pid, "listening")], "services in status")
    equal(banner(net.six, TARGET, 8080), meant(), "who answers")


@test("capture_service: nginx with a socket for each worker serves the prefix, unmodified", needs=("nginx", "curl"))
def nginx(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    (t.tmp / "www").mkdir(mode=0o755)
    (t.tmp / "www" / "index.html").write_text("hello from dual\n")
    config = t.write("nginx.conf", f"""
        daemon off; pid {t.tmp}/nginx.pid; error_log stderr; worker_processes 2; user root;
        events {{ worker_connections 64; }}
        http {{ access_log off; client_body_temp_path {t.tmp}/1; proxy_temp_path {t.tmp}/2; fastcgi_temp_path {t.tmp}/3;
               uwsgi_temp_path {t.tmp}/4; scgi_temp_path {t.tmp}/5;
               server {{ listen [::]:8080 reuseport; root {t.tmp}/www; add_header For $server_addr; }} }}
        """)
    program = Program(net.dual, "nginx", "-c", config, port=8080)
    gw.run("capture", "--pid", program.process.pid)
    with gw.counts(SERVICE_STEERED=more(20)):
        for _ in range(20):
            page = net.six.run("curl", "-sSi", "--max-time", PATIENCE, f"http://[{TARGET}]:8080/")
            contains(page, "hello from dual", "the page")
            contains(page, f"For: {TARGET}", "the address that nginx saw")


if __name__ == "__main__":
    main()
