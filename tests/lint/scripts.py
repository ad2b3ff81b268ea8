#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scripts parse, those in Python use no name that is not there, and those with #! can be started."""
import os
import re
import shutil
import subprocess
from collections.abc import Iterator

from _tree import Finding, Tree, main

PYFLAKES = "pyflakes3"


def shell(tree: Tree, path: str, which: str) -> Iterator[Finding]:
    done = subprocess.run([which, "-n", str(tree.root / path)], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        message = done.stderr.strip().split("\n")[0]
        number = re.search(r": (?:line )?(\d+): ", message)
        yield Finding(path, int(number[1]) if number else 1, "does not parse: " + message.rpartition(": ")[2])


def python(tree: Tree, path: str) -> Iterator[Finding]:
    try:
        compile(tree.text(path), path, "exec")
    except SyntaxError as error:
        yield Finding(path, error.lineno or 1, f"does not parse: {error.msg}")


def names(tree: Tree, paths: list[str]) -> Iterator[Finding]:
    if not paths:
        return
    if not shutil.which(PYFLAKES):
        yield Finding(paths[0], 1, f"{PYFLAKES} is not installed: sudo make deps")
        return
    done = subprocess.run([PYFLAKES, *paths], cwd=tree.root, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        if found := re.fullmatch(r"(.+?):(\d+):\d+:? (.*)", line):
            yield Finding(found[1], int(found[2]), found[3])


def findings(tree: Tree) -> Iterator[Finding]:
    sound = []
    for path in tree.files:
        with open(tree.root / path, "rb") as file:
            start = file.read(2)
        if path.endswith(".py"):
            broken = list(python(tree, path))
            yield from broken
            if not broken:
                sound.append(path)
        if start != b"#!":
            continue
        first = tree.text(path).split("\n", 1)[0]
        if found := re.search(r"/(sh|bash)$", first):
            yield from shell(tree, path, found[1])
        elif not first.endswith("python3"):
            yield Finding(path, 1, f"neither sh, bash nor python3: {first}")
        if not os.access(tree.root / path, os.X_OK):
            yield Finding(path, 1, "has #! but cannot be executed: chmod +x")
    yield from names(tree, sound)


if __name__ == "__main__":
    main(findings)
