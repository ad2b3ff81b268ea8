# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""faithd(8) in a namespace: run it, read its log, end it."""
import pathlib
import subprocess

from gateway import BINARY
from harness import check, equal, wait_for
from hosts import ended

FAITHD = str(pathlib.Path(BINARY).parent / "faithd")
PERMIT_ALL = "::/0 permit 0.0.0.0/0\n"


class Faithd:
    """In the foreground (-D), with its log; ready when it serves."""

    started = 0

    def __init__(self, t, host, *words, rules=PERMIT_ALL):
        self.t = t
        self.rules = pathlib.Path(t.write("faithd.conf", rules))
        Faithd.started += 1
        self.log = t.tmp / f"faithd-{Faithd.started}.log"
        with open(self.log, "wb") as log:
            self.process = host.start(FAITHD, "-Ddf", self.rules, *words, stdin=subprocess.DEVNULL, stdout=log,
                                      stderr=log)
        t.callback(self.end)
        self.wait("Starting faith daemon")

    def text(self):
        return self.log.read_text(errors="replace")

    def wait(self, words, times=1):
        def said():
            if self.text().count(words) >= times:
                return True
            check(self.process.poll() is None, f"faithd ended with {self.process.poll()}: {self.text()}")
        wait_for(said, f"{words!r} in the log of faithd")

    def signal(self, number):
        self.process.send_signal(number)

    def exit_code(self, seconds=10):
        return ended(self.process, seconds)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def run(t, host, *words, rc=0, cwd=None):
    """faithd until the starter ends; what it says. Its output goes into files: a daemon that
    kept them open must not hang the test."""
    out, err = t.tmp / "out", t.tmp / "err"
    with open(out, "wb") as o, open(err, "wb") as e:
        code = ended(host.start(FAITHD, *words, stdin=subprocess.DEVNULL, stdout=o, stderr=e, cwd=cwd))
    said = out.read_text() + err.read_text()
    equal(code, rc, f"exit code of faithd {' '.join(map(str, words))} ({said.strip()})")
    return said
