#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What daemons say to syslog(3): facility, name and process, as a syslog daemon hears it."""
import pathlib
import re
import socket
import subprocess

from gateway import BINARY, newsletter, on
from harness import check, equal, main, test, wait_for
from hosts import FOUR, ended
from peers import Banner, banner

FAITHD = str(pathlib.Path(BINARY).parent / "faithd")
DAEMON, INFO, DEBUG = 3, 6, 7  # of <syslog.h>
# A /dev of the program's own, where /dev/log is the test's socket.
OWN_DEV = """
mkdir "$1/dev" && mount --rbind /dev "$1/dev" && mount -t tmpfs none /dev || exit 99
for name in null zero full random urandom tty; do touch /dev/$name && mount --bind "$1/dev/$name" /dev/$name; done
ln -s "$1/log" /dev/log
shift
unset JOURNAL_STREAM
exec "$@"
"""


class Syslog:
    """A syslog daemon for one program."""

    def __init__(self, t):
        self.place = t.tmp / "syslog"
        self.place.mkdir()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        t.callback(self.socket.close)
        self.socket.bind(str(self.place / "log"))
        self.socket.setblocking(False)
        self.wrapper = ["unshare", "-m", "sh", "-c", OWN_DEV, "sh", self.place]
        self.lines = []

    def heard(self, words):
        """(facility, severity, name, process) of the first line with these words."""
        def look():
            try:
                while True:
                    self.lines.append(self.socket.recv(8192).decode())
            except BlockingIOError:
                pass
            return next((line for line in self.lines if words in line), None)

        line = wait_for(look, f"{words!r} at syslog")
        found = re.fullmatch(r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (.+)\[(\d+)\]: .*", line.rstrip("\n\0"))
        check(found, f"not the form of syslog(3): {line!r}")
        return int(found[1]) >> 3, int(found[1]) & 7, found[2], int(found[3])


@test("syslog: the gateway in the background: facility daemon, its name and process (D10)", needs=("unshare",))
def gateway(t):
    net, gw = newsletter(t)
    syslog = Syslog(t)
    gw.load("--acl", t.write("faithd.conf", "::/0 deny 192.0.2.3\n"), wrapper=syslog.wrapper)
    (pid,) = gw.pids()
    equal(banner(net.six, on("192.0.2.3"), 2222), "refused", "who answered")
    equal(syslog.heard("translation not permitted"), (DAEMON, INFO, "faith-gw", pid), "the denial")


@test("syslog: faithd in the background: facility daemon, its name and service, its process (D10)", needs=("unshare",))
def faithd(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    Banner(net.four, FOUR, 2222)
    syslog = Syslog(t)
    rules = t.write("faithd.conf", "::/0 permit 0.0.0.0/0\n")
    equal(ended(net.dual.start(*syslog.wrapper, FAITHD, "-d", "-f", rules, "2222", stdin=subprocess.DEVNULL)), 0, "exit code")
    (service,) = gw.status()["services"]
    whose = ("faithd 2222", service["pid"])
    equal(syslog.heard("Starting faith daemon for 2222 port"), (DAEMON, INFO, *whose), "its first line")
    equal(banner(net.six, on(FOUR), 2222), "four", "who answered")
    equal(syslog.heard("starting 2222 relay"), (DAEMON, DEBUG, *whose), "a session, with -d")


if __name__ == "__main__":
    main()
