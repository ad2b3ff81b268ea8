#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The tables of behaviours (docs/faithd.md, docs/tunnels.md): every id has one row, every row
says what became of the behaviour, and the tests that it names exist.

A row is `| id | behaviour | status | how here | tests |`. A test is named in backticks by a
beginning of its name that no other test shares; a test whose name is made in a loop has a *
where the loop's words are.
"""
import ast
import re
from collections import Counter
from collections.abc import Iterator

from _tree import Finding, Tree, main

TABLES = {  # which ids each file has a row for
    "docs/faithd.md": [*(f"F{n}" for n in range(1, 22)), *(f"L{n}" for n in range(1, 9)),
                       *(f"D{n}" for n in range(1, 63)), *(f"R{n}" for n in range(21, 31))],
    "docs/tunnels.md": [*(f"S{n}" for n in range(1, 36)), *(f"R{n}" for n in range(1, 21))],
}
# A fact is of Linux: nothing of ours to keep, but the design stands on it.
SHOWN = ("kept", "fixed", "fact")
STATUS = (*SHOWN, "declined", "later")
ROW = re.compile(r"\|\s*([A-Z]\d+)\s*\|")
CELL = re.compile(r"(?<!\\)\|")
SPAN = re.compile(r"``\s?(.+?)\s?``|`([^`]+)`")
CPP_TEST = re.compile(r'\bTEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
CPP_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
CITED = re.compile(r"\b([FDS]\d+)\b")


def words_of(name: ast.expr) -> str:
    """The text of a literal, with * for what an f-string puts in."""
    if isinstance(name, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "*" for part in name.values)
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else ""


def tests(tree: Tree) -> Iterator[tuple[str, str, int]]:
    """Name, file and line of every test of the rings unit, bpf, netns and vm."""
    for path in tree.matching(r"tests/(?!lint/).*_test\.cc"):
        text = tree.text(path)
        for found in CPP_TEST.finditer(text):
            name = "".join(part.replace(r"\"", '"') for part in CPP_STRING.findall(found[1]))
            yield name, path, text.count("\n", 0, found.start()) + 1
    for path in tree.matching(r"(tests/netns|vmtest/tests)/.*_test\.py"):
        for node in ast.walk(ast.parse(tree.text(path))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "test" and node.args:
                yield words_of(node.args[0]), path, node.lineno


def rows(tree: Tree, path: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in tree.lines(path):
        if ROW.match(line):
            yield number, [cell.strip() for cell in CELL.split(line.strip())[1:-1]]


def ids(tree: Tree, path: str) -> Iterator[Finding]:
    wanted = TABLES[path]
    count = Counter(cells[0] for _, cells in rows(tree, path))
    for missing in [name for name in wanted if not count[name]]:
        yield Finding(path, 1, f"no row for {missing}")
    for number, cells in rows(tree, path):
        if cells[0] not in wanted:
            yield Finding(path, number, f"{cells[0]} is no id of this table: see tests/lint/behaviours.py")
        if count[cells[0]] > 1:
            yield Finding(path, number, f"{cells[0]} has {count[cells[0]]} rows")


def contents(tree: Tree, path: str, names: list[str]) -> Iterator[Finding]:
    for number, cells in rows(tree, path):
        if len(cells) != 5:
            yield Finding(path, number, f"{cells[0]} has {len(cells)} cells, not id, behaviour, status, how, tests")
            continue
        name, what, status, how, shown = cells
        if status not in STATUS:
            yield Finding(path, number, f"{name}: status {status!r} is none of {', '.join(STATUS)}")
        if not what or not how:
            yield Finding(path, number, f"{name}: an empty cell")
        cited = [double or single for double, single in SPAN.findall(shown)]
        if status in SHOWN and not cited:
            yield Finding(path, number, f"{name} is {status}, but no test is named")
        for beginning in cited:
            hits = 1 if beginning in names else sum(test.startswith(beginning) for test in names)
            if hits != 1:
                yield Finding(path, number, f"{name}: {hits or 'no'} tests have names that begin with {beginning!r}")


def citations(tree: Tree) -> Iterator[Finding]:
    """An id in a test's name is one that the tables explain, and not as something to come."""
    known = {name for wanted in TABLES.values() for name in wanted}
    later = {cells[0]: table for table in TABLES if tree.exists(table) for _, cells in rows(tree, table)
             if "later" in cells[2:3]}
    for name, path, line in tests(tree):
        for cited in CITED.findall(name):
            if cited not in known:
                yield Finding(path, line, f"{cited} is in no table of behaviours")
            elif cited in later:
                yield Finding(path, line, f"{cited} is for later in {later[cited]}, but here is a test")


def findings(tree: Tree) -> Iterator[Finding]:
    tables = [path for path in TABLES if tree.exists(path)]
    names = [name for name, _, _ in tests(tree)]
    for path in tables:
        yield from ids(tree, path)
        yield from contents(tree, path, names)
    if tables:
        yield from citations(tree)


if __name__ == "__main__":
    main(findings)
