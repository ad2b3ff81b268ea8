# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is in the kernel: snapshots of a namespace to be compared, and the objects that a
gateway holds. Read by system calls and netlink alone (namespace.py, rtnl.py, kernel.py): a
snapshot by commands would be forty of them, and there are two around most tests.
"""
import contextlib
import os
import socket

import kernel
import namespace
import rtnl
from harness import check, wait_for
from hosts import PINS, STATE, executable


def snapshot(host):
    """Everything a gateway could leave behind in a namespace, as lists of lines. Objects
    of other namespaces (a gateway of the machine itself, say) are not in it."""
    seen = {
        "pins": _tree(PINS / str(host.inode)),
        "state": _tree(STATE / str(host.inode)),
        "processes": sorted(executable(pid) for pid in host.pids()),
    }
    with host:
        seen["netns programs"] = kernel.namespace_programs(host.path)
        for name, link in rtnl.links().items():
            seen[f"link {name}"] = [link]
            for where, parent in (("ingress", rtnl.INGRESS), ("egress", rtnl.EGRESS)):
                seen[f"tc {where} {name}"] = rtnl.filters(socket.if_nametoindex(name), parent)
        seen["qdiscs"], seen["addresses"] = rtnl.qdiscs(), rtnl.addresses()
        for name, family in (("IPv4", socket.AF_INET), ("IPv6", socket.AF_INET6)):
            seen[f"{name} routes"] = rtnl.routes(family)
            seen[f"{name} rules"] = rtnl.rules(family)
            seen[f"{name} neighbours"] = rtnl.permanent_neighbours(family)
        seen["sockets"] = sorted([f"{protocol} {address} {port}" for protocol, address, port in namespace.listeners()]
                                 + namespace.unix_listeners())
        seen["sysctls"] = sorted(_sysctls())
    return seen


def same(before, after):
    """Asserts that two snapshots are equal, and names what differs."""
    differences = []
    for key in sorted(set(before) | set(after)):
        old, new = before.get(key, []), after.get(key, [])
        differences += [f"{key}: - {line}" for line in old if line not in new]
        differences += [f"{key}: + {line}" for line in new if line not in old]
        if old != new and sorted(set(old)) == sorted(set(new)):
            differences.append(f"{key}: {len(new)} lines, some of them alike, were {len(old)}")
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


def _tree(top):
    return sorted(str(path.relative_to(top.parent)) for path in [top, *top.rglob("*")]) if top.exists() else []


# Written by the kernel itself while it runs, or unreadable by design.
_VOLATILE = ("fs/", "stable_secret", "flush", "/tcp_mem", "/udp_mem")


def _sysctls():
    for family in ("ipv4", "ipv6"):
        for directory, _, files in os.walk(f"/proc/sys/net/{family}"):
            for name in files:
                path = f"{directory}/{name}"
                if not any(word in path for word in _VOLATILE):
                    with contextlib.suppress(OSError):
                        yield f"{path[14:]} = {_read(path)}"


def _read(path):
    """A short file in three system calls; open() would make eight of them, 700 times."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 4096).decode().strip()
    finally:
        os.close(file)
