#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs rings of tests and says how they went.

    python3 tests/run.py --build build lint unit bpf netns demo

Each ring prints what failed and why; the last line is always `N passed, N failed,
N skipped` over all rings. Exit status 1 when a test failed, when a ring ran no test, or
when a test was skipped (--allow-skips accepts that). BUILD/results/<ring>.json holds the
same for programs. README.md beside this file says what the rings are.
"""
import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator

from catch2 import read_report

ROOT = pathlib.Path(__file__).resolve().parents[1]
SLOW = float(os.environ.get("FAITH_TEST_SLOW", "1"))
GRACE = 15.0 * SLOW  # for a test to undo what it made, once asked to end
TAIL = 200  # lines of a test's output that are worth printing


@dataclasses.dataclass
class Outcome:
    """How one test went."""

    name: str
    outcome: str  # passed, failed, skipped
    seconds: float = 0.0
    why: str = ""  # one line
    detail: str = ""


@dataclasses.dataclass
class Options:
    build: pathlib.Path
    only: str
    timeout: float


# --- processes ---------------------------------------------------------------------------


@dataclasses.dataclass
class Done:
    """A process that has ended. Its output is lossy UTF-8: tests print raw bytes, too."""

    status: int  # negative: ended by that signal
    output: str
    seconds: float
    expired: bool

    def why(self) -> str:
        if self.expired:
            return f"not done after {self.seconds:.0f} s: ended"
        if self.status < 0:
            return f"ended by {signal.Signals(-self.status).name}"
        return f"exit status {self.status}"


def environment(options: Options) -> dict[str, str]:
    inherited = dict(os.environ)
    inherited["PATH"] = inherited.get("PATH", "") + ":/usr/sbin:/sbin"
    return {**inherited, "LC_ALL": "C.UTF-8", "FAITH_GW": str(options.build / "faith-gw")}


def end_group(process: subprocess.Popen) -> None:
    """Ends a test and what it started. SIGTERM first: it may have namespaces to remove."""
    for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(patience)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue


def run(command: list[str], options: Options) -> Done:
    """Runs to the end or the time-out, in a process group of its own and without input.

    Output goes to a file, not a pipe: a daemon that outlives its test would keep a pipe
    open, and the reader waiting.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(options), stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        expired = False
        try:
            process.wait(options.timeout)
        except subprocess.TimeoutExpired:
            expired = True
        finally:
            end_group(process)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Done(process.returncode, text, time.monotonic() - began, expired)


def whole(name: str, done: Done) -> Outcome:
    """A process that is one test: status 0 or not."""
    if done.status == 0 and not done.expired:
        return Outcome(name, "passed", done.seconds)
    return Outcome(name, "failed", done.seconds, done.why(), done.output)


# --- rings -------------------------------------------------------------------------------


def lint(options: Options) -> Iterator[Outcome]:
    """tests/lint/*.py: the house rules"""
    for path in sorted(ROOT.glob("tests/lint/[a-z]*.py")):
        if options.only in f"lint: {path.stem}":
            yield whole(f"lint: {path.stem}", run([sys.executable, str(path)], options))


def name_pattern(text: str) -> str:
    """Catch2's pattern for names that contain the text, which may hold its own signs."""
    return "*" + re.sub(r"([][,*\\\"])", r"\\\1", text) + "*"


def catch2_ring(ring: str, options: Options) -> Iterator[Outcome]:
    binary = options.build / "tests" / f"run-{ring}"
    if not binary.exists():
        yield Outcome(f"{ring}: {binary.name}", "failed", why=f"{binary} is not built: make test-binaries")
        return
    report = options.build / "results" / f"{ring}.xml"
    report.unlink(missing_ok=True)
    pattern = [name_pattern(options.only)] if options.only else []
    done = run([str(binary), *pattern, "-r", "xml", "-d", "yes", "-o", str(report)], options)
    failures = 0
    for case in read_report(report):
        failures += case.outcome == "failed"
        yield Outcome(case.name, case.outcome, case.seconds, case.why, case.detail)
    # The report cannot tell of what ends the process: a signal, a sanitizer, exit().
    if done.expired or done.status < 0 or (done.status != 0 and failures == 0):
        why = f"{done.why()}; tests after that point did not run"
        yield Outcome(f"{ring}: {binary.name}", "failed", done.seconds, why, done.output)


def unit(options: Options) -> Iterator[Outcome]:
    """tests/unit: pure code, no privilege"""
    yield from catch2_ring("unit", options)


def bpf(options: Options) -> Iterator[Outcome]:
    """tests/bpf: each BPF program, byte for byte, and what needs root"""
    yield from catch2_ring("bpf", options)


LINE = re.compile(r"(ok|not ok|skip) (.+)")
WORDS = {"ok": "passed", "not ok": "failed", "skip": "skipped"}


def split_why(word: str, text: str) -> tuple[str, str]:
    """A name is "room: behaviour", so the reason starts after the second colon."""
    if word == "ok":
        return text, ""
    parts = text.split(": ", 2)
    return (": ".join(parts[:2]), parts[2]) if len(parts) == 3 else (parts[0], parts[-1])


def read_lines(output: str) -> Iterator[Outcome]:
    """`ok NAME`, `not ok NAME: why`, `skip NAME: why`; what follows one is its detail."""
    current: Outcome | None = None
    for line in output.splitlines():
        if found := LINE.fullmatch(line):
            if current:
                yield current
            name, why = split_why(found[1], found[2])
            current = Outcome(name, WORDS[found[1]], why=why)
        elif current and current.outcome == "failed":
            current.detail += line.removeprefix("#   ") + "\n"
    if current:
        yield current


def netns_file(path: pathlib.Path, options: Options) -> list[Outcome]:
    only = ["--only", options.only] if options.only else []
    if not os.access(path, os.X_OK):
        return [Outcome(f"netns: {path.name}", "failed", why="not executable")]
    done = run([str(path), *only], options)
    tests = list(read_lines(done.output))
    if done.expired or (done.status != 0 and not any(test.outcome == "failed" for test in tests)):
        tests.append(Outcome(f"netns: {path.name}", "failed", done.seconds, done.why(), done.output))
    if not tests and not only:
        tests.append(Outcome(f"netns: {path.name}", "failed", why="ran no test", detail=done.output))
    if tests:
        ok = sum(test.outcome == "passed" for test in tests)
        print(f"   {path.name:<24}{ok:>4} of {len(tests):<4}{done.seconds:8.1f} s")
    return tests


def netns(options: Options) -> Iterator[Outcome]:
    """tests/netns: behaviours between network namespaces"""
    for path in sorted(ROOT.glob("tests/netns/*_test.py")):
        yield from netns_file(path, options)


def demo(options: Options) -> Iterator[Outcome]:
    """tests/demo/demo.sh: what the README promises"""
    script = ROOT / "tests/demo/demo.sh"
    if options.only not in "demo: demo.sh":
        return
    if not script.exists():
        yield Outcome("demo: demo.sh", "failed", why=f"{script} is not there")
        return
    yield whole("demo: demo.sh", run([str(script), str(options.build)], options))


RINGS: dict[str, Callable[[Options], Iterator[Outcome]]] = {
    "lint": lint, "unit": unit, "bpf": bpf, "netns": netns, "demo": demo}
NEED_ROOT = ("bpf", "netns", "demo")


# --- what people and programs get to see -------------------------------------------------


def show(test: Outcome) -> None:
    if test.outcome == "skipped":
        print(f"   skipped {test.name}: {test.why}")
    if test.outcome == "failed":
        print(f"   FAILED {test.name}" + (f": {test.why}" if test.why else ""))
        lines = test.detail.rstrip().splitlines()
        if len(lines) > TAIL:
            print(f"          ({len(lines) - TAIL} lines before these are in the results)")
        for line in lines[-TAIL:]:
            print(f"          {line}")


def save(ring: str, tests: list[Outcome], seconds: float, options: Options) -> None:
    count = Counter(test.outcome for test in tests)
    results = {"ring": ring, "passed": count["passed"], "failed": count["failed"], "skipped": count["skipped"],
               "seconds": round(seconds, 3), "tests": [dataclasses.asdict(test) for test in tests]}
    place = options.build / "results" / f"{ring}.json"
    aside = place.with_suffix(".new")
    aside.write_text(json.dumps(results, indent=1) + "\n")
    aside.rename(place)


def outcomes(ring: str, options: Options) -> Iterator[Outcome]:
    """The tests of a ring; one that cannot run or has none is a failure by itself."""
    if ring in NEED_ROOT and os.geteuid() != 0:
        yield Outcome(f"{ring}: root", "failed", why=f"ring {ring} needs root: run it with sudo")
        return
    empty = not options.only
    for test in RINGS[ring](options):
        empty = False
        yield test
    if empty:
        yield Outcome(f"{ring}: ring", "failed", why="ran no test")


def run_ring(ring: str, options: Options) -> list[Outcome]:
    """Runs, shows and records one ring."""
    print(f"== {ring}: {RINGS[ring].__doc__}")
    (options.build / "results").mkdir(parents=True, exist_ok=True)
    (options.build / "results" / f"{ring}.json").unlink(missing_ok=True)
    began = time.monotonic()
    tests: list[Outcome] = []
    for test in outcomes(ring, options):
        tests.append(test)
        show(test)
    seconds = time.monotonic() - began
    save(ring, tests, seconds, options)
    ok = sum(test.outcome == "passed" for test in tests)
    print(f"   {ok} of {len(tests)} ok, {seconds:.1f} s")
    return tests


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"), help="where it was built")
    parser.add_argument("--only", metavar="TEXT", default="", help="only tests whose name contains TEXT")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS",
                        help="for one test program (default 300, times FAITH_TEST_SLOW)")
    parser.add_argument("--keep-going", action=argparse.BooleanOptionalAction, default=True,
                        help="run the other rings after one that failed")
    parser.add_argument("--allow-skips", action="store_true", help="a skipped test is no failure")
    parser.add_argument("rings", nargs="+", choices=RINGS, metavar="RING", help=" ".join(RINGS))
    return parser.parse_args(arguments)


def run_rings(asked: argparse.Namespace) -> tuple[Counter, bool]:
    """The counts over all rings, and whether everything is well."""
    options = Options((ROOT / asked.build).resolve(), asked.only, asked.timeout * SLOW)
    total: Counter = Counter()
    bad = ("failed",) if asked.allow_skips else ("failed", "skipped")
    for ring in dict.fromkeys(asked.rings):
        total.update(test.outcome for test in run_ring(ring, options))
        if not asked.keep_going and any(total[word] for word in bad):
            break
    if total["skipped"] and not asked.allow_skips:
        print("a skipped test counts as a failure; --allow-skips accepts it")
    if not total:
        print(f"no test has {asked.only!r} in its name")
    return total, bool(total) and not any(total[word] for word in bad)


def interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    asked = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, interrupt)
    try:
        total, well = run_rings(asked)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except OSError as error:  # most often a build directory that belongs to root
        print(f"cannot run: {error.strerror}: {error.filename}")
        total, well = Counter(failed=1), False
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
