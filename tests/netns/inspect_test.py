#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Looking inside: what is in force, what would happen and why, what happened; and that
looking changes nothing.
"""
import json
import re

import kernel
from faithd import Faithd
from gateway import PINS, PREFIX, Foreground, newsletter, on
from harness import check, contains, equal, main, test, wait_for
from hosts import FOUR, SIX, ended
from peers import Banner, banner

PORT = 2222
TARGET = on(FOUR)
RULES = ("# who may reach what\n"
         "2001:db8:6::/64 deny 192.0.2.3\n"
         "2001:db8:6::/64 permit 192.0.2.0/29 port 22,2222\n"
         "2001:db8:6::/64 permit 127.0.0.0/8\n")


def loaded(t, rules=RULES, *words):
    net, gw = newsletter(t)
    gw.load("--acl", t.write("faithd.conf", rules), *words)
    return net, gw, Banner(net.four, "0.0.0.0", PORT)


def in_foreground(t, gw, rules):
    return Foreground(t, gw, "-c", gw.config(""), "--prefix", PREFIX + "/96", "--acl", t.write("faithd.conf", rules))


@test("inspect: a denial by the kernel is in the log, with the deciding rule as FILE:LINE")
def witness(t):
    net, gw = newsletter(t)
    log = in_foreground(t, gw, RULES)
    for target in ("192.0.2.3", "192.0.2.9"):
        equal(banner(net.six, on(target), PORT), "refused", f"who answered as {target}")
    wait_for(lambda: log.text().count("not permitted") >= 2, "two lines in the log")
    where = r"translation not permitted from 2001:db8:6::2 to \[%s\]:2222 \(%s:2222\): "
    check(re.search(where % (on("192.0.2.3"), "192.0.2.3") + r"denied by a rule \(.*faithd\.conf:2\)", log.text()),
          f"the rule is not named: {log.text()}")
    check(re.search(where % (on("192.0.2.9"), "192.0.2.9") + "denied: no rule matches", log.text()),
          f"no line of the other: {log.text()}")


@test("inspect: a denial of the rules before a reload is logged with its own rule")
def witness_over_reload(t):
    net, gw = newsletter(t)
    log = in_foreground(t, gw, RULES)
    equal(banner(net.six, on("192.0.2.3"), PORT), "refused", "who answered before")
    t.write("faithd.conf", "\n\n\n" + RULES.replace("192.0.2.3", "192.0.2.4"))
    gw.run("reload")
    equal(banner(net.six, on("192.0.2.4"), PORT), "refused", "who answered after")
    wait_for(lambda: "faithd.conf:5)" in log.text(), "the rule of now")
    contains(log.text(), "faithd.conf:2)", "the rule of before")


def hits(gw):
    return {rule["line"]: rule["hits"] for rule in json.loads(gw.run("acl", "show", "--json").out)}


@test("inspect: events are remembered, and told to those who follow as they happen")
def events(t):
    net, gw, _ = loaded(t)
    with gw.counts(ACL_DENY=1):
        equal(banner(net.six, on("192.0.2.3"), PORT), "refused", "who answered")

    def shown():
        return [json.loads(line) for line in gw.run("events", "--json").out.splitlines()]

    wait_for(lambda: len(shown()) == 1, "an event")
    denial = shown()[0]
    equal((denial["reason"], denial["client"], denial["target"], denial["port"], denial["rule"]["line"]),
          ("ACL_DENY", "2001:db8:6::2", "192.0.2.3", PORT, 2), "the event")
    log = t.tmp / "followed"
    with open(log, "wb") as out:
        follower = gw.start("events", "--follow", stdout=out)
    t.callback(follower.kill)
    wait_for(lambda: "ACL_DENY" in log.read_text(), "what is remembered")
    equal(banner(net.six, on("192.0.2.9"), PORT), "refused", "who answered")
    wait_for(lambda: "ACL_NO_MATCH" in log.read_text(), "what happens")
    contains(log.read_text(), "translation not permitted from 2001:db8:6::2", "what people read")
    gw.unload()
    equal(ended(follower), 0, "exit status of the follower when the gateway is gone")


@test("inspect: acl show lists the rules in order with FILE:LINE, text and hits, also without a daemon")
def show(t):
    net, gw, _ = loaded(t)
    listed = json.loads(gw.run("acl", "show", "--json").out)
    equal([sorted(rule) for rule in listed], [["file", "hits", "line", "text"]] * 3, "keys")
    equal([rule["line"] for rule in listed], [2, 3, 4], "lines")
    equal(listed[0]["text"], "2001:db8:6::/64 deny 192.0.2.3/32", "text")
    check(listed[0]["file"].endswith("faithd.conf"), f"file: {listed[0]}")
    equal(hits(gw), {2: 0, 3: 0, 4: 0}, "hits at first")
    held = net.six.connect(TARGET, PORT)  # what comes late for an ended connection would count again
    equal(held.recv(100), b"four\n", "who answered")
    for _ in range(2):
        equal(banner(net.six, on("192.0.2.3"), PORT), "refused", "who answered as 192.0.2.3")
    equal(hits(gw), {2: 2, 3: 1, 4: 0}, "hits")
    contains(gw.run("acl", "show").out, "faithd.conf:2: 2001:db8:6::/64 deny 192.0.2.3/32", "the page")
    gw.kill()
    equal(hits(gw), {2: 2, 3: 1, 4: 0}, "hits after the daemon's death")


@test("inspect: acl show after a reload: an unchanged rule keeps its hits, also behind others")
def show_after_reload(t):
    net, gw, _ = loaded(t)
    held = net.six.connect(TARGET, PORT)
    equal(held.recv(100), b"four\n", "who answered")
    t.write("faithd.conf", "2001:db8:6::/64 deny 192.0.2.7\n" + RULES)
    gw.run("reload")
    equal(hits(gw), {1: 0, 3: 0, 4: 1, 5: 0}, "hits")


VERDICTS = (
    ("192.0.2.2", PORT, 0, "ACL_PERMIT", 3),
    ("192.0.2.3", PORT, 1, "ACL_DENY", 2),
    ("192.0.2.2", 80, 1, "ACL_NO_MATCH", None),
    ("198.51.100.1", PORT, 1, "ACL_NO_MATCH", None),
    ("127.0.0.1", PORT, 1, "NEVER_TARGET", 4),
    ("192.0.2.1", PORT, 1, "OWN_TARGET", 3),
)


@test("inspect: acl test says verdict, rule and generation of what is in force, also without a daemon")
def test_live(t):
    net, gw, _ = loaded(t)
    for alive in (True, False):
        if not alive:
            gw.kill()
        for target, port, rc, reason, line in VERDICTS:
            said = json.loads(gw.run("acl", "test", SIX, target, port, "--json", rc=rc).out)
            equal(said["verdict"], "deny" if rc else "permit", f"verdict on {target}")
            equal(said["reason"], reason, f"reason for {target}")
            equal(said["generation"], 1, "generation")
            equal(said["rule"] and said["rule"]["line"], line, f"rule for {target}")
    contains(gw.run("acl", "test", SIX, "192.0.2.3", rc=1).out, "faithd.conf:2: ", "the rule in words")


@test("inspect: acl test --acl asks the file, without root and without a gateway; 2 for what is wrong")
def test_offline(t):
    net, gw = newsletter(t)
    rules, config = t.write("faithd.conf", RULES), gw.config('[faith]\nnever = ["192.0.2.5"]\n')

    def ask(target, port, file=rules):
        return gw.run_less(("setpriv", "--reuid", "65534", "--clear-groups"), "acl", "test", SIX, target, port,
                           "--acl", file, "-c", config, "--json")

    for target, port, want in (("192.0.2.2", PORT, ("permit", "ACL_PERMIT", 3)),
                               ("192.0.2.3", PORT, ("deny", "ACL_DENY", 2)),
                               ("192.0.2.5", PORT, ("deny", "NEVER_TARGET", 3)),
                               ("192.0.2.2", 80, ("deny", "ACL_NO_MATCH", None))):
        done = ask(target, port)
        said = json.loads(done.out)
        equal((said["verdict"], said["reason"], said["rule"] and said["rule"]["line"]), want, f"{target} {port}")
        equal(done.rc, 0 if want[0] == "permit" else 1, f"exit code for {target} {port}")
        equal(said["generation"], None, "generation")
    done = ask("192.0.2.2", PORT, t.write("wrong.conf", "::/0 allow 192.0.2.2\n"))
    equal(done.rc, 2, "exit code for a wrong file")
    contains(done.err, "wrong.conf:1:6: ", "where the file is wrong")
    for words in ((SIX, "2001:db8::1"), ("192.0.2.9", "192.0.2.2"), (SIX, "192.0.2.2", 70000), (SIX,)):
        gw.run("acl", "test", *words, "--acl", rules, rc=2)


def explain(gw, *words, rc):
    return json.loads(gw.run("explain", *words, "--json", rc=rc).out)


@test("inspect: explain asks the programs: verdict, reason, rule, target, generation and listener")
def explained(t):
    net, gw, _ = loaded(t)
    for target, port, rc, reason, line in VERDICTS:
        said = explain(gw, SIX, on(target), port, rc=rc)
        equal((said["verdict"], said["reason"]), ("deny" if rc else "permit", reason), f"{target} {port}")
        equal(said["target"], target, "target")
        if reason.startswith("ACL_"):
            equal(said["rule"] and said["rule"]["line"], line, f"rule for {target}")
        equal(said["generation"], 1, "generation")
        equal(said["listener"], rc == 0, "listener")
        equal(said["client_hears"], "a reset" if rc else "the server", "what the client hears")
        equal(explain(gw, SIX, target, port, rc=rc), said, "the same by its IPv4 address")
    equal(explain(gw, "2002:7f00:1::1", TARGET, PORT, rc=1)["reason"], "BAD_SOURCE", "6to4 of 127.0.0.1")
    equal(explain(gw, SIX, "2001:db8:6::1", rc=1)["verdict"], "pass", "verdict on an address outside")
    contains(gw.run("explain", SIX, "192.0.2.3", PORT, rc=1).out, "faithd.conf:2: ", "the rule in words")
    for words in ((SIX, "four.example"), ("192.0.2.9", TARGET), (SIX, TARGET, 0), (SIX,)):
        gw.run("explain", *words, rc=2)
    equal(hits(gw), {2: 0, 3: 0, 4: 0}, "hits")
    equal(gw.reasons()["STEERED"], 0, "connections steered")
    t.write("faithd.conf", "::/0 permit 0.0.0.0/0\n")
    gw.run("reload")
    said = explain(gw, SIX, "192.0.2.3", PORT, rc=0)
    equal((said["generation"], said["rule"]["line"]), (2, 1), "generation and rule after a reload")


@test("inspect: explain sees the switch, the captured ports, and that nobody listens")
def explained_switches(t):
    net, gw = newsletter(t)
    gw.load("-c", gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\nports = [22]\n'))
    equal(explain(gw, SIX, FOUR, 22, rc=0)["reason"], "ACL_PERMIT", "reason on a captured port")
    equal(explain(gw, SIX, FOUR, 23, rc=1)["reason"], "PORT_NOT_CAPTURED", "reason on another")
    gw.run("keepfaith", "off")
    said = explain(gw, SIX, FOUR, 22, rc=1)
    equal((said["reason"], said["client_hears"]), ("DROP_KEEPFAITH_OFF", "nothing"), "with keepfaith off")
    gw.run("keepfaith", "on")
    gw.kill()
    equal(explain(gw, SIX, FOUR, 22, rc=1)["reason"], "NO_LISTENER", "reason without a relay")


REMOTE_SHELLS = """
[[service]]
port = "shell"
alg = "rsh"
"""


@test("inspect: explain knows what the relay refuses: rlogin and rsh unless a [[service]] turns them on (D59)")
def explained_services(t):
    net, gw = newsletter(t)
    config = f'[faith]\nprefixes = ["{PREFIX}/96"]\n'
    # With another answer to denials of the kernel: the relay's is a reset in any case.
    gw.load("-c", gw.config(config + 'deny = "silent"\n'))
    before = gw.reasons()
    for port in (513, 514):
        said = explain(gw, SIX, FOUR, port, rc=1)
        equal((said["verdict"], said["reason"], said["listener"], said["client_hears"]),
              ("deny", "REMOTE_SHELL_OFF", True, "a reset"), f"port {port}")
        equal(banner(net.six, TARGET, port), "refused", f"what a client of port {port} hears")
    contains(gw.run("explain", SIX, FOUR, 514, rc=1).out, "deny: rlogin or rsh, which only a [[service]] turns on", "in words")
    equal(gw.reasons()["REMOTE_SHELL_OFF"] - before["REMOTE_SHELL_OFF"], 2, "REMOTE_SHELL_OFF, of the clients alone")
    equal(explain(gw, SIX, FOUR, 515, rc=0)["reason"], "ACL_PERMIT", "another port")
    gw.config(config + 'deny = "silent"\n' + REMOTE_SHELLS)
    equal(explain(gw, SIX, FOUR, 514, rc=1)["reason"], "REMOTE_SHELL_OFF", "what the file says and nobody has reloaded")
    gw.run("reload")
    equal(explain(gw, SIX, FOUR, 514, rc=0)["client_hears"], "the server", "after a reload")
    equal(explain(gw, SIX, FOUR, 513, rc=1)["reason"], "REMOTE_SHELL_OFF", "the other one")
    # A program that has captured the port decides for itself.
    gw.unload()
    gw.load("-c", gw.config(config))
    faithd = Faithd(t, net.dual, "-p", "login")
    equal(explain(gw, SIX, FOUR, 513, rc=0)["client_hears"], f"faithd (process {faithd.process.pid}), which captured the port", "faithd")


@test("inspect: explain and acl test count nothing, take no token and tell no event")
def no_trace(t):
    net, gw, _ = loaded(t, RULES + "::/0 permit 0.0.0.0/0 limit 1/s\n")
    gw.kill()  # nobody reads the ring, so what is in it stays there

    maps = PINS / str(net.dual.inode) / "abi1/maps"

    def dump(name):
        return json.loads(net.dual.run("bpftool", "-j", "map", "dump", "pinned", maps / name))

    def traces():
        # Neighbour discovery goes on beside us, and is no packet to a prefix.
        reasons = [entry["formatted"] for entry in dump("fgw_reasons") if entry["formatted"]["key"] >= 4]
        return {"fgw_reasons": reasons, "fgw_rates": dump("fgw_rates"), "fgw_events_lost": dump("fgw_events_lost"),
                "hits": hits(gw), "ring": kernel.ring_bytes(maps / "fgw_events")}

    before = traces()
    for target in ("192.0.2.2", "192.0.2.3", "198.51.100.7", "127.0.0.1"):
        for _ in range(3):
            gw.run("explain", SIX, target, PORT, rc=None)
            gw.run("acl", "test", SIX, target, PORT, rc=None)
    after = traces()
    for name in before:
        equal(after[name], before[name], name)


@test("inspect: bpftool reads the rules as names and numbers", needs=("bpftool",))
def readable(t):
    net, gw, _ = loaded(t)
    dump = net.dual.run("bpftool", "map", "dump", "pinned", PINS / str(net.dual.inode) / "abi1/maps/fgw_acl")
    for name in ("source", "target", "line", "permit", "limit_per_second", "file"):
        contains(dump, f'"{name}": ', "what bpftool prints")
    contains(dump, '"line": 2', "a rule's line")


@test("inspect: without a gateway the live questions say so, exit 1")
def not_loaded(t):
    net, gw = newsletter(t)
    for words in (("acl", "show"), ("acl", "test", SIX, FOUR), ("explain", SIX, FOUR)):
        contains(gw.run(*words, rc=1).err, "not loaded", "the message")


if __name__ == "__main__":
    main()
