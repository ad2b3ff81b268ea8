#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""As a service of systemd: when it is ready, what the journal gets, and a machine without libsystemd."""
import pathlib
import signal
import socket
import subprocess

from faithd import FAITHD, PERMIT_ALL
from gateway import BINARY, PREFIX, newsletter, on
from harness import check, contains, equal, main, test, wait_for
from hosts import FOUR, ended
from peers import Banner, banner

PORT = 2222
# A directory of the program's own, where the journal's socket is the test's.
OWN_JOURNAL = """
mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && mkdir /run/systemd/journal || exit 99
ln -s "$1" /run/systemd/journal/socket
shift
exec "$@"
"""
NO_LIBRARY = """
for file in /lib/*/libsystemd.so.0 /usr/lib/*/libsystemd.so.0 /usr/lib64/libsystemd.so.0; do
	[ ! -e "$file" ] || mount --bind /dev/null "$file" || exit 99
done
exec "$@"
"""


def without_library(*words):
    return "unshare", "-m", "sh", "-c", NO_LIBRARY, "sh", *words


class Systemd:
    """A socket that systemd has, for one program."""

    def __init__(self, t, name):
        self.path = t.tmp / name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        t.callback(self.socket.close)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)

    def hears(self, words):
        """The message that has these words; the others before it are left."""
        def look():
            try:
                while words not in (message := self.socket.recv(8192).decode()):
                    pass
                return message
            except BlockingIOError:
                return None
        return wait_for(look, f"{words!r} at {self.path.name}")


class Service:
    """A program in the foreground; what it says in a file."""

    def __init__(self, t, host, *argv):
        self.path = t.tmp / "said"
        with open(self.path, "wb") as file:
            self.process = host.start(*argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        t.callback(self.end)

    def said(self):
        return self.path.read_text(errors="replace")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        equal(ended(self.process, 20), 0, "exit code after SIGTERM")


def load_words(gw):
    return BINARY, "load", "eth0", "--foreground", "-c", gw.config(""), "--prefix", PREFIX + "/96"


@test("systemd: READY=1 when the gateway serves")
def gateway_ready(t):
    net, gw = newsletter(t)
    Banner(net.four, FOUR, PORT)
    systemd = Systemd(t, "notify")
    Service(t, net.dual, "env", f"NOTIFY_SOCKET={systemd.path}", *load_words(gw))
    equal(systemd.hears(""), "READY=1", "the first message")
    equal(banner(net.six, on(FOUR), PORT), "four", "who answers from then on")


@test("systemd: READY=1 when faithd serves")
def faithd_ready(t):
    net, gw = newsletter(t)
    gw.load("--no-relay")
    Banner(net.four, FOUR, PORT)
    systemd = Systemd(t, "notify")
    rules = t.write("faithd.conf", PERMIT_ALL)
    Service(t, net.dual, "env", f"NOTIFY_SOCKET={systemd.path}", FAITHD, "-D", "-f", rules, PORT)
    equal(systemd.hears(""), "READY=1", "the first message")
    equal(banner(net.six, on(FOUR), PORT), "four", "who answers from then on")


@test("systemd: NOTIFY_SOCKET of nobody is a warning")
def nobody_waits(t):
    net, gw = newsletter(t)
    service = Service(t, net.dual, "env", "NOTIFY_SOCKET=/nonexistent/notify", *load_words(gw))
    wait_for(lambda: "warning: " in service.said(), "a warning")
    contains(service.said(), "warning: tell systemd that all is ready: No such file or directory", "what it says")


@test("systemd: entries of the journal have message, priority and identifier", needs=("unshare",))
def journal(t):
    net, gw = newsletter(t)
    systemd = Systemd(t, "journal")
    service = Service(t, net.dual, "unshare", "-m", "sh", "-c", OWN_JOURNAL, "sh", systemd.path,
                      "env", "JOURNAL_STREAM=1:2", "NOTIFY_SOCKET=/nonexistent/notify", *load_words(gw))
    equal(systemd.hears("ready\n"), "MESSAGE=ready\nPRIORITY=6\nSYSLOG_IDENTIFIER=faith-gw\n", "an entry")
    contains(systemd.hears("tell systemd"), "PRIORITY=4\n", "a warning")
    equal(service.said(), "", "on standard error")


@test("systemd: without libsystemd the log is on standard error, and what is handed over is refused", needs=("unshare",))
def no_library(t):
    net, gw = newsletter(t)
    Banner(net.four, FOUR, PORT)
    service = Service(t, net.dual, *without_library("env", "JOURNAL_STREAM=1:2", *load_words(gw)))
    wait_for(lambda: "ready" in service.said(), "the gateway")
    contains(service.said(), "warning: open libsystemd.so.0, to talk to systemd: ", "why it is there")
    equal(banner(net.six, on(FOUR), PORT), "four", "who answers")
    rules = t.write("faithd.conf", PERMIT_ALL)
    for argv, name in (((FAITHD, "-D", "-f", rules, PORT), "faithd"), ((BINARY, "inetd"), "faith-gw")):
        done = net.dual.done(*without_library("env", "LISTEN_PID=1", "LISTEN_FDS=1", *argv), stdin=subprocess.DEVNULL,
                             text=True)
        equal(done.returncode, 1, f"exit code of {name}")
        check(done.stderr.startswith(f"{name}: open libsystemd.so.0, to talk to systemd: "), f"it says {done.stderr!r}")


@test("systemd: nothing needs libsystemd where no systemd is", needs=("unshare",))
def not_needed(t):
    net, gw = newsletter(t)
    Banner(net.four, FOUR, PORT)
    wrapper = without_library("env", "-u", "JOURNAL_STREAM")
    gw.load(wrapper=wrapper)
    equal(banner(net.six, on(FOUR), PORT), "four", "who answers")
    (pid,) = gw.pids()
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    check("libsystemd" not in maps, "the daemon has libsystemd")


if __name__ == "__main__":
    main()
