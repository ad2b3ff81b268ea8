#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a compiler and clang-format do not see: licence lines, lengths, banned words."""
import re
from collections.abc import Iterator

from _tree import Finding, Tree, code_only, main

LICENCE = "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause"
SOURCE = r".*\.(h|cc|c|py|sh)|.*Makefile"
CPP = r"(userspace|tests|vmtest)/.*\.(h|cc)"
C_FAMILY = r".*\.(h|cc|c)"

FILE_LINES = 400
LONG_FILES = {  # path -> why it is longer
    "include/faith/abi.h": "the contract in one place: a second file would hide half of it",
    "tests/unit/relay/session_test.cc": "every way a session ends, each with both ends at work",
}

FUNCTION_LINES = 60
LONG_FUNCTIONS: dict[str, str] = {}  # "path: first line" -> why it is longer

# What the build bans in our C++, and what to write instead.
BANNED = {
    r"\bthrow\b": "errors are values: return an Error",
    r"(?<!= )\bdelete\b": "owners are std::unique_ptr and containers",
    r"\b(strcpy|strcat|sprintf|vsprintf|gets)\s*\(": "no bounds: use std::string or snprintf",
    r"(?<![\w.>])(std::)?system\s*\(": "no shell: see sys/process.h",
}
# A private constructor keeps make_unique out: unique_ptr<T>(new T) is the one good `new`.
NEW = re.compile(r"[^;{}]*?\bnew\b")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\s*\(#\d+\))")
FUNCTION = re.compile(r"^(?!namespace|struct|class|enum|union|extern|TEST_CASE|using|template|[#}/*])\S.*\)[^;]*\{$")


def licence(tree: Tree) -> Iterator[Finding]:
    for path in tree.matching(SOURCE):
        first = tree.text(path).split("\n", 2)[:2]
        line = first[1] if first[0].startswith("#!") and len(first) > 1 else first[0]
        wanted = f"/* {LICENCE} */" if re.fullmatch(C_FAMILY, path) else f"# {LICENCE}"
        if line != wanted:
            yield Finding(path, 1, f"the first line (after #!) is not {wanted!r}")
    for path in tree.matching(r"bpf/[^/]*\.c"):
        if '"Dual BSD/GPL"' not in tree.text(path):
            yield Finding(path, 1, 'declares no SEC("license") = "Dual BSD/GPL"')


def lengths(tree: Tree) -> Iterator[Finding]:
    for path in tree.matching(SOURCE):
        lines = tree.text(path).count("\n")
        if lines > FILE_LINES and path not in LONG_FILES:
            yield Finding(path, FILE_LINES + 1, f"{lines} lines; more than {FILE_LINES} need a reason in tests/lint/style.py")
        if lines <= FILE_LINES and path in LONG_FILES:
            yield Finding(path, 1, "is no longer long: take it off LONG_FILES in tests/lint/style.py")


def whitespace(tree: Tree) -> Iterator[Finding]:
    for path in tree.matching(SOURCE + r"|.*\.(md|toml|txt|yml|service|conf)"):
        cpp = re.fullmatch(CPP, path)
        for number, line in tree.lines(path):
            if line != line.rstrip():
                yield Finding(path, number, "white space at the end")
            if cpp and "\t" in line:
                yield Finding(path, number, "a tab in C++")
        if tree.text(path) and not tree.text(path).endswith("\n"):
            yield Finding(path, tree.text(path).count("\n") + 1, "no newline at the end of the file")


def words(tree: Tree) -> Iterator[Finding]:
    for path in tree.matching(r"userspace/.*\.(h|cc)"):
        code = code_only(tree.text(path))
        for number, line in enumerate(code.split("\n"), 1):
            for pattern, instead in BANNED.items():
                if found := re.search(pattern, line):
                    yield Finding(path, number, f"{found[0].strip()}: {instead}")
            if path.endswith(".h") and "using namespace" in line:
                yield Finding(path, number, "using namespace in a header")
        for found in NEW.finditer(code):
            if "unique_ptr<" not in found[0]:
                yield Finding(path, code.count("\n", 0, found.end()) + 1, "new: owners are std::make_unique and containers")


def unfinished(tree: Tree) -> Iterator[Finding]:
    for path in tree.matching(SOURCE):
        if path.startswith("tests/lint/"):
            continue
        for number, line in tree.lines(path):
            if found := UNFINISHED.search(line):
                yield Finding(path, number, f"{found[0]} without the number of an issue")


def functions(tree: Tree) -> Iterator[Finding]:
    """Lengths of functions that begin and end in the first column, as clang-format has it."""
    for path in tree.matching(r"(userspace|bpf)/.*\.(h|cc|c)"):
        start, head = 0, ""
        for number, line in enumerate(code_only(tree.text(path)).split("\n"), 1):
            if FUNCTION.match(line):
                start, head = number, line
            elif line == "}" and start:
                if number - start > FUNCTION_LINES and f"{path}: {head}" not in LONG_FUNCTIONS:
                    yield Finding(path, start, f"a function of {number - start + 1} lines; {FUNCTION_LINES} is the limit")
                start = 0


def findings(tree: Tree) -> Iterator[Finding]:
    for rule in (licence, lengths, whitespace, words, unfinished, functions):
        yield from rule(tree)


if __name__ == "__main__":
    main(findings)
