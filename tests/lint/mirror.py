#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tests mirror the source, so that everybody knows where to look: userspace/ROOM/x.cc has
tests/unit/ROOM/x_test.cc, bpf/HOOK.bpf.c has tests/bpf/HOOK_test.cc. What needs root or a
whole gateway to show anything is listed here with the test that shows it.
"""
import re
from collections.abc import Iterator

from _tree import Finding, Tree, main

SELF = "tests/lint/mirror.py"
UNIT = re.compile(r"userspace/(\w+)/(\w+)\.cc")
HOOK = re.compile(r"bpf/(\w+)\.bpf\.c")

# Path (regular expression) -> where it is tested instead, and why there.
ELSEWHERE = {
    r"bpf/maps\.bpf\.c": ("tests/bpf/gateway_test.cc", "definitions only; loading them is the test"),
    r"userspace/base/log\.cc": ("tests/netns/loader_test.py", "writes to the journal, syslog or standard error"),
    r"userspace/sys/rtnl_change\.cc": ("tests/bpf/rtnl_test.cc", "changes routes: needs root"),
    r"userspace/sys/(rtnl_device|sysctl)\.cc": ("tests/netns/stf_test.py", "make devices: need root"),
    r"userspace/sys/rtnl_monitor\.cc": ("tests/bpf/rtnl_monitor_test.cc", "follows changes that need root"),
    r"userspace/datapath/(dataplane|link|map|object|pins)\.cc":
        ("tests/bpf/gateway_test.cc", "BPF objects, pins and links: need root"),
    r"userspace/datapath/occupants\.cc": ("tests/netns/doctor_test.py", "other people's programs: need root"),
    r"userspace/daemon/doctor_look\.cc": ("tests/netns/doctor_test.py", "looks at a whole network namespace"),
    r"userspace/datapath/acl_publisher\.cc":
        ("tests/bpf/acl_publisher_test.cc", "puts rules in force under running programs: needs root"),
    r"userspace/datapath/services\.cc": ("tests/netns/capture_service_test.py", "maps of a loaded gateway: need root"),
    r"userspace/(sys/packet_socket|datapath/(ring|second_look)|daemon/slow_path)\.cc":
        ("tests/netns/fragments_test.py", "what comes in fragments, from the ring to the device: needs root"),
    r"userspace/datapath/event_ring\.cc": ("tests/bpf/event_ring_test.cc", "a ring in the kernel: needs root"),
    r"userspace/daemon/gateway(_live|_events)?\.cc": ("tests/bpf/gateway_test.cc", "the life cycle: needs root"),
    r"userspace/daemon/(control|instance)\.cc": ("tests/netns/loader_test.py", "a running gateway and its clients"),
    r"userspace/daemon/explain_tunnel\.cc": ("tests/netns/explain_tunnel_test.py", "asks the tunnels of a loaded gateway"),
    r"userspace/daemon/(kernel_view|explain)\.cc": ("tests/netns/inspect_test.py", "asks maps and programs of a loaded gateway"),
    r"userspace/daemon/faithd\.cc": ("tests/netns/faithd_test.py", "a daemon on a loaded gateway"),
    r"userspace/daemon/data_ports\.cc": ("tests/netns/inetd_test.py", "writes maps of a loaded gateway"),
    r"userspace/daemon/status\.cc": ("tests/netns/commands_test.py", "asks the maps of a loaded gateway"),
    r"userspace/cli/(cmd_\w+|main|fail)\.cc": ("tests/netns/commands_test.py", "a command is tested as it is typed"),
}

# Tests of something else than one source file.
NO_SOURCE = {
    "tests/unit/acl/agreement_test.cc": "list walk, compiled tables and lookup give one answer",
    "tests/unit/relay/ftp_active_test.cc": "FTP's active mode, through a control connection and a session",
    "tests/unit/relay/urgent_test.cc": "urgent bytes, through a pump and through a session",
    "tests/unit/config/examples_test.cc": "parses the examples of config/",
}


def mirror_of(path: str) -> str | None:
    if found := UNIT.fullmatch(path):
        return f"tests/unit/{found[1]}/{found[2]}_test.cc"
    if found := HOOK.fullmatch(path):
        return f"tests/bpf/{found[1]}_test.cc"
    return None


def missing(tree: Tree) -> Iterator[Finding]:
    for path in tree.files:
        wanted = mirror_of(path)
        if wanted is None or tree.exists(wanted):
            continue
        elsewhere = next((test for pattern, (test, _) in ELSEWHERE.items() if re.fullmatch(pattern, path)), None)
        if elsewhere is None:
            yield Finding(path, 1, f"has no test {wanted}")
        elif not tree.exists(elsewhere):
            yield Finding(path, 1, f"has neither {wanted} nor {elsewhere}, which {SELF} names")


def orphans(tree: Tree) -> Iterator[Finding]:
    """A test of a source file that is gone or renamed. Pure headers of bpf/lib and helpers of
    tests/support have unit tests, too."""
    for path in tree.matching(r"tests/unit/\w+/\w+_test\.cc"):
        if path in NO_SOURCE:
            continue
        _, _, room, name = path.removesuffix("_test.cc").split("/")
        source = {"bpf_lib": "bpf/lib", "support": "tests/support"}.get(room, f"userspace/{room}") + f"/{name}"
        if not any(tree.exists(source + suffix) for suffix in (".cc", ".h")):
            yield Finding(path, 1, f"there is no {source} for this test")


def stale(tree: Tree) -> Iterator[Finding]:
    if not tree.exists(SELF):
        return
    for pattern in ELSEWHERE:
        if not tree.matching(pattern):
            yield Finding(SELF, 1, f"no file matches {pattern} any more")


def findings(tree: Tree) -> Iterator[Finding]:
    yield from missing(tree)
    yield from stale(tree)
    yield from orphans(tree)


if __name__ == "__main__":
    main(findings)
