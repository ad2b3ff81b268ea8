# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Turns the record of one kernel's run into a verdict. Pure: a record in, rows and problems
out. Everything that makes `make vmtest` red is in this file, and selftest.py sees each red.

A record is what rings.py writes, with `where` (kvm, tcg, host) and, when the guest did not
come to its end, `why` and `console` added by run.py.
"""
import collections
import dataclasses
import re

# A kernel that found something wrong with itself, or with what a program did to it.
SPLAT = re.compile(
    r"\bWARNING\b|\bBUG\b|\bOops\b|Call Trace|\bRIP: 00|general protection fault|Kernel panic"
    r"|INFO: task .* blocked|INFO: rcu_|rcu: INFO:|self-detected stall|soft lockup|hard LOCKUP"
    r"|possible (recursive|circular|irq|deadlock)|inconsistent lock state|suspicious RCU usage|DEADLOCK"
    r"|\bKASAN\b|\bKCSAN\b|\bKFENCE\b|\bUBSAN\b|refcount_t:|list_(add|del) corruption"
    r"|unregister_netdevice: waiting|page allocation failure|Out of memory|invoked oom-killer"
    r"|\bsegfault at\b|traps: .* (trap|general protection)|scheduling while atomic|kmemleak: \d+ new")
RING_MARK = re.compile(r"faith-gw vmtest: ring (\w+) (begins|ends)")


@dataclasses.dataclass
class Row:
    kernel: str
    ring: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float | None = None


@dataclasses.dataclass
class Verdict:
    rows: list = dataclasses.field(default_factory=list)
    problems: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)


def splats(log):
    """[(rings, line)] of everything in a kernel log that must not be there, with the rings that
    ran at that time. After the end of all it is laid at the door of the last: a kernel may be
    late to notice."""
    running, named, found = [], "-", []
    for line in log.splitlines():
        mark = RING_MARK.search(line)
        if mark:
            running = [ring for ring in running if ring != mark[1]] + ([mark[1]] if mark[2] == "begins" else [])
            named = " or ".join(running) or mark[1]
        elif SPLAT.search(line):
            found.append((named, line.strip()))
    return found


def left_behind(before, after):
    """What is there now and was not, several of a kind counted."""
    more = collections.Counter(after) - collections.Counter(before)
    return [f"{what}" + (f" ({count} of them)" if count > 1 else "") for what, count in sorted(more.items())]


def skip_allowed(allowed, kernel, ring, name):
    """`allowed` is [(kernel prefix, ring, part of the name)], from skips.txt."""
    return any(kernel.startswith(k) and ring == r and part in name for k, r, part in allowed)


def _ring(verdict, label, kernel, ring, one, allowed, only):
    row = Row(label, ring, seconds=one.get("seconds"))
    verdict.rows.append(row)
    results = one.get("results")
    if results is None:
        row.failed = 1
        why = one.get("why") or f"ended with {one.get('rc')}"
        verdict.problems.append(f"{label}: ring {ring} left no results: {why}\n{_indent(one.get('tail', ''), 15)}")
        return
    for test in results["tests"]:
        if test["outcome"] == "passed":
            row.passed += 1
        elif test["outcome"] == "skipped" and skip_allowed(allowed, kernel, ring, test["name"]):
            row.skipped += 1
        elif test["outcome"] == "skipped":
            row.failed += 1
            verdict.problems.append(f"{label}: {ring}: skipped, but should run: {test['name']}: {test.get('why')}")
        else:
            row.failed += 1
            words = f"{test.get('why') or ''}\n{test.get('detail') or ''}"
            verdict.problems.append(f"{label}: {ring}: {test['name']}: {_indent(words, 30).strip()}")
    fine = (0,) if results["tests"] else (0, 1)  # a ring without the test asked for ends with 1
    if not results["tests"] and not only:
        row.failed += 1
        verdict.problems.append(f"{label}: ring {ring} ran nothing")
    elif one.get("why") or (one.get("rc") not in fine and not row.failed):
        row.failed += 1
        why = one.get("why") or f"ended with {one['rc']} although no test failed"
        verdict.problems.append(f"{label}: ring {ring}: {why}\n{_indent(one.get('tail', ''), 15)}")


def _machine(verdict, label, record):
    """What no test says: did the kernel stay well, and is it as it was before?"""
    row = Row(label, "kernel")
    verdict.rows.append(row)

    def check(problems):
        if problems:
            row.failed += 1
            verdict.problems.extend(f"{label}: {problem}" for problem in problems)
        else:
            row.passed += 1

    if not record.get("finished"):
        tail = _indent(record.get("console", ""), 25)
        check([f"the run did not come to its end: {record.get('why') or 'the guest went away'}\n{tail}"])
        found = splats(record.get("console", ""))
        verdict.problems.extend(f"{label}: kernel message: {line}" for _, line in found[:5])
        return
    if record.get("dmesg") is not None:
        check([f"kernel message during ring {ring}: {line}" for ring, line in splats(record["dmesg"])])
    elif record.get("where") == "host":
        verdict.notes.append(f"{label}: the kernel log of this machine could not be read")
    else:
        check(["the kernel log does not hold this run"])
    check([f"left behind: {what}" for what in left_behind(record.get("before", []), record.get("after", []))])


def judge(record, allowed=(), only=None):
    """`only`: the run was narrowed to one test, so that a ring may have had none of it."""
    verdict = Verdict()
    label = f"{record.get('kernel', '?')} {record['where']}"
    for ring in record["wanted"]:
        if ring in record["rings"]:
            _ring(verdict, label, record.get("kernel", ""), ring, record["rings"][ring], allowed, only)
        else:
            verdict.rows.append(Row(label, ring, failed=1))
            verdict.problems.append(f"{label}: ring {ring} did not run")
    if only and not any(row.passed + row.failed + row.skipped for row in verdict.rows):
        verdict.rows.append(Row(label, "-", failed=1))
        verdict.problems.append(f"{label}: no test has {only!r} in its name")
    if not record.get("reused"):
        _machine(verdict, label, record)
    return verdict


def _indent(text, lines):
    return "\n".join("    " + line for line in text.strip().splitlines()[-lines:])


# --- for people --------------------------------------------------------------------------


def table(rows):
    head = ("kernel", "ring", "passed", "failed", "skipped", "seconds")
    cells = [head] + [(row.kernel, row.ring, str(row.passed), str(row.failed), str(row.skipped),
                       "" if row.seconds is None else f"{row.seconds:.0f}") for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return "\n".join("  ".join(
        cell.ljust(width) if column < 2 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in cells)


def closing_line(rows):
    passed, failed, skipped = (sum(getattr(row, name) for row in rows) for name in ("passed", "failed", "skipped"))
    return f"{passed} passed, {failed} failed, {skipped} skipped"
