#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rules changed under traffic: reload, --dry-run, --revoke, SIGHUP, without a daemon; and what
the client of a denied connection hears (D26, D29, V47).
"""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import kernel
from gateway import PREFIX, more, newsletter, on
from harness import SLOW, check, contains, equal, main, test, wait_for
from hosts import FOUR, PINS, STATE, run
from peers import Banner, banner, ending, reset
from snapshot import Footprint, same, snapshot

PORT = 2222
TARGET = on(FOUR)
OPEN, CLOSED, FLIPPING = "192.0.2.2", "192.0.2.3", "192.0.2.4"
SLOTS = 262144  # FGW_ACL_SLOTS
RELOADS, FLIP_EVERY = int(1000 / SLOW), 4  # each waits for the kernel; fewer where all is slow


def maps(gw):
    return PINS / str(gw.host.inode) / "abi1" / "maps"


def generation(gw):
    return run_json("map", "lookup", "pinned", maps(gw) / "fgw_acl_gen", "key", 0, 0, 0, 0)["formatted"]["value"]


def run_json(*words):
    return json.loads(run(["bpftool", "-j", *map(str, words)]))


def hits(gw, target):
    """Of the rule for that IPv4 address, over all stripes."""
    wanted = list(socket.inet_aton(target))
    slots = [entry["formatted"]["key"] for entry in run_json("map", "dump", "pinned", maps(gw) / "fgw_acl")
             if entry["formatted"]["value"]["target"] == wanted]
    equal(len(slots), 1, f"rules for {target} in the kernel")
    keys = [(stripe * SLOTS + slots[0]).to_bytes(4, "little") for stripe in range(8)]
    return sum(run_json("map", "lookup", "pinned", maps(gw) / "fgw_hits", "key", *key)["formatted"]["value"]["packets"]
               for key in keys)


def reload_now(gw):
    """By the daemon's socket: a process for each of a thousand would be most of the time."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10 * SLOW)
        control.connect(str(STATE / str(gw.host.inode) / "control.sock"))
        control.sendall(b'{"do": "reload"}\n')
        answer = json.loads(control.makefile().readline())
    check("ok" in answer, f"reload: {answer}")
    return answer["ok"]


def once(address, seconds=8):
    """A connection and its greeting: who answered, "refused", or why not."""
    with socket.socket(socket.AF_INET6) as made:
        made.settimeout(seconds * SLOW)
        try:
            made.connect((address, PORT))
            said = made.recv(100)
        except ConnectionError:
            return "refused"
        except OSError as error:
            return error.strerror or "silence"
        reset(made)
        return said.decode().strip() or "nothing"


def repeated_syns(host):
    """How many SYNs this host's TCP has sent again."""
    with host:
        names, values = [line.split() for line in pathlib.Path("/proc/thread-self/net/netstat").read_text().splitlines()[:2]]
    return int(values[names.index("TCPSynRetrans")])


class Traffic:
    """Connections without a pause to some targets, each told as (began, ended, outcome)."""

    def __init__(self, host, targets):
        self.host, self.stopping = host, False
        self.told = {target: [] for target in targets}
        self.threads = [threading.Thread(target=self._run, args=(target,), daemon=True) for target in targets]
        for thread in self.threads:
            thread.start()
        host.scope.callback(self.stop)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(10 * SLOW)
            check(not thread.is_alive(), "a client hangs")
        return self.told

    def _run(self, target):
        with self.host:
            while not self.stopping:
                began = time.monotonic()
                outcome = once(on(target))
                self.told[target].append((began, time.monotonic(), outcome))


def thousand(gw, write, traffic):
    """When the flipping target was open and when closed, for certain: [(from, to, open)]. Between two flips every
    target is tried, whatever the machine is busy with: of two more that ended, one began and ended in between."""

    def tried(seen):
        return lambda: all(len(told) >= seen[target] + 2 for target, told in traffic.told.items())

    certain, is_open, since = [], True, time.monotonic()
    for number in range(1, RELOADS + 1):
        if number % FLIP_EVERY == 0:
            certain.append((since, time.monotonic(), is_open))
            is_open = not is_open
        write(is_open, number)
        if number % 50 == 0:
            gw.run("reload")
        else:
            reload_now(gw)
        if number % FLIP_EVERY == 0:
            since = time.monotonic()
        elif number % FLIP_EVERY == FLIP_EVERY - 1:
            wait_for(tried({target: len(told) for target, told in traffic.told.items()}), "traffic between two flips")
    certain.append((since, time.monotonic(), is_open))
    return certain


def judge_flips(told, certain):
    """Every connection that lies within a certain time got what was in force. How many did."""
    judged, at = 0, 0
    for began, ended, outcome in told:
        while at < len(certain) and certain[at][1] < began:
            at += 1
        if at < len(certain) and certain[at][0] <= began and ended <= certain[at][1]:
            equal(outcome, "four" if certain[at][2] else "refused", "the flipping target")
            judged += 1
        else:
            check(outcome in ("four", "refused"), f"the flipping target: {outcome}")
    return judged


@test("reload: 1,000 reloads under traffic: no wrong verdict, no failed connection, hits survive", seconds=200)
def under_traffic(t):
    net, gw = newsletter(t)
    for last in (3, 4):
        net.four.ip(f"addr add 192.0.2.{last}/24 dev eth0")
    Banner(net.four, "0.0.0.0", PORT)

    def write(is_open, number):
        t.write("faithd.conf", f"::/0 deny {CLOSED}\n" + f"2001:db8:{number:x}::/48 permit 10.0.0.0/8\n" * (number % 3)
                + ("" if is_open else f"::/0 deny {FLIPPING}\n") + f"::/0 permit {OPEN}\n::/0 permit 192.0.2.0/28\n")

    write(True, 0)
    gw.load("--acl", str(t.tmp / "faithd.conf"), "--xdp", "generic")
    first = generation(gw)
    traffic = Traffic(net.six, [OPEN, CLOSED, FLIPPING])
    certain = thousand(gw, write, traffic)
    told = traffic.stop()
    equal(generation(gw), first + RELOADS, "generation")
    equal({outcome for _, _, outcome in told[OPEN]}, {"four"}, "what the open target gave")
    equal({outcome for _, _, outcome in told[CLOSED]}, {"refused"}, "what the closed target gave")
    judged = judge_flips(told[FLIPPING], certain)
    t.note(f"{ {target: len(each) for target, each in told.items()} } connections, {judged} flips judged")
    check(judged >= RELOADS // FLIP_EVERY - 1, f"{judged} connections between flips show too little")
    # What was looked up again: a SYN sent twice, and what came for a connection that had just ended.
    again = {CLOSED: repeated_syns(net.six), OPEN: gw.reasons()["STEERED"] - gw.relay()["sessions_total"]}
    for target in (OPEN, CLOSED):
        count, made = hits(gw, target), len(told[target])
        check(made <= count <= made + again[target], f"{made} connections to {target}, {count} hits, {again[target]} again")


def two_sessions(t, *words):
    """Loaded with two targets open, and a session to each."""
    net, gw = newsletter(t)
    net.four.ip("addr add 192.0.2.3/24 dev eth0")
    acl = t.write("faithd.conf", f"::/0 permit {OPEN}\n::/0 permit {CLOSED}\n")
    gw.load("--acl", acl, *words)
    Banner(net.four, "0.0.0.0", PORT)
    sessions = [net.six.connect(on(target), PORT) for target in (OPEN, CLOSED)]
    for each in sessions:
        equal(each.recv(100), b"four\n", "greeting")
    return net, gw, sessions


def still_talks(session):
    session.sendall(b"hello")
    equal(session.recv(100), b"hello", "echo")


@test("reload: --dry-run says what would change, live sessions too, and changes nothing")
def dry_run(t):
    net, gw, sessions = two_sessions(t)
    before = generation(gw)
    t.write("faithd.conf", f"::/0 permit {OPEN}\n::/0 deny 198.51.100.0/24\n")
    said = gw.run("reload", "--dry-run").out
    contains(said, f"faithd.conf:2: ::/0 permit {CLOSED}/32", "the rule that would go")
    contains(said, "faithd.conf:2: ::/0 deny 198.51.100.0/24", "the rule that would come")
    contains(said, "would change: +1 -1 rules; live sessions that would be denied: 1", "summary")
    equal(generation(gw), before, "generation")
    for each in sessions:
        still_talks(each)
    equal(banner(net.six, on(CLOSED), PORT), "four", "who answered under the old rules")


@test("reload: --revoke ends the sessions that are denied now, says how many, and no other")
def revoke(t):
    net, gw, (kept, denied) = two_sessions(t)
    t.write("faithd.conf", f"::/0 permit {OPEN}\n")
    with gw.counts(REVOKED=0):
        contains(gw.run("reload").out, "generation 1 -> 2: +0 -1 rules", "what reload says")
    still_talks(denied)  # a reload alone ends nothing
    with gw.counts(REVOKED=1):
        contains(gw.run("reload", "--revoke").out, "sessions ended: 1\n", "what reload says")
        equal(ending(denied), "rst", "how the denied session ended")
    still_talks(kept)
    equal(banner(net.six, on(CLOSED), PORT), "refused", "who answers there now")


@test("reload: a file with an error changes nothing, exit 2, FILE:LINE:COL (D26, D29, V47)")
def errors(t):
    net, gw, sessions = two_sessions(t)
    before = snapshot(net.dual)
    t.write("faithd.conf", f"::/0 deny {OPEN}\n::/0 permitt {CLOSED}\n")
    for words in (["reload"], ["reload", "--dry-run"], ["reload", "--revoke"]):
        said = gw.run(*words, rc=2).err
        check(re.search(r"faithd\.conf:2:6: \S", said), f"no FILE:LINE:COL in {said!r}")
    gw.config("[faith]\nkeepfaith = 7\n")
    check(re.search(r"faith-gw\.toml:2:13: \S", gw.run("reload", rc=2).err), "no place in the configuration")
    gw.config("")
    equal(generation(gw), 1, "generation")
    same(before, snapshot(net.dual))
    for each in sessions:
        still_talks(each)
    equal(banner(net.six, on(OPEN), PORT), "four", "who answered")


@test("reload: SIGHUP reloads; with an error it changes nothing and the daemon stays")
def sighup(t):
    net, gw, sessions = two_sessions(t)
    (pid,) = gw.pids()
    t.write("faithd.conf", f"::/0 permit {OPEN}\n")
    subprocess.run(["kill", "-HUP", str(pid)], check=True)
    wait_for(lambda: generation(gw) == 2, "generation 2")
    equal(banner(net.six, on(CLOSED), PORT), "refused", "who answered under the new rules")
    t.write("faithd.conf", "nonsense\n")
    subprocess.run(["kill", "-HUP", str(pid)], check=True)
    for _ in range(2):  # answered after the signal, which came first
        equal(gw.status()["acl"]["generation"], 2, "generation after a SIGHUP with an error")
    t.write("faithd.conf", f"::/0 permit {OPEN}\n")
    equal(gw.pids(), [pid], "processes")
    equal(banner(net.six, on(OPEN), PORT), "four", "who answered")
    for each in sessions:
        still_talks(each)


@test("reload: after kill -9 it works on what is pinned, and unload takes everything away")
def without_daemon(t):
    net, gw = newsletter(t)
    clean = snapshot(net.dual)
    seven = net.client("seven", "eth2", "2001:db8:7::")
    acl = t.write("faithd.conf", f"::/0 deny {CLOSED}\n2001:db8:6::/64 permit {OPEN}\n")
    gw.load("--acl", acl, "--permit", "2001:db8:7::/64", "--xdp", "generic")
    held = Footprint(gw)
    with gw.counts(ACL_DENY=1):
        equal(banner(net.six, on(CLOSED), PORT), "refused", "who answered as the closed one")
    gw.kill(signal.SIGKILL)
    equal(hits(gw, CLOSED), 1, "hits of the rule")

    t.write("faithd.conf", f"# one line down\n::/0 deny {CLOSED}\n2001:db8:6::/64 deny {OPEN}\n")
    contains(gw.run("reload", "--dry-run").out, "would change: +1 -1 rules", "what --dry-run says")
    equal(generation(gw), 1, "generation after --dry-run")
    contains(gw.run("reload").out, "generation 1 -> 2: +1 -1 rules", "what reload says")
    equal(generation(gw), 2, "generation")
    equal(hits(gw, CLOSED), 1, "hits of the rule that stayed")
    equal(hits(gw, OPEN), 0, "hits of the rule that came")
    equal(banner(net.six, TARGET, PORT), "refused", "who answered")
    equal(hits(gw, OPEN), 1, "hits of the rule that came, after a connection")
    equal(hits(gw, "0.0.0.0"), 0, "hits of the rule by --permit, which is still there")
    equal(banner(seven, TARGET, PORT), "refused", "who answered a permitted client of a dead relay")

    t.write("faithd.conf", "nonsense\n")
    gw.run("reload", rc=2)
    equal(generation(gw), 2, "generation after an error")
    gw.unload()
    net.dual.ip("link del eth2")
    same(clean, snapshot(net.dual))
    held.gone()


@test("reload: the prefixes cannot change, with a daemon or without: what was captured stays so")
def other_prefixes(t):
    net, gw = newsletter(t)
    Banner(net.dual, "::", PORT, "a stranger")
    text = '[faith]\nprefixes = ["{}/96"]\n'
    gw.load("-c", gw.config(text.format(PREFIX)), "--acl", t.write("faithd.conf", "::/0 permit 0.0.0.0/0\n"))
    gw.config(text.format("2001:db8:fff0::"))
    for _ in range(2):
        contains(gw.run("reload", rc=2).err, "[faith] prefixes cannot change", "what reload says")
        equal(generation(gw), 1, "generation")
        check(banner(net.six, TARGET, PORT) != "a stranger", "a socket of the gateway answers for the prefix")
        if gw.pids():
            gw.kill(signal.SIGKILL)


@test("reload: with nothing loaded it says so and leaves nothing")
def nothing_loaded(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    contains(gw.run("reload", rc=1).err, "not loaded", "what reload says")
    same(before, snapshot(net.dual))


@test("reload: what a denied client hears follows `deny`, at XDP in both modes and in the stack")
def deny(t):
    net, gw = newsletter(t)
    acl = t.write("faithd.conf", "::/0 deny 0.0.0.0/0\n")

    def configure(how):
        return gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\ndeny = "{how}"\n')

    def heard(how):
        configure(how)
        gw.run("reload")
        # An error that arrives within connect() itself, as on a veth, is heard when the SYN
        # is sent again, after a second.
        # And what hears nothing sends its SYN again, too, when everything is slow.
        with gw.counts(ACL_DENY=1 if how == "reset" else more(1)), net.six:
            return once(TARGET, seconds=0.5 if how == "silent" else 4)

    gw.load("-c", configure("reset"), "--acl", acl, "--xdp", "generic")
    for how, want in (("silent", "silence"), ("prohibited", "Permission denied"), ("reset", "refused")):
        equal(heard(how), want, f"generic XDP, deny = {how}")
    gw.unload()
    # Native XDP on veth: a frame sent back arrives only where the peer has XDP, too (with GRO
    # alone it waits in the peer's ring for somebody to wake the peer, Linux 6.18).
    gw.load("-c", configure("reset"), "--acl", acl, "--xdp", "native")
    index = net.dual.ifindex("eth0").to_bytes(4, "little")
    for replies in (0, 1):
        if replies:
            peer = kernel.strangers_program("peer")
            t.callback(os.close, peer)
            with net.six:
                t.callback(os.close, kernel.attach_link(peer, net.six.ifindex("eth0")))
            run(["bpftool", "map", "update", "pinned", str(maps(gw) / "fgw_interfaces"), "key", *map(str, index),
                 "value", "1", *["0"] * 15])  # struct fgw_interface: replies
        for how, want in (("silent", "silence"), ("reset", "refused")):
            equal(heard(how), want, f"native XDP, replies {replies}, deny = {how}")
    equal(heard("prohibited"), "Permission denied", "native XDP, replies 1, deny = prohibited")


if __name__ == "__main__":
    main()
