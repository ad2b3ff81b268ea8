#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The verifier ring: every program, by every supported clang, loads on the kernel that runs
here and costs its verifier no more than recorded in tests/golden/verifier-vm.txt.

usage: verifier.py --build DIR measure            on the kernel under test
       verifier.py --build DIR update FILE.json...  write what was measured into the golden file

A kernel that has no line in the golden file has no budget: its programs must load, no more.
"""
import argparse
import collections
import json
import pathlib
import platform
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests/golden/verifier-vm.txt"
COLUMNS = ("instructions", "states", "peak_states", "stack")
GROWTH = 1.15
# Small programs move by more than 15 % when one line changes; that is no regression.
SLACK = {"instructions": 40, "states": 5, "peak_states": 5, "stack": 16}
HEAD = """\
# What the verifier pays for each program, by kernel and compiler. A figure that grows by more
# than 15 % fails `make vmtest`; after a look at why, record the new ones and commit the diff:
#   sudo make vmtest RING=verifier UPDATE=1
# kernel clang program           instructions  states peak_states  stack
"""

# What the verifier says, and what it means to somebody who wants to run a gateway.
HINTS = [
    (r"(unknown func|invalid func)", "this kernel lacks a helper that the program calls; "
     "docs/kernels.md lists what each program needs and since when"),
    (r"invalid access to packet|outside of the packet", "a packet byte is read before its bounds are checked in a way this verifier follows; "
     "check against data_end again right before the access"),
    (r"too many|too large|complexity|Argument list too long",
     "more paths than this verifier walks; split the program or make its branches rejoin earlier"),
    (r"back-edge|infinite loop", "a loop whose end this verifier cannot see; bound it by a constant"),
    (r"unbounded|min value is (negative|outside)|max value is outside",
     "a variable offset without limits this verifier can prove; mask it or compare it first"),
    (r"combined stack size|stack.*exceeds", "more than 512 bytes of stack in one call chain"),
    (r"Operation not permitted", "not allowed to load: needs root (CAP_BPF, CAP_NET_ADMIN)"),
    (r"BTF|btf", "type information that this kernel does not know; compare the clang versions"),
    (r"Unknown map type|map .*failed to create|failed to create", "a map type or flag this kernel does not have"),
]


def hint(text):
    for pattern, words in HINTS:
        if re.search(pattern, text):
            return words
    return "the verifier's last lines below say where"


def last_word(log):
    """The line of a verifier log that says why: the last one that is no statistics."""
    dull = re.compile(r"^(processed \d+ insns|verification time|stack depth|libbpf: (-- |failed to load object))")
    lines = [line for line in log.splitlines() if line.strip() and not dull.match(line)]
    return lines[-1].strip() if lines else "no word from the verifier"


def refusal(kernel, clang, one):
    """A load failure as a sentence."""
    what = one["program"] or "the object"
    word = last_word(one["log"])
    lines = "\n".join("    " + line for line in one["log"].splitlines())
    return (f"kernel {kernel} does not load {what} built by clang {clang}: {word} ({one['error']}). "
            f"Hint: {hint(word + ' ' + one['error'])}\n{lines}")


# --- the golden file ---------------------------------------------------------------------


def read_golden(text):
    """{(kernel, clang, program): {column: figure}}"""
    golden = {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words:
            golden[tuple(words[:3])] = dict(zip(COLUMNS, map(int, words[3:])))
    return golden


def write_golden(golden):
    def order(key):
        kernel, clang, program = key
        return [int(n) for n in re.findall(r"\d+", kernel)], int(clang), program

    rows = [f"{key[0]:<8} {key[1]:<5} {key[2]:<17} " + " ".join(
        f"{golden[key][column]:>{width}}" for column, width in zip(COLUMNS, (12, 7, 11, 6)))
        for key in sorted(golden, key=order)]
    return HEAD + "\n".join(rows) + "\n"


def over_budget(got, want):
    """What grew too much, as words; empty when nothing did."""
    return [f"{got[column]} {column.replace('_', ' ')}, recorded {want[column]}" for column in COLUMNS
            if got[column] > max(want[column] * GROWTH, want[column] + SLACK[column])]


def judge_program(golden, kernel, clang, one):
    """(outcome, why) of one program on one kernel by one compiler."""
    if "error" in one:
        return "failed", refusal(kernel, clang, one)
    want = golden.get((kernel, clang, one["program"]))
    if want is None:
        if any(key[0] == kernel for key in golden):
            return "failed", "no budget recorded for it: sudo make vmtest RING=verifier UPDATE=1"
        return "passed", f"loads; no budget is recorded for kernel {kernel}"
    grown = over_budget(one, want)
    if grown:
        return "failed", f"{'; '.join(grown)}: more than {round((GROWTH - 1) * 100)} % growth"
    return "passed", None


def release(text):
    """The part of `uname -r` that the golden file goes by: 6.1.0-56-amd64 is 6.1."""
    return re.match(r"\d+\.\d+", text)[0]


# --- measuring ---------------------------------------------------------------------------


def reports(build):
    """(clang, what verifier-report printed) for every object of build/vmtest/clang*."""
    for directory in sorted((ROOT / build / "vmtest").glob("clang*")):
        clang = directory.name.removeprefix("clang")
        done = subprocess.run([ROOT / build / "vmtest/verifier-report", directory / "fgw.o"],
                              capture_output=True, text=True, check=False)
        if not done.stdout:
            yield clang, [{"program": "", "error": f"exit {done.returncode}", "log": done.stderr}]
        else:
            yield clang, json.loads(done.stdout)


def measure(build):
    kernel, began = release(platform.release()), time.monotonic()
    golden = read_golden(GOLDEN.read_text()) if GOLDEN.exists() else {}
    tests, measured = [], []
    for clang, report in reports(build):
        for one in report:
            outcome, why = judge_program(golden, kernel, clang, one)
            name = f"verifier: {one['program'] or 'the object'} by clang {clang}"
            tests.append({"name": name, "outcome": outcome, "why": why})
            measured.append({"kernel": kernel, "clang": clang, **one})
            print(f"{outcome} {name}" + (f": {why}" if why else ""))
    count = collections.Counter(test["outcome"] for test in tests)
    results = {"ring": "verifier", "passed": count["passed"], "failed": count["failed"], "skipped": 0,
               "seconds": round(time.monotonic() - began, 1), "tests": tests, "measured": measured}
    place = ROOT / build / "results/verifier.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(results, indent=1))
    return 1 if count["failed"] or not tests else 0


def update(files):
    golden = read_golden(GOLDEN.read_text()) if GOLDEN.exists() else {}
    seen = set()
    for file in files:
        for one in json.loads(pathlib.Path(file).read_text())["measured"]:
            if "error" in one:
                print(f"verifier: not recorded: {refusal(one['kernel'], one['clang'], one)}")
                return 1
            if one["kernel"] not in seen:
                # Programs that are gone lose their line.
                golden = {key: value for key, value in golden.items() if key[0] != one["kernel"]}
                seen.add(one["kernel"])
            golden[one["kernel"], one["clang"], one["program"]] = {column: one[column] for column in COLUMNS}
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(write_golden(golden))
    print(f"verifier: wrote {GOLDEN.relative_to(ROOT)} for kernel {', '.join(sorted(seen))}")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("action", choices=("measure", "update"))
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    sys.exit(measure(options.build) if options.action == "measure" else update(options.files))


if __name__ == "__main__":
    main()
