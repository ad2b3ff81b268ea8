# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What every lint works on: the files of the repository, and how a finding is told.

A lint is a module with findings(tree), which yields one Finding for each breach, and
main(findings) at its end. selftest.py shows for each of them that it can fail.
"""
import dataclasses
import functools
import os
import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = re.compile(r"\.|build|__pycache__$")  # folders that hold no source


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


class Tree:
    """A repository; paths are relative to its root and use slashes."""

    def __init__(self, root: pathlib.Path = ROOT) -> None:
        self.root = root

    @functools.cached_property
    def files(self) -> list[str]:
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if not SKIPPED.match(name)]
            inside = pathlib.PurePath(folder).relative_to(self.root)
            found += [(inside / name).as_posix() for name in names]
        return sorted(found)

    def matching(self, pattern: str) -> list[str]:
        """Files whose whole path matches the regular expression."""
        return [path for path in self.files if re.fullmatch(pattern, path)]

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()

    @functools.cache
    def text(self, path: str) -> str:
        return (self.root / path).read_text(errors="replace")

    def lines(self, path: str) -> Iterator[tuple[int, str]]:
        return enumerate(self.text(path).split("\n"), 1)


def code_only(text: str) -> str:
    """C or C++ without comments and literals, each line still on its line."""
    parts = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(found: re.Match) -> str:
        kept = '""' if '"' in found[0][:2] else " "
        return kept + "\n" * found[0].count("\n")

    # 0x1'000 holds no character: digit separators go first.
    return parts.sub(blank, re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "", text))


Findings = Callable[[Tree], Iterable[Finding]]


def main(findings: Findings) -> None:
    tree = Tree(pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT)
    found = sorted(set(findings(tree)))
    for finding in found:
        print(finding)
    sys.exit(1 if found else 0)
