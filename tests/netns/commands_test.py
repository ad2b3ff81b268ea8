#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line as scripts rely on it: check, map, version, status and their --json,
exit codes, and which of them need no root (interface.md).
"""
import json
import re
import subprocess

from gateway import PREFIX, newsletter, on
from harness import ROOT, check, contains, equal, main, test
from hosts import FOUR, ended
from peers import Banner, as_nobody, banner


@test("commands: check validates offline and without root: 0 good, 2 bad with FILE:LINE:COL", needs=("setpriv",))
def check_offline(t):
    _, gw = newsletter(t)
    good = gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\nacl = "rules"\n')
    t.write("rules", "::/0 permit 192.0.2.0/24\n")
    done = gw.run_less(as_nobody(), "check", "-c", good)
    equal(done.rc, 0, f"exit code of a good configuration ({done.err.strip()})")
    t.write("rules", "::/0 permit 192.0.2.0/24\n\n::/0 permit nonsense\n")
    done = gw.run_less(as_nobody(), "check", "-c", good)
    equal(done.rc, 2, "exit code of bad rules")
    contains(done.err, "rules:3:13:", "the message")
    bad = gw.config("[faith]\nkeepfaith = maybe\n")
    done = gw.run_less(as_nobody(), "check", "-c", bad)
    equal(done.rc, 2, "exit code of a bad configuration")
    contains(done.err, "faith-gw.toml:2:", "the message")


@test("commands: map goes both ways, by the default prefix, and refuses what is neither")
def map_both_ways(t):
    _, gw = newsletter(t)
    config = ["-c", gw.config("")]
    contains(gw.run("map", "192.0.2.33", *config).out, "64:ff9b::c000:221", "map of an IPv4 address")
    contains(gw.run("map", "64:ff9b::c000:221", *config).out, "192.0.2.33", "map of an IPv6 address")
    contains(gw.run("map", "64:ff9b::192.0.2.33", *config).out, "192.0.2.33", "map of a dotted IPv6 address")
    gw.run("map", "four.example", *config, rc=2)
    gw.run("map", rc=2)
    outside = gw.run("map", "2001:db8::1", *config, rc=None)
    equal(outside.rc, 1, "exit code for an address outside every prefix")
    json.loads(gw.run("map", "192.0.2.33", "--json", *config).out)


@test("commands: version, --version and help answer with exit 0")
def version(t):
    _, gw = newsletter(t)
    for words in (["version"], ["--version"], ["--help"], ["load", "--help"]):
        done = gw.run(*words, rc=None)
        equal((done.rc, bool(done.out.strip()), done.err), (0, True, ""), f"faith-gw {' '.join(words)}")
    contains(gw.run("version").out, gw.status()["version"], "version")


@test("commands: help lists each of them, however it is asked for, and two of them are one too many")
def two_commands(t):
    _, gw = newsletter(t)
    listed = gw.run("help").out
    for name in ("load", "doctor", "help"):
        contains(listed, f"\n  {name} ", "the list")
    for words in (["--help"], ["-h"], ["--help", "--", "status"]):
        equal(gw.run(*words).out, listed, f"faith-gw {' '.join(words)}")
    for words in (["status", "load"], ["help", "load"]):
        contains(gw.run(*words, rc=2).err, "not expected: load", f"faith-gw {' '.join(words)}")
    contains(gw.run("load", "eth0", "status", rc=1).err, "no interface 'status'", "a name where interfaces are")


@test("commands: status --json has every promised key, loaded or not")
def status_json(t):
    net, gw = newsletter(t)
    equal(gw.status()["loaded"], False, "loaded before load")
    gw.load()
    Banner(net.four, FOUR, 2222)
    banner(net.six, on(FOUR), 2222)
    status = gw.status()
    promised = {"version", "loaded", "interfaces", "prefixes", "keepfaith", "acl", "relay", "reasons"}
    equal(promised - set(status), set(), "keys that are missing")
    equal(status["loaded"], True, "loaded")
    index = net.dual.ifindex("eth0")
    equal([(i["name"], i["ifindex"], i["xdp_mode"]) for i in status["interfaces"]], [("eth0", index, "native")], "interfaces")
    equal([(p["prefix"], p["layout"]) for p in status["prefixes"]], [(PREFIX + "/96", "faith")], "prefixes")
    equal({"file", "generation", "rules"} - set(status["acl"]), set(), "keys missing in acl")
    relay = {"workers", "sessions_active", "sessions_total", "bytes_to_server", "bytes_to_client", "bytes_spliced",
             "connect_failures"}
    equal(relay - set(status["relay"]), set(), "keys missing in relay")
    named = set(_reasons())
    equal(named - set(status["reasons"]), set(), "reasons missing, zero included")
    equal(set(status["reasons"]) - named, set(), "reasons nobody declared")
    check(all(isinstance(n, int) for n in status["reasons"].values()), "a count that is no number")


def _reasons():
    return re.findall(r"^\s*X\((\w+),", (ROOT / "include/faith/reasons.h").read_text(), re.M)


@test("commands: status says in words what is loaded, and shows counters that are not zero")
def status_text(t):
    net, gw = newsletter(t)
    contains(gw.run("status").out.lower(), "not loaded", "status before load")
    gw.load()
    Banner(net.four, FOUR, 2222)
    banner(net.six, on(FOUR), 2222)
    text = gw.run("status").out
    for word in ("eth0", "native", PREFIX + "/96", "keepfaith", "STEERED", "CONNECTED"):
        contains(text, word, "status")
    check("DROP_UDP" not in text, "a counter that is zero is shown")
    check(all(len(line) <= 100 for line in text.splitlines()), "a line of more than 100 characters")


@test("commands: errors go to standard error, results to standard output; a closed pipe is no crash")
def streams(t):
    _, gw = newsletter(t)
    done = gw.run("check", "-c", str(t.tmp / "absent"), rc=2)
    equal(done.out, "", "standard output of a failure")
    process = gw.start("status", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    check(ended(process, 10) in (0, 1, -13), "status into a closed pipe")


@test("commands: commands that need a loaded gateway say so, exit 1")
def not_loaded(t):
    _, gw = newsletter(t)
    done = gw.run("keepfaith", "off", rc=1)
    contains(done.err, "load", "the message")


if __name__ == "__main__":
    main()
