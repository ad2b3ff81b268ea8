# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""faith-gw in a namespace: run it, ask it, and look at what it leaves in the kernel."""
import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess

import kernel
from harness import ROOT, SLOW, check, equal, wait_for
from hosts import PINS, STATE, run, three_hosts
from wire import Wire

BINARY = str((ROOT / os.environ.get("FAITH_GW", "build/faith-gw")).resolve())
PREFIX = "2001:db8:ffff::"


class Outcome:
    def __init__(self, argv, rc, out, err):
        self.argv, self.rc, self.out, self.err = argv, rc, out, err


class Gateway:
    def __init__(self, scope, host):
        self.scope, self.host = scope, host
        check(os.access(BINARY, os.X_OK), f"no program at {BINARY}: run make, or set FAITH_GW")
        scope.callback(self._clean)

    def _clean(self):
        if os.path.exists(BINARY):
            subprocess.run(self.host.argv(BINARY, "unload"), capture_output=True)
        self.host.kill_all()
        for directory in (PINS, STATE):
            shutil.rmtree(directory / str(self.host.inode), ignore_errors=True)

    # --- running it ---

    def argv(self, *words, via="nsenter"):
        if via == "nsenter":
            return self.host.argv(BINARY, *words)
        return ["ip", "netns", "exec", self.host.netns, BINARY, *map(str, words)]

    def run(self, *words, rc=0, via="nsenter", wrapper=(), seconds=30, stdin=None):
        """`wrapper` stands before faith-gw, e.g. prlimit. Output goes through files, so
        that a daemon that kept our pipe open could not hang the test here (one test
        of the loader looks for exactly that)."""
        argv = self.argv(*words, via=via)
        at = argv.index(BINARY)
        argv[at:at] = list(wrapper)
        out, err = self.scope.tmp / "out", self.scope.tmp / "err"
        with open(out, "wb") as o, open(err, "wb") as e:
            code = subprocess.run(argv, stdin=stdin or subprocess.DEVNULL, stdout=o, stderr=e,
                                  timeout=seconds * SLOW).returncode
        done = Outcome(argv, code, out.read_text(errors="replace"), err.read_text(errors="replace"))
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
        argv = self.host.argv(*wrapper, copy, *words)
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30 * SLOW)
        self.scope.note(f"$ {' '.join(argv)}\n{done.stdout}{done.stderr}[{done.returncode}]")
        return Outcome(argv, done.returncode, done.stdout, done.stderr)

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
        is a `more(n)`. Kernel and workers may count a moment after we saw the effect."""
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
        return [pid for pid in self.host.pids() if _executable(pid) == BINARY]

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


def _executable(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return ""


def newsletter(scope):
    """Three hosts and a gateway that is not loaded yet."""
    net = three_hosts(scope)
    return net, Gateway(scope, net.dual)


def on(address, prefix=PREFIX):
    """The IPv6 form of an IPv4 address in a prefix; prefix is given as written, `P::`."""
    return prefix + "%x:%x" % tuple(int(a) << 8 | int(b) for a, b in re.findall(r"(\d+)\.(\d+)", address))


def six_wire(net):
    return Wire(net.six, "eth0", net.dual.mac("eth0"))


# --- what is in the kernel ---------------------------------------------------------------


def snapshot(host):
    """Everything a gateway could leave behind in a namespace, as lists of lines. Objects
    of other namespaces (a gateway of the machine itself, say) are not in it."""
    seen = {
        "bpftool net": _lines(host.run("bpftool", "net", "show")),
        "netns links": sorted(str(link["prog_id"]) for link in kernel.links()
                              if link.get("netns_ino") == host.inode),
        "addresses": _lines(run(["ip", "-n", host.netns, "-o", "addr", "show"])),
        "pins": _tree(PINS / str(host.inode)),
        "state": _tree(STATE / str(host.inode)),
        "processes": sorted(_executable(pid) for pid in host.pids()),
        "sockets": _lines(host.run("ss", "-H", "-l", "-n", "-tuwx")),
        "sysctls": _sysctls(host),
    }
    for link in host.ip_json("link show"):
        name = link["ifname"]
        seen[f"link {name}"] = [str(link["flags"]), str(link["mtu"]), str(link.get("xdp"))]
        for where in ("ingress", "egress"):
            seen[f"tc {where} {name}"] = _lines(host.run("tc", "filter", "show", "dev", name, where))
    seen["qdiscs"] = _lines(host.run("tc", "qdisc", "show"))
    for family in ("-4", "-6"):
        for what in ("route show table all", "rule show", "neigh show nud permanent"):
            seen[f"{family} {what}"] = _lines(run(["ip", "-n", host.netns, family, *what.split()]))
    return seen


def same(before, after):
    """Asserts that two snapshots are equal, and names what differs."""
    differences = []
    for key in sorted(set(before) | set(after)):
        old, new = before.get(key, []), after.get(key, [])
        differences += [f"{key}: - {line}" for line in old if line not in new]
        differences += [f"{key}: + {line}" for line in new if line not in old]
    check(not differences, "left behind or changed: " + "; ".join(differences))


class Footprint:
    """The kernel objects a loaded gateway holds, by id, to look for after its end. Ids are
    never given again while the machine runs, so that other gateways cannot disturb it."""

    def __init__(self, gateway):
        self.ids = kernel.pinned_ids(PINS / str(gateway.host.inode))
        check(self.ids, "nothing is pinned while loaded")

    def gone(self):
        wait_for(lambda: not self.left(), f"the end of {self.left()}")

    def left(self):
        return sorted(self.ids & kernel.live_ids())


def _lines(text):
    text = re.sub(r" expires \S+", "", text)
    return sorted(" ".join(line.split()) for line in text.splitlines() if line.strip())


def _tree(top):
    return sorted(str(path.relative_to(top.parent)) for path in [top, *top.rglob("*")]) if top.exists() else []


# Written by the kernel itself while it runs, or unreadable by design.
_VOLATILE = ("fs/", "stable_secret", "flush", "/tcp_mem", "/udp_mem")


def _sysctls(host):
    seen = []
    with host:
        for family in ("ipv4", "ipv6"):
            for directory, _, files in os.walk(f"/proc/sys/net/{family}"):
                for name in files:
                    path = f"{directory}/{name}"
                    if any(word in path for word in _VOLATILE):
                        continue
                    with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
                        seen.append(f"{path[14:]} = {file.read().strip()}")
    return sorted(seen)
