#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The runner judges everything else, so it is judged here: in a tree of its own, with
test programs that pass, fail, skip, crash, hang and do nothing."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]

# Stands for a Catch2 program: writes the report it is given, ends as it is told.
FAKE_CATCH2 = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done
cat >"$out" <<'XML'
{xml}
XML
{end}
"""
GOOD_CASE = '<TestCase name="a: good"><OverallResult success="true" durationInSeconds="0.5"/></TestCase>'
BAD_CASE = """<TestCase name="a: bad"><Section name="inner"><Info>note</Info>
<Expression success="false" type="CHECK" filename="x.cc" line="7"><Original>a == b</Original>
<Expanded>1 == 2</Expanded></Expression></Section><OverallResult success="false"/></TestCase>"""
SKIPPED_CASE = """<TestCase name="a: other"><Warning>skip: no such device</Warning>
<OverallResult success="true"/></TestCase>"""


def report(*cases: str) -> str:
    return "<Catch><Group>" + "".join(cases) + "</Group></Catch>"


class Tree:
    """A repository with nothing but the runner and what a test puts in."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        for name in ("run.py", "catch2.py"):
            (root / "tests").mkdir(exist_ok=True)
            shutil.copy(TESTS / name, root / "tests" / name)

    def script(self, path: str, text: str, mode: int = 0o755) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def unit(self, xml: str, end: str = "exit 0") -> None:
        self.script("build/tests/run-unit", FAKE_CATCH2.format(xml=xml, end=end))

    def command(self, *arguments: str, uid: int = 0) -> list[str]:
        """The runner, believing that it has this uid: rings 2 and 3 ask for root."""
        program = str(self.root / "tests/run.py")
        start = ("import os, runpy, sys; uid = int(sys.argv.pop(1)); os.geteuid = lambda: uid; "
                 f"sys.path.insert(0, {str(self.root / 'tests')!r}); sys.argv[0] = {program!r}; "
                 f"runpy.run_path({program!r}, run_name='__main__')")
        return [sys.executable, "-c", start, str(uid), *arguments]

    def run(self, *arguments: str, uid: int = 0) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(*arguments, uid=uid), text=True, capture_output=True, timeout=60,
                              env={**os.environ, "FAITH_TEST_SLOW": "0.02"})

    def results(self, ring: str) -> dict:
        return json.loads((self.root / f"build/results/{ring}.json").read_text())


class InTree(unittest.TestCase):
    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory(prefix="fgw-runner-")
        self.addCleanup(place.cleanup)
        self.tree = Tree(pathlib.Path(place.name))

    def expect(self, done: subprocess.CompletedProcess, status: int, closing: str, *parts: str) -> None:
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (status, closing), done.stdout + done.stderr)
        self.assertEqual(sum(line == closing for line in done.stdout.splitlines()), 1)
        for part in parts:
            self.assertIn(part, done.stdout)


class RunnerTest(InTree):
    def test_everything_passes(self) -> None:
        self.tree.unit(report(GOOD_CASE))
        self.expect(self.tree.run("unit"), 0, "1 passed, 0 failed, 0 skipped")
        results = self.tree.results("unit")
        self.assertEqual((results["passed"], results["failed"], results["skipped"]), (1, 0, 0))
        self.assertEqual(results["tests"][0]["name"], "a: good")
        self.assertEqual(results["tests"][0]["seconds"], 0.5)

    def test_a_failure_is_shown_with_its_place(self) -> None:
        self.tree.unit(report(GOOD_CASE, BAD_CASE), "exit 1")
        self.expect(self.tree.run("unit"), 1, "1 passed, 1 failed, 0 skipped", "FAILED a: bad",
                    "x.cc:7: CHECK( a == b )", "was 1 == 2", "in section inner", "note")

    def test_a_skip_is_a_failure_unless_allowed(self) -> None:
        self.tree.unit(report(GOOD_CASE, SKIPPED_CASE))
        self.expect(self.tree.run("unit"), 1, "1 passed, 0 failed, 1 skipped", "skipped a: other: no such device")
        self.expect(self.tree.run("--allow-skips", "unit"), 0, "1 passed, 0 failed, 1 skipped")

    def test_a_crash_fails_and_names_the_test(self) -> None:
        cut = report(GOOD_CASE, '<TestCase name="a: cut">').split("</Group>")[0]
        self.tree.unit(cut, "echo last words; kill -SEGV $$")
        self.expect(self.tree.run("unit"), 1, "1 passed, 2 failed, 0 skipped", "FAILED a: cut", "SIGSEGV", "last words")

    def test_a_bad_end_after_good_tests_fails(self) -> None:
        self.tree.unit(report(GOOD_CASE), "echo leak; exit 23")
        self.expect(self.tree.run("unit"), 1, "1 passed, 1 failed, 0 skipped", "exit status 23", "leak")

    def test_a_ring_without_tests_or_program_fails(self) -> None:
        self.expect(self.tree.run("unit"), 1, "0 passed, 1 failed, 0 skipped", "is not built")
        self.tree.unit(report())
        self.expect(self.tree.run("unit", "lint"), 1, "0 passed, 2 failed, 0 skipped", "ran no test")

    def test_only_may_leave_a_ring_empty_but_not_all(self) -> None:
        self.tree.unit(report())
        self.tree.script("tests/lint/arrows.py", "")
        self.expect(self.tree.run("--only", "arrows", "unit", "lint"), 0, "1 passed, 0 failed, 0 skipped")
        self.expect(self.tree.run("--only", "nothing", "unit", "lint"), 1, "0 passed, 0 failed, 0 skipped", "no test has")

    def test_a_build_directory_that_cannot_be_written_is_a_sentence(self) -> None:
        (self.tree.root / "build").write_text("a file")
        self.expect(self.tree.run("unit"), 1, "0 passed, 1 failed, 0 skipped", "cannot run: ", "build")

    def test_a_lint_that_finds_something_fails_and_the_rest_runs(self) -> None:
        self.tree.script("tests/lint/a.py", "print('x.cc:1: wrong'); raise SystemExit(1)")
        self.tree.script("tests/lint/b.py", "")
        self.tree.script("tests/lint/_shared.py", "raise SystemExit(1)")
        self.expect(self.tree.run("lint"), 1, "1 passed, 1 failed, 0 skipped", "x.cc:1: wrong")

    def test_stops_after_a_ring_when_asked_to(self) -> None:
        self.tree.script("tests/lint/a.py", "raise SystemExit(1)")
        self.tree.unit(report(GOOD_CASE))
        self.expect(self.tree.run("lint", "unit"), 1, "1 passed, 1 failed, 0 skipped")
        self.expect(self.tree.run("--no-keep-going", "lint", "unit"), 1, "0 passed, 1 failed, 0 skipped")

    def test_input_is_closed(self) -> None:
        self.tree.script("tests/lint/a.py", "import sys; raise SystemExit(sys.stdin.read() != '')")
        self.expect(self.tree.run("lint"), 0, "1 passed, 0 failed, 0 skipped")

    def test_a_hanging_test_is_ended_with_its_children(self) -> None:
        pid = self.tree.root / "pid"
        self.tree.unit(report(GOOD_CASE), f"sleep 1000 & echo $! >{pid}; trap '' TERM; wait; wait")
        began = time.monotonic()
        done = self.tree.run("--timeout", "75", "unit")  # 1.5 s at this speed
        self.expect(done, 1, "1 passed, 1 failed, 0 skipped", "not done after")
        self.assertLess(time.monotonic() - began, 10)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)

    def test_interrupting_ends_the_running_test(self) -> None:
        pid = self.tree.root / "pid"
        self.tree.script("tests/lint/a.py", f"import os, time; open('{pid}', 'w').write(str(os.getpid())); time.sleep(1000)")
        process = subprocess.Popen(self.tree.command("lint"), stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.kill)
        while not (pid.exists() and pid.read_text()):
            self.assertIsNone(process.poll(), "the runner ended early")
            time.sleep(0.01)
        process.terminate()
        output, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130, output)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)


class RootRingsTest(InTree):
    def netns(self, text: str, mode: int = 0o755) -> None:
        self.tree.script("tests/netns/a_test.py", "#!/bin/sh\n" + text, mode)

    def test_without_root_they_fail_and_say_so_and_the_others_run(self) -> None:
        self.tree.unit(report(GOOD_CASE))
        self.netns("echo 'ok a: one'")
        self.expect(self.tree.run("unit", "netns", uid=1000), 1, "1 passed, 1 failed, 0 skipped",
                    "ring netns needs root: run it with sudo")
        self.expect(self.tree.run("unit", uid=1000), 0, "1 passed, 0 failed, 0 skipped")

    def test_lines_become_outcomes(self) -> None:
        self.netns("echo 'ok a: one'; echo 'not ok a: two: it: broke'; echo '#   where'; echo 'skip a: three: no curl'; exit 1")
        self.expect(self.tree.run("netns"), 1, "1 passed, 1 failed, 1 skipped", "FAILED a: two: it: broke",
                    "where", "skipped a: three: no curl")
        self.assertEqual([test["why"] for test in self.tree.results("netns")["tests"]], ["", "it: broke", "no curl"])

    def test_silence_a_bad_end_and_a_missing_bit_fail(self) -> None:
        self.netns("")
        self.expect(self.tree.run("netns"), 1, "0 passed, 1 failed, 0 skipped", "ran no test")
        self.netns("echo 'ok a: one'; echo oops >&2; exit 3")
        self.expect(self.tree.run("netns"), 1, "1 passed, 1 failed, 0 skipped", "exit status 3", "oops")
        self.netns("echo 'ok a: one'", 0o644)
        self.expect(self.tree.run("netns"), 1, "0 passed, 1 failed, 0 skipped", "not executable")

    def test_the_demo_is_one_test(self) -> None:
        self.tree.script("tests/demo/demo.sh", "#!/bin/sh\ntest -d $1")
        self.expect(self.tree.run("demo"), 0, "1 passed, 0 failed, 0 skipped")
        self.tree.script("tests/demo/demo.sh", "#!/bin/sh\necho differs; exit 1")
        self.expect(self.tree.run("demo"), 1, "0 passed, 1 failed, 0 skipped", "differs")


if __name__ == "__main__":
    unittest.main(verbosity=0)
