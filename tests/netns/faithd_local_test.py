#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""faithd with serverpath and serverargs: a local server for the gateway's own addresses (D5, D15, D17)."""
import signal
import socket

from faithd import PERMIT_ALL, Faithd, run
from gateway import more, newsletter, on
from harness import contains, equal, main, test, wait_for
from hosts import DUAL6, FOUR, SIX
from peers import Banner, banner, ending

TARGET = on(FOUR)


@test("faithd: serverpath runs for each connection to an own address, with its words; the prefix is relayed (D5, D15, D17)")
def local_server(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    Banner(net.four, FOUR, 2222)
    faithd = Faithd(t, net.dual, "2222", "/bin/sh", "telnetd", "-c", 'echo "local $0 $REMOTE_ADDR"; cat >/dev/null')
    equal(banner(net.six, DUAL6, 2222), f"local telnetd {SIX}", "on the gateway's own address")
    faithd.wait("executing /bin/sh")
    with gw.counts(SERVICE_STEERED=more(1)):
        equal(banner(net.six, TARGET, 2222), "four", "on an address of the prefix")
    net.dual.ip(f"-6 addr add {TARGET}/128 dev eth0 nodad")
    wait_for(lambda: banner(net.six, TARGET, 2222) == f"local telnetd {SIX}", "the address to be the gateway's")
    talking = net.six.connect(DUAL6, 2222)
    equal(talking.recv(5, socket.MSG_WAITALL), b"local", "a local server that goes on")
    faithd.signal(signal.SIGTERM)
    equal(faithd.exit_code(), 0, "exit code while a local server runs")
    talking.sendall(b"still there\n")
    talking.shutdown(socket.SHUT_WR)
    equal(ending(talking), "fin", "the end of the local server")


@test("faithd: a local server that cannot be is said to the starter; one word is enough of it (D5)", needs=("sshd",))
def local_server_words(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    good = t.write("good.conf", PERMIT_ALL)
    contains(run(t, net.dual, "-f", good, "2222", "/no/such/telnetd", rc=1), "/no/such/telnetd", "a program that is missing")
    contains(run(t, net.dual, "-f", good, "2222", "telnetd", rc=2), "absolute path", "a relative path")
    # The manual page has BSD's directories.
    contains(run(t, net.dual, "-f", good, "2222", "/usr/libexec/sshd", "sshd", "-i", rc=1),
             "/usr/libexec/sshd: No such file or directory; there is /usr/sbin/sshd", "a program that is elsewhere")
    Banner(net.dual, "::", 2222)
    contains(run(t, net.dual, "-f", good, "2222", "/bin/cat", rc=1), "port 2222 is in use", "a port in use")
    Faithd(t, net.dual, "2223", "/bin/cat")
    local = net.six.connect(DUAL6, 2223)
    local.sendall(b"echo")
    equal(local.recv(4, socket.MSG_WAITALL), b"echo", "what cat says")


if __name__ == "__main__":
    main()
