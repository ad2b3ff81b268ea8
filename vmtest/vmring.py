#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Ring 4's own tests, vmtest/tests/*_test.py: what needs a kernel module that the machine
itself may not have. They are written, run and recorded like the files of tests/netns.

usage: vmring.py --build DIR [--only TEXT]
"""
import argparse
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    runner = rings_runner()
    options = runner.Options((ROOT / asked.build).resolve(), asked.only, 300.0 * runner.SLOW)
    (options.build / "results").mkdir(parents=True, exist_ok=True)
    began, tests = time.monotonic(), []
    for path in sorted((ROOT / "vmtest/tests").glob("*_test.py")):
        tests += runner.netns_file(path, options)
    for test in tests:
        runner.show(test)
    runner.save("vm", tests, time.monotonic() - began, options)
    sys.exit(any(test.outcome == "failed" for test in tests))


if __name__ == "__main__":
    main()
