#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""faithd.conf at work: what is permitted, what is denied, from which address the server
sees it, and that a file with an error opens nothing (D24-D30; V13, V47).
"""
import re

from gateway import PREFIX, newsletter, on
from harness import check, equal, main, test
from hosts import DUAL4, FOUR, PINS, SIX
from peers import Banner, banner
from snapshot import same, snapshot

PORT = 2222
TARGET = on(FOUR)


def loaded(t, rules, *words):
    net, gw = newsletter(t)
    gw.load("--acl", t.write("faithd.conf", rules), *words)
    return net, gw, Banner(net.four, "0.0.0.0", PORT)


@test("acl: permit, deny, no match, each counted; first match wins (D27, D28, V13)")
def verdicts(t):
    net, gw, _ = loaded(t, "2001:db8:6::/64 deny 192.0.2.3\n"
                           "2001:db8:6::/64 permit 192.0.2.0/29\n"
                           "2001:db8:6::/64 deny 192.0.2.2\n")
    for last in (3, 9):
        net.four.ip(f"addr add 192.0.2.{last}/24 dev eth0")
    with gw.counts(ACL_PERMIT=1, ACL_DENY=0, ACL_NO_MATCH=0):
        equal(banner(net.six, TARGET, PORT), "four", "who answered as 192.0.2.2")
    with gw.counts(ACL_PERMIT=0, ACL_DENY=1, ACL_NO_MATCH=0):
        equal(banner(net.six, on("192.0.2.3"), PORT), "refused", "who answered as 192.0.2.3")
    with gw.counts(ACL_PERMIT=0, ACL_DENY=0, ACL_NO_MATCH=1):
        equal(banner(net.six, on("192.0.2.9"), PORT), "refused", "who answered as 192.0.2.9")


@test("acl: the client's address decides (D23)")
def by_source(t):
    net, gw, _ = loaded(t, "2001:db8:6::2 deny 0.0.0.0/0\n2001:db8:6::/64 permit 0.0.0.0/0\n")
    net.six.ip("addr add 2001:db8:6::3/64 dev eth0 nodad")
    equal(banner(net.six, TARGET, PORT, source=("2001:db8:6::2", 0)), "refused", "who answered ::2")
    equal(banner(net.six, TARGET, PORT, source=("2001:db8:6::3", 0)), "four", "who answered ::3")


@test("acl: comments, blanks, tabs, any case, /len left out, and no newline at the end (D24-D26, V13)")
def grammar(t):
    net, gw, _ = loaded(t, "# rules\n\n  \t\n2001:DB8:6::/64\tPERMIT   192.0.2.2 # four\n"
                           "2001:db8:6::/64 Permit 192.0.2.3")
    net.four.ip("addr add 192.0.2.3/24 dev eth0")
    for last in (2, 3):
        equal(banner(net.six, on(f"192.0.2.{last}"), PORT), "four", f"who answered as 192.0.2.{last}")
    equal(gw.status()["acl"]["rules"], 2, "rules in status")


@test("acl: the fourth word is the address the server sees (D24, V13)")
def fourth_word(t):
    net, gw, server = loaded(t, "2001:db8:6::2 permit 192.0.2.2 192.0.2.50\n::/0 permit 0.0.0.0/0\n")
    net.dual.ip("addr add 192.0.2.50/24 dev eth1")
    net.six.ip("addr add 2001:db8:6::3/64 dev eth0 nodad")
    equal(banner(net.six, TARGET, PORT, source=("2001:db8:6::2", 0)), "four", "who answered ::2")
    equal(banner(net.six, TARGET, PORT, source=("2001:db8:6::3", 0)), "four", "who answered ::3")
    equal(server.peers, ["192.0.2.50", DUAL4], "the clients as the server saw them")


@test("acl: `port` narrows a rule")
def ports(t):
    net, gw, _ = loaded(t, f"::/0 permit 0.0.0.0/0 port {PORT},8000-8002\n")
    for port in (8000, 8002, 8003):
        Banner(net.four, FOUR, port)
    for port, want in ((PORT, "four"), (8000, "four"), (8002, "four"), (8003, "refused")):
        equal(banner(net.six, TARGET, port), want, f"who answered on {port}")


@test("acl: without a file the loaded interface's networks may reach everything permitted, others nothing (D29)")
def default_rules(t):
    net, gw = newsletter(t)
    seven = net.client("seven", "eth2", "2001:db8:7::")
    net.six.ip("addr add 2001:db8:77::2/64 dev eth0 nodad")
    net.dual.ip("-6 route add 2001:db8:77::/64 dev eth0")
    Banner(net.four, FOUR, PORT)
    gw.load()
    equal(banner(net.six, TARGET, PORT, source=(SIX, 0)), "four", "who answered the loaded interface's network")
    with gw.counts(ACL_NO_MATCH=2):
        equal(banner(seven, TARGET, PORT), "refused", "who answered another interface")
        equal(banner(net.six, TARGET, PORT, source=("2001:db8:77::2", 0)), "refused", "who answered another network")


@test("acl: --permit adds a network to the default")
def permit(t):
    net, gw = newsletter(t)
    seven = net.client("seven", "eth2", "2001:db8:7::")
    Banner(net.four, FOUR, PORT)
    gw.load("--permit", "2001:db8:7::/64")
    equal(banner(seven, TARGET, PORT), "four", "who answered the permitted network")
    equal(banner(net.six, TARGET, PORT), "four", "who answered the loaded interface's network")


@test("acl: an empty file permits nothing, unlike faithd (D29, V13)")
def empty_file(t):
    net, gw = newsletter(t)
    Banner(net.four, FOUR, PORT)
    for rules in ("", "# nothing but a comment\n"):
        gw.load("--acl", t.write("faithd.conf", rules))
        with gw.counts(ACL_NO_MATCH=1):
            equal(banner(net.six, TARGET, PORT), "refused", "who answered")
        gw.unload()


@test("acl: a file with an error is refused as FILE:LINE:COL, exit 2, and nothing is loaded (D26, D29, V47)")
def errors(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    good = "2001:db8:6::/64 permit 192.0.2.0/24\n"
    bad = {
        "2001:db8:6::/64 allow 192.0.2.2\n": 17,
        "2001:db8:6::/200 permit 192.0.2.2\n": 1,
        "2001:db8:6::/64 permit 192.0.2.2/33\n": 24,
        "2001:db8:6::/64 permit 192.0.2.256\n": 24,
        "2001:db8:6::/64 permit four.example\n": 24,
        "192.0.2.0/24 permit 192.0.2.2\n": 1,
        "2001:db8:6::/64 permit 2001:db8::1\n": 24,
        "2001:db8:6::/64 permit\n": None,
        "2001:db8:6::/64 permit 192.0.2.2 192.0.2.1/24\n": 34,
        "2001:db8:6::/64 permit 192.0.2.2 192.0.2.1 nonsense\n": 44,
        "2001:db8:6::/64 permit 192.0.2.2 port 70000\n": None,
        "\xff\x00binary\n": None,
    }
    for line, column in bad.items():
        path = t.write("faithd.conf", (good + line + good).encode("latin-1"))
        said = gw.load("--acl", path, rc=2).err
        found = re.search(r"faithd\.conf:(\d+):(\d+): \S", said)
        check(found, f"no FILE:LINE:COL about {line!r} in {said!r}")
        equal(int(found[1]), 2, f"line of the error about {line!r}")
        if column:
            column_said = int(found[2])
            check(column <= column_said <= column + 20, f"column of the error about {line!r}: {column_said}, want {column}")
    same(before, snapshot(net.dual))
    check(not (PINS / str(net.dual.inode)).exists(), "pins after a refused load")


@test("acl: a file that is named but missing is an error; nothing is loaded (D6, V47)")
def missing_file(t):
    net, gw = newsletter(t)
    said = gw.load("--acl", str(t.tmp / "absent"), rc=None)
    check(said.rc in (1, 2), f"exit code {said.rc}")
    check("absent" in said.err, f"the file is not named in {said.err!r}")
    equal(gw.status(rc=None)["loaded"], False, "loaded")


@test("acl: `acl` in the configuration is looked for beside that file")
def beside_the_configuration(t):
    net, gw = newsletter(t)
    t.write("beside.conf", "::/0 deny 0.0.0.0/0\n")
    gw.load("-c", gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\nacl = "beside.conf"\n'))
    Banner(net.four, FOUR, PORT)
    with gw.counts(ACL_DENY=1):
        equal(banner(net.six, TARGET, PORT), "refused", "who answered")
    acl = gw.status()["acl"]
    check(acl["file"].endswith("beside.conf"), f"acl file in status: {acl}")
    equal(acl["rules"], 1, "rules in status")


if __name__ == "__main__":
    main()
