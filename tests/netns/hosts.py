# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Hosts and links: network namespaces joined by veth pairs.

`with host:` moves the thread there and back; what it makes there stays there: sockets and
programs. A host's name is unique to the run (fgwt-PID-NAME) and goes away with the scope.

                   2001:db8:6::/64                    192.0.2.0/24
    six  eth0 ::2 ----------------- ::1 eth0  dual  eth1 .1 ------------ .2 eth0  four
    IPv6 only                                 the gateway                     IPv4 only
"""
import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import iproute
import namespace
from harness import SLOW, wait_for

PATIENCE = f"{25 * SLOW:g}"  # of a program with a clock of its own, in seconds: less than run() gives it
PINS, STATE = pathlib.Path("/sys/fs/bpf/faith-gw"), pathlib.Path("/run/faith-gw")
SIX, DUAL6 = "2001:db8:6::2", "2001:db8:6::1"
DUAL4, FOUR = "192.0.2.1", "192.0.2.2"


def run(argv, rc=0, stdin=None, seconds=30):
    """Runs a program, returns its output; its failure is an AssertionError with its words."""
    return _judged(subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=seconds * SLOW), rc)


def _judged(done, rc):
    if rc is not None and done.returncode != rc:
        words = (done.stderr or done.stdout).strip().replace("\n", " | ")
        raise AssertionError(f"`{' '.join(map(str, done.args))}` ended with {done.returncode}: {words}")
    return done.stdout


def _kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def ended(process, seconds=30):
    """The exit code of a program that ends in time, or is ended."""
    try:
        return process.wait(seconds * SLOW)
    except BaseException:
        process.kill()
        process.wait()
        raise


def executable(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return ""


@functools.cache
def _first_of_all():
    sweep()
    _leave_a_survivor()


class Host:
    def __init__(self, scope, name):
        _first_of_all()
        self.scope, self.name = scope, name
        self.netns = f"fgwt-{os.getpid()}-{name}"
        self.path = namespace.DIRECTORY / self.netns
        self._visits, self._started, self.inode = [], False, None
        scope.callback(self._remove)
        namespace.make(self.path)
        self.inode = os.stat(self.path).st_ino
        with self:
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
        with contextlib.suppress(OSError):
            # A socket whose last words nobody acknowledges would hold the namespace for minutes.
            self.sysctl("net.ipv4.tcp_orphan_retries", 1)
        namespace.remove(self.path)

    # --- entering ---

    def __enter__(self):
        self._visits.append(namespace.inside(self.path))
        self._visits[-1].__enter__()
        return self

    def __exit__(self, *_):
        self._visits.pop().__exit__(None, None, None)

    def start(self, *words, **how):
        """A program inside. Without code to run in the child Python need not copy itself first,
        which is a third of what a start costs; the survivor looks after what outlives us."""
        self._started = True
        with self:
            return subprocess.Popen([str(word) for word in words], **how)

    def done(self, *words, seconds=30, **how):
        """The same, to its end, whatever that is."""
        self._started = True
        with self:
            return subprocess.run([str(word) for word in words], capture_output=True, timeout=seconds * SLOW, **how)

    def run(self, *words, rc=0, stdin=None, seconds=30):
        return _judged(self.done(*words, seconds=seconds, input=stdin, text=True), rc)

    # --- setting up ---

    def ip(self, *commands):
        """Commands as `ip` knows them; the commonest do not start it, and of others several cost
        as much as one."""
        makers = [iproute.known(command) for command in commands]
        if all(makers):
            try:
                with self:
                    iproute.send(*makers)
            except OSError as error:
                raise AssertionError(f"ip {' | '.join(commands)} in {self.name}: {error.strerror or error}") from error
            return ""
        if len(commands) > 1:
            return run(["ip", "-n", self.netns, "-batch", "-"], stdin="\n".join(commands) + "\n")
        return run(["ip", "-n", self.netns, *commands[0].split()])

    def ip_json(self, words):
        return json.loads(run(["ip", "-n", self.netns, "-j", *words.split()]) or "[]")

    def sysctl(self, key, value=None):
        file = "/proc/sys/" + key.replace(".", "/")
        with self:
            if value is None:
                return pathlib.Path(file).read_text().strip()
            pathlib.Path(file).write_text(f"{value}\n")

    def mac(self, interface):
        with self:
            return namespace.mac(interface)

    def ifindex(self, interface):
        with self:
            return socket.if_nametoindex(interface)

    def settled(self, interface):
        with self:
            return namespace.is_settled(interface, link_local=interface != "lo")

    def pids(self):
        return namespace.pids(self.inode)

    def kill_all(self):
        """Ends what still runs in this namespace, which is ours alone. To look is a round through all
        of /proc: not for nothing, and once more only when there was something to end."""
        pids = self.pids() if self._started else []
        if pids:
            _kill(pids)
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
        self.links((a, a_name, a_addresses, b, b_name, b_addresses))

    def links(self, *wires):
        """Each wire is (host, interface, addresses, host, interface, addresses)."""
        lines, ends = {}, []
        for a, a_name, a_addresses, b, b_name, b_addresses in wires:
            iproute.veth(a_name, a.path, b_name, b.path)
            ends += [(a, a_name, a_addresses), (b, b_name, b_addresses)]
        for host, name, addresses in ends:
            mine = lines.setdefault(host, [])
            mine.append(f"link set {name} up")
            mine += [f"addr add {address} dev {name}" + (" nodad" if ":" in address else "")
                     for address in addresses.split()]
        for host, mine in lines.items():
            host.ip(*mine)
        # The kernel makes the link-local addresses and their routes in its own time; a
        # snapshot taken before would find them new.
        for host, name, _ in ends:
            wait_for(lambda host=host, name=name: host.settled(name), f"the addresses of {host.name}'s {name}")

    def small_windows(self):
        """Linux repeats lost segments without their urgent pointer, or several of them with one,
        and then the receiving kernel's mark is elsewhere, relay or not. So where urgent octets
        are looked for nothing may be lost: a veth with native XDP has room for 256 frames."""
        for host in self.hosts.values():
            for buffer in ("rmem", "wmem"):
                host.sysctl(f"net.ipv4.tcp_{buffer}", "4096 131072 262144")

    def client(self, name, interface, network):
        """One more IPv6-only host, on an interface of its own at the gateway."""
        host = self.host(name)
        self.link(host, "eth0", f"{network}2/64", self.dual, interface, f"{network}1/64")
        host.ip(f"-6 route add default via {network}1")
        return host


def sweep(dead=None):
    """Removes what runs that were killed outright left behind: all of it bears a dead pid."""
    for path in namespace.DIRECTORY.glob("fgwt-*"):
        if _is_orphan(path, dead):
            with contextlib.suppress(FileNotFoundError):  # somebody else sweeps, too
                _sweep_namespace(path)
    for path in pathlib.Path(tempfile.gettempdir()).glob("fgwt-*"):
        if _is_orphan(path, dead):
            shutil.rmtree(path, ignore_errors=True)


def _sweep_namespace(path):
    inode = path.stat().st_ino
    _kill(namespace.pids(inode))
    for directory in (PINS, STATE):
        shutil.rmtree(directory / str(inode), ignore_errors=True)
    namespace.remove(path)


def _leave_a_survivor():
    """A process that does nothing until we are gone, however that came about, and then sweeps. It
    reads a pipe of which only we have the other end, and keep it."""
    us, (read, _) = os.getpid(), os.pipe()
    if os.fork() == 0:
        try:
            os.setsid()  # who ends our process group does not mean it
            os.dup2(read, 0)
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            os.closerange(3, 1 << 10)
            os.read(0, 1)
            sweep(us)
        finally:
            os._exit(0)
    os.close(read)


def _is_orphan(path, dead):
    found = re.fullmatch(r"fgwt-(\d+)-\w+", path.name)
    return found and (found[1] == str(dead) or not os.path.exists(f"/proc/{found[1]}"))


def three_hosts(scope):
    """The newsletter's topology. dual does not forward: capture must not need it (F3)."""
    net = Net(scope)
    six, dual, four = net.host("six"), net.host("dual"), net.host("four")
    net.links((six, "eth0", f"{SIX}/64", dual, "eth0", f"{DUAL6}/64"), (four, "eth0", f"{FOUR}/24", dual, "eth1", f"{DUAL4}/24"))
    six.ip(f"-6 route add default via {DUAL6}")
    return net
