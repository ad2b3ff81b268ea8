#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which room may include what. The arrows keep the pure rooms pure, the relay free of
libbpf and privilege, and the whole without cycles; userspace/README.md draws them.
"""
import re
from collections.abc import Iterator

from _tree import Finding, Tree, main

# Room -> the rooms it may include besides itself. A new room gets its line here first.
ARROWS = {
    "base": "",
    "config": "base",
    "acl": "base",
    "prefix": "base",
    "ftp": "base",
    "rsh": "base",
    "slowpath": "base",
    "sys": "base",
    "datapath": "base sys",
    "relay": "base sys ftp rsh",  # knows neither prefixes nor rules: it asks relay/policy.h
    "daemon": "base config acl prefix ftp rsh slowpath sys datapath relay",
    "cli": "base config acl prefix sys datapath daemon",
}

# Room -> the contract headers it may include.
CONTRACT = {
    "datapath": "abi names reasons",
    "daemon": "abi names reasons",
    "cli": "abi names reasons",
    "config": "abi",  # the limits, so that an operator meets them as a sentence
    "acl": "abi",  # a compiled list is arrays of keys and values
    "relay": "reasons",
}

# Single headers a room may include beyond its arrows.
HEADERS = {"datapath": "acl/image.h"}  # a value to write into maps

# Headers of a library -> where it may be used.
LIBRARIES = {
    r"bpf/.*|fgw\.skel\.h": r"userspace/datapath/.*",
    r"libmnl/.*": r"userspace/sys/.*",
    r"spdlog/.*|fmt/.*": r"userspace/base/log\.cc",
    r"systemd/.*": r"userspace/base/systemd\.cc",
    r"toml\+\+/.*|toml\+\+\.h": r"userspace/config/.*",
    r"CLI/.*": r"userspace/cli/.*",
    r"nlohmann/.*": r"userspace/(cli|daemon)/.*",
}

# Rooms that make no system call, and how the headers of those look.
PURE = ("base", "config", "acl", "prefix", "ftp", "rsh", "slowpath")
SYSTEM = re.compile(r"sys/.*|linux/.*|net/.*|netinet/.*|unistd\.h|fcntl\.h|poll\.h|signal\.h|sched\.h|spawn\.h"
                    r"|pthread\.h|dirent\.h|netdb\.h|ifaddrs\.h|pwd\.h|grp\.h|fstream|thread|filesystem")
PURE_EXCEPT = {"userspace/base/log.cc": "writes the log"}

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(tree: Tree, path: str) -> Iterator[tuple[int, str, str]]:
    """Line, '<' or '"', and name of each include."""
    for number, line in tree.lines(path):
        if found := INCLUDE.match(line):
            yield number, found[1], found[2]


def room_finding(room: str, name: str) -> str | None:
    """What is wrong with a room's include of a project header."""
    target, _, header = name.partition("/")
    if target == "faith":
        if header.removesuffix(".h") not in CONTRACT.get(room, "").split():
            return f"room {room} may not include the contract header {name}"
    elif target not in (room, *ARROWS[room].split()) and name not in HEADERS.get(room, "").split():
        return f"room {room} may not include {name}"
    return None


def library_finding(path: str, name: str) -> str | None:
    for headers, places in LIBRARIES.items():
        if re.fullmatch(headers, name) and not re.fullmatch(places, path):
            return f"<{name}> belongs to {places.replace(chr(92), '')} alone"
    return None


def userspace(tree: Tree) -> Iterator[Finding]:
    for path in tree.matching(r"userspace/.*\.(h|cc)"):
        room = path.split("/")[1]
        if room not in ARROWS:
            yield Finding(path, 1, f"room {room} is not in the table of tests/lint/arrows.py")
            continue
        for number, quote, name in includes(tree, path):
            ours = quote == '"' or name.startswith("faith/")
            what = room_finding(room, name) if ours and name != "fgw.skel.h" else library_finding(path, name)
            if what is None and room in PURE and SYSTEM.fullmatch(name) and path not in PURE_EXCEPT:
                what = f"room {room} is pure: <{name}> is for system calls"
            if what:
                yield Finding(path, number, what)


def contract(tree: Tree) -> Iterator[Finding]:
    for path in tree.matching(r"include/faith/.*\.h"):
        for number, _, name in includes(tree, path):
            if name != "linux/types.h":
                yield Finding(path, number, f"the contract includes nothing but <linux/types.h>, not {name}")


def bpf(tree: Tree) -> Iterator[Finding]:
    for path in tree.matching(r"bpf/[^/]*\.c"):
        for number, _, name in includes(tree, path):
            if not name.startswith("lib/"):
                yield Finding(path, number, f"a hook file includes headers of lib only, not {name}")
    for path in tree.matching(r"bpf/lib/.*\.h"):
        for number, quote, name in includes(tree, path):
            if quote == '"' and ("/" in name or not tree.exists(f"bpf/lib/{name}")):
                yield Finding(path, number, f"lib includes its own headers, the contract and the kernel's, not {name}")


def findings(tree: Tree) -> Iterator[Finding]:
    yield from userspace(tree)
    yield from contract(tree)
    yield from bpf(tree)


if __name__ == "__main__":
    main(findings)
