#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""faithd between its command line and the configuration of the gateway that is loaded (D43, D57-D59)."""
import signal

from faithd import PERMIT_ALL, Faithd, run
from gateway import PREFIX, newsletter, on
from harness import SLOW, contains, equal, main, test
from hosts import FOUR
from peers import ending, pair

TARGET = on(FOUR)
TRUST = "servers of port {} trust the host that a connection comes from, which is this gateway for all its clients (RFC 3142 7)"
WITHOUT_P = "servers of port 513 refuse clients that come from no reserved port; see -p"


@test("faithd: who turns on rlogin or rsh is warned of it, at the terminal too; nobody else is (D57, D58, D59)")
def remote_shell_warning(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    faithd = Faithd(t, net.dual, "-p", "login")
    contains(faithd.text(), TRUST.format(513), "the log")
    faithd.end()
    rules = t.write("faithd.conf", PERMIT_ALL)
    equal(run(t, net.dual, "-p", "-f", rules, "shell"), f"faithd: -p: {TRUST.format(514)}\n", "with -p")
    equal(run(t, net.dual, "-f", rules, "login"), f"faithd: {WITHOUT_P}\n", "without -p")
    equal(run(t, net.dual, "-p", "-f", rules, "2222"), "", "another service")


@test("faithd: its timeouts are those of the loaded gateway's configuration, for its port or in general, also anew (D43)")
def timeouts(t):
    net, gw = newsletter(t)
    limit = f'idle_timeout = "{int(500 * SLOW)}ms"\n'

    def config(*parts):
        return gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\n' + "".join(parts))

    gw.load("--no-relay", "-c", config("[[service]]\nport = 2222\n" + limit))
    servers = {port: net.four.listen(FOUR, port) for port in (2222, 2223)}
    first, second = Faithd(t, net.dual, "2222"), Faithd(t, net.dual, "2223")
    client, peer = pair(net, TARGET, 2222, servers[2222])
    other, other_peer = pair(net, TARGET, 2223, servers[2223])
    equal((ending(client), ending(peer)), ("rst", "rst"), "how an idle session of 2222 ends")
    other.sendall(b"alive")
    equal(other_peer.recv(16), b"alive", "a session of 2223, as idle")
    # SIGHUP reads them again; sessions keep what they began with.
    config("[relay]\n" + limit)
    second.signal(signal.SIGHUP)
    second.wait("reloaded")
    client, peer = pair(net, TARGET, 2223, servers[2223])
    equal((ending(client), ending(peer)), ("rst", "rst"), "how an idle session of 2223 ends after SIGHUP")
    other.sendall(b"alive")
    equal(other_peer.recv(16), b"alive", "the session from before")
    config("[nonsense\n")
    first.signal(signal.SIGHUP)
    first.wait("timeouts stay as they are")
    client, peer = pair(net, TARGET, 2222, servers[2222])
    equal((ending(client), ending(peer)), ("rst", "rst"), "with a file that makes no sense")


if __name__ == "__main__":
    main()
