#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Bad input and a machine that does not play along: each a sentence with what to do, the
exit code of interface.md, and nothing half loaded.
"""
import os
import re

from gateway import newsletter, on
from harness import Skip, check, contains, equal, main, test
from hosts import FOUR
from peers import Banner, as_nobody, banner, without_bpf
from snapshot import same, snapshot

WHERE = re.compile(r"\S+:\d+:\d+: \S")


def refused(gw, before, *words, rc, says=None, where=False, **how):
    """load ends with rc and a sentence, and the namespace is as it was."""
    done = gw.load(*words, rc=rc, **how)
    said = done.err.strip()
    check(said, "not a word about what is wrong")
    check(len(said) < 2000, f"{len(said)} characters about one mistake")
    if says:
        contains(said, says, "the message")
    if where:
        check(WHERE.search(said), f"no FILE:LINE:COL in {said!r}")
    same(before, snapshot(gw.host))
    return said


@test("faults: an interface that does not exist is named")
def missing_interface(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    refused(gw, before, "eth9", "-c", gw.config(""), rc=1, says="eth9")
    refused(gw, before, "eth0", "eth9", "-c", gw.config(""), rc=1, says="eth9")
    refused(gw, before, "a-name-longer-than-any-interface", "-c", gw.config(""), rc=None, says="a-name-longer")


@test("faults: usage errors are exit 2: no interface, unknown option, unknown command, bad values")
def usage(t):
    _, gw = newsletter(t)
    for words in (["load"], ["load", "eth0", "--nonsense"], ["nonsense"], [], ["load", "eth0", "--xdp", "magic"],
                  ["load", "eth0", "--prefix", "2001:db8::/200"], ["load", "eth0", "--prefix", "192.0.2.0/24"],
                  ["load", "eth0", "--prefix", "::/0"], ["load", "eth0", "--prefix", "fe80::/96"],
                  ["load", "eth0", "--prefix", "2001:db8::1/96"], ["load", "eth0", "--permit", "everybody"]):
        done = gw.run(*words, rc=2)
        check(done.err.strip() or done.out.strip(), f"not a word about {words}")


@test("faults: a configuration that is missing, a directory, binary or of 100 MB is exit 2 and quick")
def strange_configurations(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    refused(gw, before, "-c", str(t.tmp / "absent.toml"), rc=2, says="absent.toml")
    refused(gw, before, "-c", str(t.tmp), rc=2, says=str(t.tmp))
    refused(gw, before, "-c", t.write("binary.toml", bytes(range(256)) * 10), rc=2, says="binary.toml")
    refused(gw, before, "-c", "/dev/zero", rc=2, seconds=10)
    huge = t.tmp / "huge.toml"
    with open(huge, "wb") as file:
        file.truncate(100 << 20)
    refused(gw, before, "-c", str(huge), rc=2, says="huge.toml", seconds=10)
    with open(huge, "wb") as file:
        file.write(b"# " + b"x" * 1000 + b"\n")
        file.truncate(100 << 20)
    refused(gw, before, "--acl", str(huge), rc=2, says="huge.toml", seconds=10)


@test("faults: an empty configuration is all defaults")
def empty_configuration(t):
    net, gw = newsletter(t)
    gw.load("-c", gw.config(""))
    Banner(net.four, FOUR, 2222)
    equal(banner(net.six, on(FOUR, "64:ff9b::"), 2222), "four", "who answered")


@test("faults: every mistake in the configuration is FILE:LINE:COL, exit 2, nothing loaded (V47)")
def wrong_configurations(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    for line in ('prefixes = "2001:db8::/96"', 'prefixes = ["2001:db8::/200"]', 'prefixes = ["2001:db8::/97"]',
                 'prefixes = ["nonsense"]', 'prefixes = [{ prefix = "2001:db8::/33", layout = "rfc6052" }]',
                 'prefixes = [{ prefix = "2001:db8::/96", layout = "magic" }]', 'prefixs = []', "keepfaith = 1",
                 'ports = [0]', 'ports = [70000]', 'ports = ["9-8"]', 'ports = ["no-such-service"]',
                 'never = ["10.0.0.0/33"]', "keepfaith ="):
        path = gw.config(f"[faith]\n{line}\n")
        said = gw.load("-c", path, rc=2).err
        check(re.search(r"faith-gw\.toml:[23]:\d+: \S", said), f"no FILE:LINE:COL about {line!r} in {said!r}")
    for line in ('idle_timeout = "soon"', "idle_timeout = -1", 'workers = "many"', "workers = -1", "nonsense = 1",
                 'handshake = "magic"', 'source_addresses = ["2001:db8::1"]'):
        path = gw.config(f"[relay]\n{line}\n")
        said = gw.load("-c", path, rc=2).err
        check(re.search(r"faith-gw\.toml:[23]:\d+: \S", said), f"no FILE:LINE:COL about {line!r} in {said!r}")
    same(before, snapshot(net.dual))


@test("faults: a file that may not be read is exit 2 and says so", needs=("setpriv",))
def unreadable(t):
    _, gw = newsletter(t)
    path = gw.config("")
    os.chmod(path, 0)
    done = gw.run_less(as_nobody(), "check", "-c", path)
    equal(done.rc, 2, "exit code")
    contains(done.err, "faith-gw.toml", "the message")


@test("faults: without the right to use BPF load says what it needs, exit 1, nothing left", needs=("setpriv",))
def no_permission(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    for who, wrapper in (("nobody", as_nobody()), ("root without CAP_BPF", without_bpf())):
        done = gw.run_less(wrapper, "load", "eth0", "-c", gw.config(""))
        equal(done.rc, 1, f"exit code for {who}")
        check(re.search(r"\broot\b|privilege|CAP_", done.err), f"no word about privilege to {who}: {done.err!r}")
        same(before, snapshot(net.dual))


@test("faults: status for a user without privilege is a sentence, not a crash", needs=("setpriv",))
def status_as_nobody(t):
    _, gw = newsletter(t)
    gw.load()
    done = gw.run_less(as_nobody(), "status")
    check(done.rc in (0, 1), f"exit code {done.rc}")
    check((done.out + done.err).strip(), "not a word")
    done = gw.run_less(as_nobody(), "unload")
    equal(done.rc, 1, "exit code of unload by nobody")
    equal(gw.status()["loaded"], True, "loaded after nobody's unload")


@test("faults: no bpffs mounted: load mounts it or says how, and works after that")
def no_bpffs(t):
    net, gw = newsletter(t)
    # A mount namespace of its own in which /sys/fs/bpf is an empty directory.
    script = 'mount -t tmpfs none /sys/fs/bpf && exec "$@"'
    wrapper = ["unshare", "-m", "sh", "-c", script, "sh"]
    done = gw.load(wrapper=wrapper, rc=None)
    if done.rc != 0:
        equal(done.rc, 1, "exit code")
        contains(done.err, "bpf", "the message")
        return
    Banner(net.four, FOUR, 2222)
    equal(banner(net.six, on(FOUR), 2222), "four", "who answered")
    gw.unload()


@test("faults: /sys/fs/bpf that cannot be written is named, exit 1, nothing left")
def read_only_bpffs(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    # Pins go to the file system of the nearest ancestor outside a private mount namespace:
    # the shell in the middle, which must not exec away.
    script = 'mount -t bpf none /sys/fs/bpf && mount -o remount,ro /sys/fs/bpf && unshare -m "$@"; exit $?'
    said = refused(gw, before, rc=1, wrapper=["unshare", "-m", "sh", "-c", script, "sh"])
    contains(said, "/sys/fs/bpf", "the message")


@test("faults: too few descriptors to start is exit 1 and a sentence, nothing left", needs=("prlimit",))
def few_descriptors(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    for limit in range(8, 40, 4):
        done = gw.load(rc=None, wrapper=["prlimit", f"--nofile={limit}:{limit}"])
        if done.rc == 0:
            gw.unload()
        else:
            equal(done.rc, 1, f"exit code with {limit} descriptors")
            check(done.err.strip(), f"not a word with {limit} descriptors")
        same(before, snapshot(net.dual))


@test("faults: IPv6 switched off on the machine is said in words, nothing left")
def no_ipv6(t):
    net, gw = newsletter(t)
    net.dual.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
    before = snapshot(net.dual)
    done = gw.load(rc=None)
    if done.rc == 0:
        raise Skip("this gateway loads without IPv6")
    refused(gw, before, rc=1)


if __name__ == "__main__":
    main()
