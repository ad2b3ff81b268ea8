#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Names that the kernel shows to people (include/faith/names.h): short enough not to be
cut off, recognisably ours, and the same in the contract and in bpf/.
"""
import re
from collections.abc import Iterator

from _tree import Finding, Tree, code_only, main

NAMES = "include/faith/names.h"
KERNEL_NAME = 15  # BPF_OBJ_NAME_LEN - 1
DEFINE = re.compile(r'#define\s+FGW_(MAP|PROG|PIN)_(\w+)\s+"([^"]*)"')
MAP = re.compile(r"\b(\w+)\s+SEC\s*\(\s*\"\.maps\"")
PROGRAM = re.compile(r"^SEC\([^)]*\)\s*(?:static\s+)?int\s+(\w+)\s*\(", re.M)


def defined(tree: Tree) -> Iterator[tuple[int, str, str]]:
    """Line, kind (MAP, PROG, PIN) and name of each definition in names.h."""
    for number, line in tree.lines(NAMES):
        if found := DEFINE.match(line):
            yield number, found[1], found[3]


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def contract(tree: Tree) -> Iterator[Finding]:
    for number, kind, name in defined(tree):
        if kind == "PIN":
            if "." in name:
                yield Finding(NAMES, number, f"bpffs refuses names with a dot: {name}")
            continue
        if len(name) > KERNEL_NAME:
            yield Finding(NAMES, number, f"the kernel keeps {KERNEL_NAME} characters: {name} has {len(name)}")
        if not name.startswith("fgw_"):
            yield Finding(NAMES, number, f"{name} does not begin with fgw_")
        if kind == "PROG" and not tree.exists(f"bpf/{name.removeprefix('fgw_')}.bpf.c"):
            yield Finding(NAMES, number, f"no file bpf/{name.removeprefix('fgw_')}.bpf.c for program {name}")


def maps(tree: Tree) -> Iterator[Finding]:
    """Every map is in maps.bpf.c and in names.h, and nowhere else."""
    named = {name: number for number, kind, name in defined(tree) if kind == "MAP"}
    found = set()
    for path in tree.matching(r"bpf/.*\.(c|h)"):
        for number, line in tree.lines(path):
            for name in MAP.findall(line) if "extern" not in line else ():
                found.add(name)
                if path != "bpf/maps.bpf.c":
                    yield Finding(path, number, f"map {name} is defined outside bpf/maps.bpf.c")
                if name not in named:
                    yield Finding(path, number, f"map {name} is not in {NAMES}")
    for name in named.keys() - found:
        yield Finding(NAMES, named[name], f"map {name} is not defined in bpf/maps.bpf.c")


def programs(tree: Tree) -> Iterator[Finding]:
    """A hook file holds one program, fgw_ and the name of the file."""
    named = {name for _, kind, name in defined(tree) if kind == "PROG"}
    for path in tree.matching(r"bpf/[^/]*\.bpf\.c"):
        if path == "bpf/maps.bpf.c":
            continue
        wanted = "fgw_" + path.removeprefix("bpf/").removesuffix(".bpf.c")
        if wanted not in named:
            yield Finding(path, 1, f"program {wanted} is not in {NAMES}")
        text = code_only(tree.text(path))
        present = [(line_of(text, found.start(1)), found[1]) for found in PROGRAM.finditer(text)]
        for number, name in present:
            if name != wanted:
                yield Finding(path, number, f"the program of this file is {wanted}, not {name}")
        if not present:
            yield Finding(path, 1, f"no program {wanted} in this file")


def findings(tree: Tree) -> Iterator[Finding]:
    if not tree.exists(NAMES):
        return
    yield from contract(tree)
    yield from maps(tree)
    yield from programs(tree)


if __name__ == "__main__":
    main(findings)
