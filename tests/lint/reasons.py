#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The list of reasons (include/faith/reasons.h): every number once and in range, no
macro of the same name, every reason shown by a test and, once there is docs/reasons.md, explained there.
"""
import re
from collections import Counter
from collections.abc import Iterator

from _tree import Finding, Tree, main

REASONS = "include/faith/reasons.h"
DOCS = "docs/reasons.md"
LIMIT = 128  # FGW_REASON_MAX
ORIGINS = ("GUARD", "LOOKUP", "RELAY", "POLICY", "STF")
REASON = re.compile(r'^\s*X\(\s*(\w+)\s*,\s*(\d+)\s*,\s*(\w+)\s*,\s*"([^"]*)"\s*\)')
RETIRED = re.compile(r"^\s*X_RETIRED\(\s*(\d+)\s*\)")


def entries(tree: Tree) -> Iterator[tuple[int, str, int, str]]:
    """Line, name ("" when retired), number and origin."""
    for number, line in tree.lines(REASONS):
        if found := REASON.match(line):
            yield number, found[1], int(found[2]), found[3]
        elif found := RETIRED.match(line):
            yield number, "", int(found[1]), "GUARD"


def numbers(tree: Tree) -> Iterator[Finding]:
    listed = list(entries(tree))
    if not listed:
        yield Finding(REASONS, 1, "no reason found: has the form of the list changed?")
    by_number = Counter(value for _, _, value, _ in listed)
    by_name = Counter(name for _, name, _, _ in listed if name)
    last = -1
    for line, name, value, origin in listed:
        if by_number[value] > 1:
            yield Finding(REASONS, line, f"number {value} is taken twice")
        if by_name[name] > 1:
            yield Finding(REASONS, line, f"name {name} is taken twice")
        if value >= LIMIT:
            yield Finding(REASONS, line, f"number {value} is not below {LIMIT}")
        if value < last:
            yield Finding(REASONS, line, f"number {value} after {last}: the list is in order")
        if origin not in ORIGINS:
            yield Finding(REASONS, line, f"origin {origin} is none of {', '.join(ORIGINS)}")
        last = value


def shown(tree: Tree) -> Iterator[Finding]:
    tests = tree.matching(r"tests/(?!lint/).*\.(cc|h|c|py|sh)")
    words = {word.removeprefix("FGW_") for path in tests for word in re.findall(r"\w+", tree.text(path))}
    docs = set(re.findall(r"\w+", tree.text(DOCS))) if tree.exists(DOCS) else None
    for line, name, _, _ in entries(tree):
        if name and name not in words:
            yield Finding(REASONS, line, f"no test names the reason {name}")
        if name and docs is not None and name not in docs:
            yield Finding(REASONS, line, f"{DOCS} does not explain {name}")


def collisions(tree: Tree) -> Iterator[Finding]:
    """FGW_NAME is an enumerator: a macro of that name breaks whoever includes both."""
    names = {f"FGW_{name}" for _, name, _, _ in entries(tree) if name}
    for path in tree.matching(r"(include|bpf)/.*\.(h|c)"):
        for number, line in tree.lines(path):
            if (found := re.match(r"#define\s+(\w+)", line)) and found[1] in names:
                yield Finding(path, number, f"{found[1]} is a reason already")


def findings(tree: Tree) -> Iterator[Finding]:
    if tree.exists(REASONS):
        yield from numbers(tree)
        yield from shown(tree)
        yield from collisions(tree)


if __name__ == "__main__":
    main(findings)
