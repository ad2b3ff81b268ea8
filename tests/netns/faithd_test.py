#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""faithd(8), daemon mode: the old command line on the dataplane of `faith-gw load` (D1-D14)."""
import os
import pathlib
import pwd
import signal
import subprocess

from faithd import FAITHD, PERMIT_ALL, Faithd, run
from gateway import BINARY, more, newsletter, on
from harness import check, contains, equal, main, test, wait_for
from hosts import DUAL6, FOUR, PATIENCE, SIX
from peers import RESERVED, Banner, Program, accept, banner, dialled, ending, noise, pair, read_all

TARGET = on(FOUR)


def refused(host, address=TARGET, port=2222):
    equal(banner(host, address, port), "refused", f"port {port} of {address}")


@test("faithd: relays its service on a dataplane without a relay, and says each step (D1, D36)")
def relays(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    Banner(net.four, FOUR, 2222)
    Banner(net.four, FOUR, 2223)
    refused(net.six)
    faithd = Faithd(t, net.dual, "2222")
    with gw.counts(SERVICE_STEERED=more(1), STEERED=0):
        equal(banner(net.six, TARGET, 2222), "four", "who answers")
    refused(net.six, port=2223)
    steps = ("Starting faith daemon for 2222 port", f"accepted a client from {SIX}",
             f"the client is connecting to {TARGET}", "translating from v6 to v4",
             f"the translator is connecting to {FOUR}", "starting 2222 relay")
    text = faithd.text()
    places = [text.find(step) for step in steps]
    check(-1 not in places and places == sorted(places), f"steps {places} in {text}")
    equal([(s["port"], s["program"], s["pid"]) for s in gw.status()["services"]],
          [(2222, "faithd", faithd.process.pid)], "services in status")


@test("faithd: returns when it serves, and is a daemon by then (D7)")
def background(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    Banner(net.four, FOUR, 2222)
    t.write("faithd.conf", PERMIT_ALL)
    equal(run(t, net.dual, "-f", "faithd.conf", "2222", cwd=t.tmp), "", "what it says")
    equal(banner(net.six, TARGET, 2222), "four", "at once")
    (service,) = gw.status()["services"]
    pid = service["pid"]
    equal(os.readlink(f"/proc/{pid}/cwd"), "/", "its directory")
    equal(os.getsid(pid), pid, "its session")
    equal({os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)}, {"/dev/null"}, "its standard descriptors")
    os.kill(pid, signal.SIGHUP)  # finds its file from / as well: it goes on
    equal(banner(net.six, TARGET, 2222), "four", "after SIGHUP")


@test("faithd: what keeps it from starting is said to the starter: usage, configuration, port, dataplane (D3, D6, D7, D26)")
def start_errors(t):
    net, gw = newsletter(t)
    good = t.write("good.conf", PERMIT_ALL)
    bad = t.write("bad.conf", PERMIT_ALL + "::/0 permit nonsense\n")
    for words in ([], ["-x", "telnet"], ["-f"], ["no-such-service"], ["0"], ["65536"], ["-d"]):
        contains(run(t, net.dual, *words, rc=2), "usage: faithd", f"faithd {words}")
    contains(run(t, net.dual, "-f", bad, "2222", rc=2), "bad.conf:2:13:", "a bad line")
    contains(run(t, net.dual, "-f", t.tmp / "none", "2222", rc=2), "could not load config file", "no file")
    contains(run(t, net.dual, "-f", good, "2222", rc=1), "faith-gw load IFACE --no-relay", "no dataplane")
    gw.load("--no-relay")
    Banner(net.dual, "::", 2222)
    contains(run(t, net.dual, "-f", good, "2222", rc=1), "port 2222 is in use", "a port in use")
    first = Faithd(t, net.dual, "2223")
    said = run(t, net.dual, "-f", good, "2223", rc=1)
    contains(said, f"port 2223 is in use: faithd (process {first.process.pid}) serves it", "a second faithd")
    other = Program(net.dual, "socat", "TCP6-LISTEN:2224,bind=[::1]", "PIPE", port=2224)
    gw.run("capture", "--pid", other.process.pid)
    contains(run(t, net.dual, "-f", good, "2224", rc=1), "port 2224 is in use: socat (process", "a captured port")
    other.end()
    Faithd(t, net.dual, "2224")
    equal(len(gw.status()["services"]), 2, "services in status")


@test("faithd: names of services(5) in any case, or numbers; one name is one service (D4)")
def service_names(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    names = {"telnet": 23, "SSH": 22, "pop3": 110, "2222": 2222}
    for name, port in names.items():
        Banner(net.four, FOUR, port)
        faithd = Faithd(t, net.dual, name)
        equal(banner(net.six, TARGET, port), "four", name)
        contains(faithd.text(), f"starting {name} relay", "its name in the log")
    equal([s["port"] for s in gw.status()["services"]], sorted(names.values()), "services in status")


@test("faithd: options stand before the service, joined or not; behind it is the local server's (D2, D4)")
def command_line(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    rules = t.write("faithd.conf", PERMIT_ALL)
    contains(run(t, net.dual, "-f", rules, "2222", "-p", rc=2), '"-p" is not the absolute path of a program', "an option behind it")
    listener = net.four.listen(FOUR, 2222)
    equal(run(t, net.dual, "-dpf" + rules, "2222", "/bin/echo", "echo", "-p", "-f"), "", "options in one word")
    equal(banner(net.six, DUAL6, 2222), "-p -f", "what the local server has")
    _, server = pair(net, TARGET, 2222, listener)
    check(server.getpeername()[1] in RESERVED, "-p had no effect")
    run(t, net.dual, "-d", "-p", "-f", rules, "2223")
    run(t, net.dual, "-f", rules, "--", "2224")
    equal([s["port"] for s in gw.status()["services"]], [2222, 2223, 2224], "services in status")


@test("faithd: -p connects from a reserved port, without it from any other (D2, D32)")
def reserved_port(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    for words, port, reserved in ((["-p", "2222"], 2222, True), (["2223"], 2223, False)):
        listener = net.four.listen(FOUR, port)
        Faithd(t, net.dual, *words)
        _, server = pair(net, TARGET, port, listener)
        equal(server.getpeername()[1] < 1024, reserved, f"whether {server.getpeername()[1]} is reserved")


@test("faithd: login and shell are turned on by naming them, and -p makes them work (D57, D58, D59)")
def remote_shell(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    shell, login = net.four.listen(FOUR, 514), net.four.listen(FOUR, 513)
    Faithd(t, net.dual, "-p", "shell")
    Faithd(t, net.dual, "login")
    client = dialled(net.six, TARGET, 514)
    client.sendall(b"1000\0me\0")
    server = accept(shell)
    heard = b""
    while heard.count(b"\0") < 2:
        heard += server.recv(64)
    port, words, _ = heard.split(b"\0")
    check(int(port) in RESERVED and server.getpeername()[1] in RESERVED, f"rsh's port for standard error is {port!r}")
    equal(words, b"me", "what is behind it")
    client = net.six.connect(TARGET, 513)
    client.sendall(b"me\0")
    server = accept(login)
    equal(read_all(server, 3), b"me\0", "what rlogin's server hears without -p")
    check(server.getpeername()[1] not in RESERVED, "without -p the port is a reserved one")


@test("faithd: its own list denies with a reset and a line; the dataplane's list decides before (D22, D27, D28, D30)")
def rules(t):
    net, gw = newsletter(t)
    gw.load("--no-relay", "--acl", t.write("main.conf", "::/0 deny 192.0.2.9\n" + PERMIT_ALL))
    Banner(net.four, FOUR, 2222)
    faithd = Faithd(t, net.dual, "2222", rules=f"2001:db8::/32 deny 192.0.2.3\n2001:db8::/32 permit {FOUR}\n")
    equal(banner(net.six, TARGET, 2222), "four", "a permitted target")
    refused(net.six, on("192.0.2.3"))
    faithd.wait("translation to 192.0.2.3 not permitted for 2001:db8::/32")
    contains(faithd.text(), "faithd.conf:1)", "the deciding rule")
    refused(net.six, on("192.0.2.4"))
    faithd.wait(f"translation to 192.0.2.4 not permitted from {SIX}")
    with gw.counts(ACL_DENY=more(1)):
        refused(net.six, on("192.0.2.9"))
    check("192.0.2.9" not in faithd.text(), "the kernel's denial reached faithd")


@test("faithd: an empty list permits nothing (D29); without -f and without /etc/faithd.conf the dataplane's list is all")
def no_rules(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    Banner(net.four, FOUR, 2222)
    Banner(net.four, FOUR, 2223)
    Faithd(t, net.dual, "2222", rules="# nothing\n")
    refused(net.six)
    # A machine's own /etc/faithd.conf must not matter here.
    process = net.dual.start("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /etc && exec "$@"', "sh", FAITHD, "-D", "2223",
                             stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    t.callback(process.wait)
    t.callback(process.kill)
    wait_for(lambda: len(gw.status()["services"]) == 2, "the second faithd")
    equal(banner(net.six, TARGET, 2223), "four", "without a list")


@test("faithd: SIGHUP reads the list again, all or nothing, and loses no session (D6, D49)")
def reload(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    server = net.four.listen(FOUR, 2222)
    faithd = Faithd(t, net.dual, "2222")
    client, peer = pair(net, TARGET, 2222, server)
    faithd.rules.write_text(f"::/0 deny {FOUR}\n")
    faithd.signal(signal.SIGHUP)
    faithd.wait("reloaded")
    refused(net.six)
    faithd.rules.write_text(PERMIT_ALL + "::/0 permit\n")
    faithd.signal(signal.SIGHUP)
    faithd.wait("faithd.conf:2:")
    contains(faithd.text(), "nothing was changed", "the log")
    refused(net.six)
    faithd.rules.unlink()
    faithd.signal(signal.SIGHUP)
    faithd.wait("could not load config file")
    refused(net.six)
    faithd.rules.write_text(PERMIT_ALL)
    faithd.signal(signal.SIGHUP)
    faithd.wait("reloaded", 2)
    again, _ = pair(net, TARGET, 2222, server)
    client.sendall(b"still there")
    equal(peer.recv(64), b"still there", "the session from before")


@test("faithd: several live side by side, and beside the gateway's relay")
def side_by_side(t):
    net, gw = newsletter(t)
    gw.load()
    for port in (2222, 2223, 2224):
        Banner(net.four, FOUR, port)
    first, second = Faithd(t, net.dual, "2222"), Faithd(t, net.dual, "2223")
    with gw.counts(SERVICE_STEERED=more(2), STEERED=more(1), CONNECTED=1):
        for port in (2222, 2223, 2224):
            equal(banner(net.six, TARGET, port), "four", f"port {port}")
    first.end()
    with gw.counts(SERVICE_GONE=more(1)):
        refused(net.six)
    equal(banner(net.six, TARGET, 2223), "four", "the other faithd")
    second.end()
    gw.run("capture", "--release", "2222")
    with gw.counts(STEERED=more(1)):
        equal(banner(net.six, TARGET, 2222), "four", "the relay after the release")


@test("faithd: SIGTERM resets new clients, keeps what is established, and ends with the last of it; a second one at once (D14)")
def terminate(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    server = net.four.listen(FOUR, 2222)
    faithd = Faithd(t, net.dual, "2222")
    client, peer = pair(net, TARGET, 2222, server)
    faithd.signal(signal.SIGTERM)
    faithd.wait("Terminating faith daemon")
    wait_for(lambda: gw.status()["services"][0]["state"] == "gone", "the end of the listener")
    with gw.counts(SERVICE_GONE=more(1)):
        refused(net.six)
    for word in (b"one", b"two"):
        client.sendall(word)
        equal(peer.recv(64), word, "the session")
    equal(faithd.process.poll(), None, "faithd while a session lives")
    follower = Faithd(t, net.dual, "2222")  # the port is free for the next one meanwhile
    _, other = pair(net, TARGET, 2222, server)
    client.close()
    peer.close()
    equal(faithd.exit_code(), 0, "exit code after the last session")
    follower.signal(signal.SIGINT)
    follower.wait("Terminating faith daemon")
    follower.signal(signal.SIGTERM)
    equal(follower.exit_code(), 0, "exit code after the second signal")
    equal(ending(other), "rst", "the session that was cut")


@test("faithd: without a local server a connection to the gateway's own address is closed and told (D15)")
def own_address(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    faithd = Faithd(t, net.dual, "2222")
    refused(net.six, DUAL6)
    faithd.wait(f"no local service for 2222 from {SIX} to {DUAL6}")


@test("faithd: an address of the prefix that the gateway gets is local from then on, and a target again later (D16)")
def address_change(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    Banner(net.four, FOUR, 2222)
    faithd = Faithd(t, net.dual, "2222")
    equal(banner(net.six, TARGET, 2222), "four", "before")
    net.dual.ip(f"-6 addr add {TARGET}/128 dev eth0 nodad")
    wait_for(lambda: banner(net.six, TARGET, 2222) == "refused", "the address to be the gateway's")
    faithd.wait("no local service for 2222")
    net.dual.ip(f"-6 addr del {TARGET}/128 dev eth0")
    wait_for(lambda: banner(net.six, TARGET, 2222) == "four", "the address to be a target")


@test("faithd: an unload leaves it waiting, the next load has it serve again; a killed one leaves resets")
def comes_and_goes(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    Banner(net.four, FOUR, 2222)
    faithd = Faithd(t, net.dual, "2222")
    equal(banner(net.six, TARGET, 2222), "four", "before unload")
    gw.unload()
    gw.load("--no-relay")
    faithd.wait("port 2222 is captured again")
    equal(banner(net.six, TARGET, 2222), "four", "after the next load")
    faithd.signal(signal.SIGKILL)
    equal(faithd.exit_code(), -signal.SIGKILL, "how it ended")
    with gw.counts(SERVICE_GONE=more(1)):
        refused(net.six)
    Faithd(t, net.dual, "2222")
    equal(banner(net.six, TARGET, 2222), "four", "a new one")


@test("faithd: it takes root, and says so")
def privilege(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    copy = t.tmp / "faithd"
    copy.write_bytes(pathlib.Path(BINARY).read_bytes())
    copy.chmod(0o755)
    rules = pathlib.Path(t.write("faithd.conf", PERMIT_ALL))
    rules.chmod(0o644)
    done = net.dual.done("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "-f", rules, "2222",
                         stdin=subprocess.DEVNULL, text=True)
    equal(done.returncode, 1, f"exit code ({done.stderr})")
    contains(done.stderr, "needs root", "what it says")


VSFTPD = f"""listen=YES
listen_address={FOUR}
background=NO
anonymous_enable=YES
no_anon_password=YES
connect_from_port_20=YES
vsftpd_log_file=/dev/null
seccomp_sandbox=NO
"""


@test("faithd: ftp, passive and active, its data connections too, beside the gateway's relay or alone (D35, D50)", seconds=60,
      needs=("vsftpd", "curl"))
def ftp(t):
    net, gw = newsletter(t)
    root = t.tmp / "ftp"
    root.mkdir()
    (t.tmp / "empty").mkdir()
    os.chown(root, 0, pwd.getpwnam("ftp").pw_gid)
    data = noise(1 << 20, 3)
    (root / "file").write_bytes(data)
    conf = t.write("vsftpd.conf", VSFTPD + f"anon_root={root}\nsecure_chroot_dir={t.tmp}/empty\n")
    Program(net.four, "vsftpd", conf, port=21)

    def fetch(how, mode):
        out = t.tmp / f"fetched-{mode}"
        net.six.run("curl", "-sS", "--fail", "--max-time", PATIENCE, *how, "-o", out, f"ftp://[{TARGET}]/file")
        equal(out.read_bytes(), data, f"the file, {mode}")

    for words in (["--no-relay"], []):
        gw.load(*words)
        faithd = Faithd(t, net.dual, "ftp")
        with gw.counts(SERVICE_STEERED=more(2), STEERED=0, NO_LISTENER=0):
            fetch([], "passive")
        with gw.counts(SERVICE_STEERED=more(1), STEERED=0):
            fetch(["-P", "-"], "active")
        contains(faithd.text(), "starting ftp control connection", "the log")
        faithd.end()
        gw.unload()


if __name__ == "__main__":
    main()
