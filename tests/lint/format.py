#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""clang-format would change nothing. `make fmt` changes what it would."""
import concurrent.futures
import os
import re
import shutil
import subprocess
from collections.abc import Iterator

from _tree import Finding, Tree, main

# The files of `make fmt`.
FORMATTED = r"userspace/[^/]*/[^/]*\.(h|cc)|tests/([^/]*/)?[^/]*/[^/]*\.(h|cc)|bpf/[^/]*\.c|bpf/lib/[^/]*\.h"
TOOL = "clang-format-19"
MESSAGE = re.compile(r"(.+?):(\d+):\d+: (?:error|warning): (.*)")


def check(tree: Tree, paths: list[str]) -> dict[str, Finding]:
    """The first line of each file that would change."""
    done = subprocess.run([TOOL, "--dry-run", *paths], cwd=tree.root, stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    found: dict[str, Finding] = {}
    for line in done.stderr.splitlines():
        if parts := MESSAGE.fullmatch(line):
            found.setdefault(parts[1], Finding(parts[1], int(parts[2]), f"{TOOL} would change this: make fmt"))
    if done.returncode != 0:
        found[""] = Finding(".clang-format", 1, f"{TOOL}: exit status {done.returncode}: {done.stderr[:200]}")
    return found


def findings(tree: Tree) -> Iterator[Finding]:
    paths = tree.matching(FORMATTED)
    if not shutil.which(TOOL):
        yield Finding(".clang-format", 1, f"{TOOL} is not installed: sudo make deps")
        return
    share = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(share) as pool:
        parts = [paths[number::share] for number in range(share)]
        for found in pool.map(lambda part: check(tree, part) if part else {}, parts):
            yield from found.values()


if __name__ == "__main__":
    main(findings)
