#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Looking inside: what is in force, what would happen and why, what happened; and that
looking changes nothing.
"""
import re
import signal
import subprocess

from gateway import PREFIX, newsletter, on
from harness import check, contains, equal, main, test, wait_for
from hosts import FOUR, SIX
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


class Foreground:
    """A gateway whose log is a file."""

    def __init__(self, t, gw, rules):
        self.path = t.tmp / "log"
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen(
                gw.argv("load", "eth0", "--foreground", "-c", gw.config(""), "--prefix", PREFIX + "/96",
                        "--acl", t.write("faithd.conf", rules)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        t.callback(self.end)
        wait_for(lambda: "ready" in self.text(), "the gateway")

    def text(self):
        return self.path.read_text(errors="replace")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@test("inspect: a denial by the kernel is in the log, with the deciding rule as FILE:LINE")
def witness(t):
    net, gw = newsletter(t)
    log = Foreground(t, gw, RULES)
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
    log = Foreground(t, gw, RULES)
    equal(banner(net.six, on("192.0.2.3"), PORT), "refused", "who answered before")
    t.write("faithd.conf", "\n\n\n" + RULES.replace("192.0.2.3", "192.0.2.4"))
    gw.run("reload")
    equal(banner(net.six, on("192.0.2.4"), PORT), "refused", "who answered after")
    wait_for(lambda: "faithd.conf:5)" in log.text(), "the rule of now")
    contains(log.text(), "faithd.conf:2)", "the rule of before")


if __name__ == "__main__":
    main()
