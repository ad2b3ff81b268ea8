# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""faith-gw in a namespace: run it, ask it, end it."""
import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess

from harness import ROOT, SLOW, check, equal, wait_for
from hosts import PINS, STATE, ended, executable, three_hosts
from wire import Wire

BINARY = str((ROOT / os.environ.get("FAITH_GW", "build/faith-gw")).resolve())
PREFIX = "2001:db8:ffff::"


class Outcome:
    def __init__(self, rc, out, err):
        self.rc, self.out, self.err = rc, out, err


class Gateway:
    def __init__(self, scope, host):
        self.scope, self.host = scope, host
        check(os.access(BINARY, os.X_OK), f"no program at {BINARY}: run make, or set FAITH_GW")
        scope.callback(self._clean)

    def _clean(self):
        """No `unload` here: it might be what is broken. Without processes and pins nothing
        holds the programs but the namespace, which goes, too."""
        self.host.kill_all()
        for directory in (PINS, STATE):
            shutil.rmtree(directory / str(self.host.inode), ignore_errors=True)
            with contextlib.suppress(OSError):  # until the last one leaves
                directory.rmdir()

    # --- running it ---

    def start(self, *words, wrapper=(), **how):
        """`wrapper` stands before faith-gw, e.g. prlimit."""
        return self.host.start(*wrapper, BINARY, *words, stdin=subprocess.DEVNULL, **how)

    def run(self, *words, rc=0, via="setns", wrapper=(), seconds=30):
        """`via`: the test enters the namespace, or `ip netns exec` does. Output goes through
        files, so that a daemon that kept our pipe open could not hang the test here (one
        test of the loader looks for exactly that)."""
        if via == "exec":
            wrapper = ["ip", "netns", "exec", self.host.netns, *wrapper]
        out, err = self.scope.tmp / "out", self.scope.tmp / "err"
        with open(out, "wb") as o, open(err, "wb") as e:
            code = ended(self.start(*words, wrapper=wrapper, stdout=o, stderr=e), seconds)
        done = Outcome(code, out.read_text(errors="replace"), err.read_text(errors="replace"))
        words = " ".join(map(str, words))
        self.scope.note(f"$ faith-gw {words} [{code}]\n{_short(done.out)}{done.err}".strip())
        if rc is not None and code != rc:
            said = (done.err or done.out).strip().replace("\n", " | ")
            raise AssertionError(f"`faith-gw {words}` ended with {code}, want {rc}: {said}")
        return done

    def config(self, text, name="faith-gw.toml"):
        return self.scope.write(name, text)

    def load(self, *words, prefix=PREFIX + "/96", **how):
        """Loads eth0 unless told otherwise. A configuration of the test's own is always
        given, so that one in /etc changes nothing here."""
        words = list(words)
        if not words or words[0].startswith("-"):
            words.insert(0, "eth0")
        if "-c" not in words:
            words += ["-c", self.config("")]
            if prefix:
                words += ["--prefix", prefix]
        return self.run("load", *words, **how)

    def unload(self, *words, **how):
        return self.run("unload", *words, **how)

    def run_less(self, wrapper, *words):
        """A copy of faith-gw that anybody may execute, with less privilege than ours."""
        copy = self.scope.tmp / "faith-gw"
        if not copy.exists():
            shutil.copyfile(BINARY, copy)
            copy.chmod(0o755)
        argv = [*wrapper, copy, *words]
        done = self.host.done(*argv, stdin=subprocess.DEVNULL, text=True)
        self.scope.note(f"$ {' '.join(map(str, argv))}\n{done.stdout}{done.stderr}[{done.returncode}]")
        return Outcome(done.returncode, done.stdout, done.stderr)

    # --- asking it ---

    def status(self, **how):
        return json.loads(self.run("status", "--json", **how).out)

    def reasons(self):
        return self.status()["reasons"]

    def relay(self):
        return self.status()["relay"]

    @contextlib.contextmanager
    def counts(self, **expected):
        """Each named reason moves by exactly so many; by at least so many when the number
        is a `more(n)`. Kernel and workers may count a moment after we saw the effect.

        STEERED counts lookups. The kernel asks again for a packet that comes when its
        connection has just ended (a client's answer to what was sent twice), so where
        connections go through, expect more() of it; CONNECTED is exact."""
        before, moved = self.reasons(), {}
        try:
            yield
        except AssertionError:
            now = self.reasons()
            self.scope.note(f"moved: { {name: now[name] - before[name] for name in now if now[name] != before[name]} }")
            raise

        def done():
            now = self.reasons()
            moved.update({name: now[name] - before[name] for name in expected})
            return all(moved[name] >= int(want) for name, want in expected.items())

        try:
            wait_for(done, "counters", seconds=3)
        except AssertionError:
            pass
        for name, want in expected.items():
            if isinstance(want, more):
                check(moved[name] >= want, f"{name} moved by {moved[name]}, want at least {int(want)}")
            else:
                equal(moved[name], want, f"{name} moved by")

    def pids(self):
        """The processes of faith-gw in this namespace, by their program."""
        return [pid for pid in self.host.pids() if executable(pid) == BINARY]

    def kill(self, number=signal.SIGKILL):
        """Ends every process, and waits until the kernel has taken all that they held: a
        pidfd is ready when the last thread is gone, files and all."""
        pids = self.pids()
        check(pids, "no process of the gateway")
        for pid in pids:
            handle = os.pidfd_open(pid)
            try:
                signal.pidfd_send_signal(handle, number)
                check(select.select([handle], [], [], 5 * SLOW)[0], f"process {pid} outlives signal {number}")
            finally:
                os.close(handle)


class Foreground:
    """A gateway whose log is a file."""

    def __init__(self, t, gw, *words):
        self.path = t.tmp / "log"
        with open(self.path, "wb") as log:
            self.process = gw.start("load", "eth0", "--foreground", *words, stdout=log, stderr=log)
        t.callback(self.end)
        wait_for(lambda: "ready" in self.text(), "the gateway")

    def text(self):
        return self.path.read_text(errors="replace")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        ended(self.process)


def _short(text):
    """For a failure's report: of a status only what is not zero."""
    try:
        status = json.loads(text)
        status["reasons"] = {name: count for name, count in status["reasons"].items() if count}
        return json.dumps(status) + "\n"
    except (ValueError, KeyError, TypeError):
        return text


class more(int):
    """At least so many."""


def newsletter(scope):
    """Three hosts and a gateway that is not loaded yet."""
    net = three_hosts(scope)
    return net, Gateway(scope, net.dual)


def on(address, prefix=PREFIX):
    """The IPv6 form of an IPv4 address in a prefix; prefix is given as written, `P::`."""
    return prefix + "%x:%x" % tuple(int(a) << 8 | int(b) for a, b in re.findall(r"(\d+)\.(\d+)", address))


def six_wire(net):
    return Wire(net.six, "eth0", net.dual.mac("eth0"))
