#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs the test files of ring 3 or 4 in the guest, several at a time: one waits while two compute.
Ring 3 is tests/netns, ring 4 is vmtest/tests: what needs a kernel module that the machine
itself may not have. Both are written alike, and recorded as tests/run.py does.

usage: vmring.py --build DIR [--only TEXT] [--jobs N] netns|vm
"""
import argparse
import concurrent.futures
import importlib.util
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def rings_runner():
    """tests/run.py, which knows how a test file talks and how results are written."""
    sys.path.insert(0, str(ROOT / "tests"))
    spec = importlib.util.spec_from_file_location("rings_runner", ROOT / "tests/run.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["rings_runner"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


DIRECTORIES = {"netns": "tests/netns", "vm": "vmtest/tests"}
# Started first, so that no long file runs alone at the end.
LONGEST = ["stf_fast_test.py", "stf_test.py", "ftp_test.py", "rsh_test.py", "programs_test.py", "loader_test.py",
           "capture_service_test.py", "capture_test.py", "fragments_test.py", "reload_test.py", "limits_test.py",
           "relay_test.py", "faithd_test.py", "inspect_test.py", "tunnel_errors_test.py", "ftp_wire_test.py",
           "netem_test.py"]


def in_order(paths):
    return sorted(paths, key=lambda path: (LONGEST.index(path.name) if path.name in LONGEST else 99, path.name))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("ring", choices=DIRECTORIES)
    asked = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # the log is what a time-out leaves
    runner = rings_runner()
    options = runner.Options((ROOT / asked.build).resolve(), asked.only, 300.0 * runner.SLOW)
    (options.build / "results").mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    paths = in_order((ROOT / DIRECTORIES[asked.ring]).glob("*_test.py"))

    def run_file(path):
        found = runner.netns_file(path, options)
        for test in found:
            runner.show(test)
        return found

    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        tests = [test for found in pool.map(run_file, paths) for test in found]
    runner.save(asked.ring, tests, time.monotonic() - began, options)
    sys.exit(any(test.outcome == "failed" for test in tests))


if __name__ == "__main__":
    main()
