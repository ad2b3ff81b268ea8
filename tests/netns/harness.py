# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The runner of ring 3: finds the tests of one file, runs each in a scope of its own,
prints one line per test.

    @test("capture: a listener of the gateway's own never answers (F11)")
    def foreign_listener(t):
        net, gw = newsletter(t)
        ...

`t` is the scope: an ExitStack with a temporary directory. Whatever a test makes is
registered there, so that it is undone after success, failure, time-out, SIGTERM and ^C.
Nothing sleeps for luck: wait_for() waits for what it names, and says so when it fails.

FAITH_TEST_SLOW=4 multiplies every deadline (emulated machines are slow).
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOW = float(os.environ.get("FAITH_TEST_SLOW", "1"))


class Skip(Exception):
    """The machine lacks what the test needs; the text says what."""


class Expired(BaseException):
    """The test's own deadline; a BaseException so that no `except OSError` eats it."""


class Scope(contextlib.ExitStack):
    """Everything one test made, undone in reverse order."""

    def __init__(self, name):
        super().__init__()
        self.name = name
        self.notes = []
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix=f"fgwt-{os.getpid()}-"))
        self.tmp.chmod(0o755)
        self.callback(shutil.rmtree, self.tmp, ignore_errors=True)

    def note(self, text):
        """Shown only when the test fails; of what polling repeats, the last."""
        if self.notes and self.notes[-1].partition("\n")[0] == text.partition("\n")[0]:
            self.notes.pop()
        self.notes.append(text)

    def write(self, name, text):
        path = self.tmp / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)


class _Test:
    def __init__(self, name, body, seconds, needs):
        self.name, self.body, self.seconds, self.needs = name, body, seconds, needs


_tests = []


def test(name, seconds=40, needs=()):
    """Registers a test. `needs`: programs without which it is skipped."""

    def register(body):
        _tests.append(_Test(name, body, seconds, needs))
        return body

    return register


# --- what tests say ----------------------------------------------------------------------


def check(condition, why):
    if not condition:
        raise AssertionError(why)


def equal(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: got {_shown(got, want)}, want {_shown(want, got)}")


def _shown(value, other):
    """Of a transfer its size, and where it is another."""
    if not isinstance(value, bytes) or not isinstance(other, bytes) or len(value) <= 256:
        return repr(value)
    at = len(os.path.commonprefix([value, other]))
    return f"{len(value)} octets with {value[at:at + 16]!r} at {at}"


def contains(text, part, what):
    if part not in text:
        raise AssertionError(f"{what}: no {part!r} in {text!r}")


def wait_for(happened, what, seconds=5.0):
    """Polls until happened() is true and returns its value."""
    deadline = time.monotonic() + seconds * SLOW
    pause = 0.002
    while True:
        value = happened()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds * SLOW:g} s in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


# --- the runner --------------------------------------------------------------------------


def _terminated(number, _frame):
    # A second signal while things are being undone would leave half of them behind.
    for again in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(again, signal.SIG_IGN)
    sys.exit(128 + number)


def _expired(_number, _frame):
    raise Expired


def _one_line(error):
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def _missing(case):
    if os.geteuid() != 0:
        return "needs root"
    for program in case.needs:
        if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            return f"needs {program}"
    return None


def _run(case):
    """Returns (word, why): ok, not ok or skip."""
    missing = _missing(case)
    if missing:
        return "skip", missing
    scope = Scope(case.name)
    signal.setitimer(signal.ITIMER_REAL, case.seconds * SLOW)
    try:
        with scope:
            try:
                case.body(scope)
            finally:
                # Undoing must not be cut short by the deadline of what it undoes.
                signal.setitimer(signal.ITIMER_REAL, 0)
        return "ok", None
    except Skip as skip:
        return "skip", _one_line(skip)
    except Expired:
        scope.note(traceback.format_exc())
        return "not ok", _report(scope, f"not done after {case.seconds * SLOW:g} s")
    except Exception as error:
        if not isinstance(error, AssertionError) or os.environ.get("FAITH_TEST_TRACE"):
            scope.note(traceback.format_exc())
        else:
            frame = traceback.extract_tb(error.__traceback__)
            where = [f for f in frame if f.filename.endswith("_test.py")][-1:]
            scope.note("".join(f"{f.filename}:{f.lineno}: {f.line}" for f in where))
        return "not ok", _report(scope, _one_line(error))


def _report(scope, why):
    return "\n".join([why] + ["#   " + line for note in scope.notes for line in note.splitlines()])


def main():
    parser = argparse.ArgumentParser(description="Runs the tests of this file, one line each.")
    parser.add_argument("--only", metavar="TEXT", help="only tests whose name contains TEXT")
    parser.add_argument("--list", action="store_true", help="print the names")
    parser.add_argument("--times", action="store_true", help="print how long each took")
    options = parser.parse_args()
    only = options.only if options.only is not None else os.environ.get("FAITH_TEST_ONLY", "")
    chosen = [case for case in _tests if only in case.name]
    if options.list:
        print("\n".join(case.name for case in chosen))
        return
    # sbin holds bpftool, tc and sshd, and is not in everybody's PATH.
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    os.environ["LC_ALL"] = "C"
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    signal.signal(signal.SIGALRM, _expired)
    # Started in the background by a script these are ignored, and by all that we start then.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    failed = 0
    for case in chosen:
        began = time.monotonic()
        word, why = _run(case)
        failed += word == "not ok"
        took = f" ({time.monotonic() - began:.2f} s)" if options.times else ""
        print(f"{word} {case.name}{took}" + (f": {why}" if why else ""), flush=True)
    sys.exit(1 if failed else 0)
