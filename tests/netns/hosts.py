# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Hosts and links: network namespaces joined by veth pairs.

Programs enter a host by `nsenter --net`; sockets of the test itself are made inside
`with host:`, which moves the thread there and back. A host's name is unique to the run
(fgwt-PID-NAME) and goes away with the scope.

                   2001:db8:6::/64                    192.0.2.0/24
    six  eth0 ::2 ----------------- ::1 eth0  dual  eth1 .1 ------------ .2 eth0  four
    IPv6 only                                 the gateway                     IPv4 only
"""
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import SLOW, wait_for

CLONE_NEWNET = 0x40000000
NETNS_DIR = pathlib.Path("/run/netns")
PINS, STATE = pathlib.Path("/sys/fs/bpf/faith-gw"), pathlib.Path("/run/faith-gw")
SIX, DUAL6 = "2001:db8:6::2", "2001:db8:6::1"
DUAL4, FOUR = "192.0.2.1", "192.0.2.2"

_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "setns")


def run(argv, rc=0, stdin=None, seconds=30):
    """Runs a program, returns its output; its failure is an AssertionError with its words."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=seconds * SLOW)
    if rc is not None and done.returncode != rc:
        words = (done.stderr or done.stdout).strip().replace("\n", " | ")
        raise AssertionError(f"`{' '.join(argv)}` ended with {done.returncode}: {words}")
    return done.stdout


class Host:
    def __init__(self, scope, name, tag=None):
        self.scope, self.name = scope, name
        self.netns = f"fgwt-{os.getpid()}-{name}"
        self.path = str(NETNS_DIR / self.netns)
        self._outside = []
        run(["ip", "netns", "add", self.netns])
        scope.callback(self._remove)
        self.inode = os.stat(self.path).st_ino
        self.ip("link set lo up")
        # BBR would be inherited from the machine and hide what a relay costs; duplicate
        # address detection would cost each test two seconds.
        self.sysctl("net.ipv4.tcp_congestion_control", "reno")
        for where in ("all", "default"):
            self.sysctl(f"net.ipv6.conf.{where}.accept_dad", 0)
            self.sysctl(f"net.ipv6.conf.{where}.accept_ra", 0)
        # A rate limit would make silence out of an answer that came too often.
        self.sysctl("net.ipv6.icmp.ratelimit", 0)

    def _remove(self):
        self.kill_all()
        subprocess.run(["ip", "netns", "del", self.netns], capture_output=True)

    # --- entering ---

    def __enter__(self):
        self._outside.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        inside = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(inside)
        finally:
            os.close(inside)
        return self

    def __exit__(self, *_):
        outside = self._outside.pop()
        _setns(outside)
        os.close(outside)

    def argv(self, *words):
        """The same program, inside; it dies with us whatever happens to us."""
        return ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net={self.path}", *map(str, words)]

    def run(self, *words, rc=0, stdin=None, seconds=30):
        return run(self.argv(*words), rc=rc, stdin=stdin, seconds=seconds)

    # --- setting up ---

    def ip(self, words):
        return run(["ip", "-n", self.netns, *words.split()])

    def ip_json(self, words):
        return json.loads(run(["ip", "-n", self.netns, "-j", *words.split()]) or "[]")

    def sysctl(self, key, value=None):
        file = "/proc/sys/" + key.replace(".", "/")
        with self:
            if value is None:
                return pathlib.Path(file).read_text().strip()
            pathlib.Path(file).write_text(f"{value}\n")

    def mac(self, interface):
        return self.ip_json(f"link show dev {interface}")[0]["address"]

    def ifindex(self, interface):
        return self.ip_json(f"link show dev {interface}")[0]["ifindex"]

    def settled(self, interface):
        shown = run(["ip", "-n", self.netns, "-o", "-6", "addr", "show", "dev", interface, "scope", "link"])
        return shown and "tentative" not in shown

    def pids(self):
        return [int(pid) for pid in run(["ip", "netns", "pids", self.netns], rc=None).split()]

    def kill_all(self):
        """Ends what still runs in this namespace, which is ours alone."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if os.path.exists(self.path):
            wait_for(lambda: not self.pids(), f"the end of every process in {self.netns}")

    # --- sockets of the test itself, made here ---

    def socket(self, family, kind, protocol=0):
        with self:
            made = socket.socket(family, kind, protocol)
        self.scope.callback(made.close)
        made.settimeout(10 * SLOW)
        return made

    def listen(self, address, port, backlog=128):
        made = self.socket(_family(address), socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address == "::":
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind((address, port))
        made.listen(backlog)
        return made

    def connect(self, address, port, seconds=5, source=None, hop_limit=None):
        made = self.socket(_family(address), socket.SOCK_STREAM)
        if hop_limit:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hop_limit)
        if source:
            made.bind(source)
        made.settimeout(seconds * SLOW)
        made.connect((address, port))
        made.settimeout(10 * SLOW)
        return made


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Net:
    """Hosts by name, and the wires between them."""

    def __init__(self, scope):
        self.scope, self.hosts = scope, {}

    def host(self, name):
        self.hosts[name] = Host(self.scope, name)
        setattr(self, name, self.hosts[name])
        return self.hosts[name]

    def link(self, a, a_name, a_addresses, b, b_name, b_addresses):
        run(["ip", "link", "add", a_name, "netns", a.netns, "type", "veth",
             "peer", "name", b_name, "netns", b.netns])
        for host, name, addresses in ((a, a_name, a_addresses), (b, b_name, b_addresses)):
            lines = [f"link set {name} up"]
            lines += [f"addr add {address} dev {name}" + (" nodad" if ":" in address else "")
                      for address in addresses.split()]
            run(["ip", "-n", host.netns, "-batch", "-"], stdin="\n".join(lines) + "\n")
        # The kernel makes the link-local addresses and their routes in its own time; a
        # snapshot taken before would find them new.
        for host, name in ((a, a_name), (b, b_name)):
            wait_for(lambda host=host, name=name: host.settled(name), f"a link-local address on {host.name}'s {name}")

    def client(self, name, interface, network):
        """One more IPv6-only host, on an interface of its own at the gateway."""
        host = self.host(name)
        self.link(host, "eth0", f"{network}2/64", self.dual, interface, f"{network}1/64")
        host.ip(f"-6 route add default via {network}1")
        return host


def sweep():
    """Removes what runs that were killed outright left behind: all of it bears a dead pid."""
    for path in NETNS_DIR.glob("fgwt-*"):
        if not _is_orphan(path):
            continue
        inode = path.stat().st_ino
        for pid in run(["ip", "netns", "pids", path.name], rc=None).split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        for directory in (PINS, STATE):
            shutil.rmtree(directory / str(inode), ignore_errors=True)
        subprocess.run(["ip", "netns", "del", path.name], capture_output=True)
    for path in pathlib.Path(tempfile.gettempdir()).glob("fgwt-*"):
        if _is_orphan(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_orphan(path):
    found = re.fullmatch(r"fgwt-(\d+)-\w+", path.name)
    return found and not os.path.exists(f"/proc/{found[1]}")


_swept = False


def three_hosts(scope):
    """The newsletter's topology. dual does not forward: capture must not need it (F3)."""
    global _swept
    if not _swept:
        sweep()
        _swept = True
    net = Net(scope)
    six, dual, four = net.host("six"), net.host("dual"), net.host("four")
    net.link(six, "eth0", f"{SIX}/64", dual, "eth0", f"{DUAL6}/64")
    net.link(four, "eth0", f"{FOUR}/24", dual, "eth1", f"{DUAL4}/24")
    six.ip(f"-6 route add default via {DUAL6}")
    return net
