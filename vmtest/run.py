#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`make vmtest`: the rings on every kernel of kernels.txt, one table at the end.

    obtain the kernels, virtme-ng and an accelerator      kernels.py, machine.py
    boot each, run the rings inside, keep the record      guest.sh, rings.py
    the machine's own kernel, outside any VM              rings.py
    judge the records, print table and verdict            judge.py

FAITH_VM_ACCEL=tcg|kvm overrides the probe; FAITH_VM_ONLY=1 leaves the machine's own kernel out.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import sys
import time

import judge
import kernels
import machine
import rings
import verifier

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
RINGS = ["bpf", "netns", "vm", "verifier"]
NUMBERS = {"2": "bpf", "3": "netns", "4": "vm"}
# What the machine itself runs: ring 4 wants modules that only the guest is sure to have.
HOST_RINGS = ["bpf", "netns", "verifier"]


def parse(argv):
    parser = argparse.ArgumentParser(description="Runs the rings on other kernels.")
    parser.add_argument("--build", default="build")
    parser.add_argument("--kernel", help="a name of kernels.txt, vX.Y, a bzImage, or `host`")
    parser.add_argument("--ring", help=f"{', '.join(RINGS)} (2, 3, 4); default all")
    parser.add_argument("--test", help="only tests with this in their name")
    parser.add_argument("--shell", action="store_true", help="a shell in the guest instead of tests")
    parser.add_argument("--busy", type=int, help="a guest that the machine has little time for; a seed (busy.py)")
    parser.add_argument("--update", action="store_true", help="record the verifier's figures")
    options = parser.parse_args(argv)
    ring = NUMBERS.get(options.ring, options.ring)
    if ring and ring not in RINGS:
        parser.error(f"no ring {options.ring}; there are {', '.join(RINGS)}")
    options.rings = [ring] if ring else [r for r in RINGS if not (options.test and r == "verifier")]
    return options


def read_skips(path):
    rows = [line.split(None, 2) for line in path.read_text().splitlines() if line.strip() and line[0] != "#"]
    return [(kernel, ring, name.strip()) for kernel, ring, name in rows]


# --- in a guest --------------------------------------------------------------------------


class Session:
    """What all boots of one `make vmtest` share."""

    def __init__(self, options):
        self.options = options
        self.place = ROOT / options.build / "vmtest"
        self.venv = self.place / "venv"
        self.accel = None

    def prepare(self):
        self.place.mkdir(parents=True, exist_ok=True)
        machine.make_venv(self.venv, HERE / "requirements.txt")

    def out(self, name, plan):
        """A fresh directory for one run's record, with its plan in it."""
        out = self.place / "out" / name
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        (out / "plan").write_text("".join(f"{key}='{value}'\n" for key, value in plan.items()))
        return out

    def plan(self, accel, wanted):
        return {"tree": ROOT, "build": self.options.build, "rings": " ".join(wanted), "test": self.options.test or "",
                "factor": machine.FACTOR.get(accel, 1), "jobs": machine.CPUS + 1 if accel in machine.FACTOR else "",
                "shell": "1" if self.options.shell else ""}

    def guest(self, kernel, accel):
        out = self.out(kernel.name, self.plan(accel, self.options.rings))
        return machine.Guest(ROOT, self.venv, kernel.image, accel, out, self.options.busy)

    def boot(self, kernel):
        """The record of one kernel. KVM that passed the probe and hangs later falls back."""
        self.accel = self.accel or machine.accelerator(kernel.image)
        record = self._boot(kernel, self.accel)
        if self.accel == "kvm" and "kernel" not in record and not os.environ.get("FAITH_VM_ACCEL"):
            print(f"vmtest: {kernel.name}: {record['why']} under KVM; once more in emulation", flush=True)
            self.accel = "tcg"
            record = self._boot(kernel, self.accel)
        record.setdefault("kernel", kernel.name)
        return record

    def _boot(self, kernel, accel):
        guest = self.guest(kernel, accel)
        factor = machine.FACTOR[accel]
        limit = machine.BOOT_SECONDS[accel] + factor * (30 + sum(rings.LIMITS[ring] for ring in self.options.rings))
        print(f"vmtest: {kernel.name}: booting {kernel.image} under {accel}", flush=True)
        why = guest.run(limit, print)
        record = {"wanted": self.options.rings, "rings": {}}
        if (guest.out / "record.json").exists():
            record = json.loads((guest.out / "record.json").read_text())
        return record | {"where": accel, "why": why, "console": machine.console_tail(guest.out)}

    # --- on the machine itself ---

    def host(self):
        wanted = [ring for ring in self.options.rings if ring in HOST_RINGS]
        record = self._reused(wanted)
        if record is None:
            out = self.out("host", self.plan("host", wanted))
            record = rings.run(out, rings.read_plan(out))
        return record | {"where": "host"}

    def _reused(self, wanted):
        """`make test` of the same build has just run these rings here; its results count."""
        results = ROOT / self.options.build / "results"
        again = [ring for ring in wanted if ring != "verifier"]
        if self.options.test or not again or not fresh(ROOT / self.options.build):
            return None
        print(f"vmtest: host: rings {', '.join(again)} as `make test` has just found them", flush=True)
        record = {"kernel": platform.release(), "wanted": wanted, "reused": True, "rings": {}}
        for ring in again:
            found = json.loads((results / f"{ring}.json").read_text())
            record["rings"][ring] = {"rc": 1 if found["failed"] else 0, "why": None, "seconds": found["seconds"],
                                     "results": found}
        if "verifier" in wanted:
            out = self.out("host", self.plan("host", ["verifier"]))
            record["rings"]["verifier"] = rings.run_ring("verifier", rings.read_plan(out), out)
        return record


def fresh(build):
    """Whether the results are those of one whole `make test` of what is built now: written in
    its order (a later `make check-netns TEST=one` would break that), after every input."""
    results = [build / f"results/{ring}.json" for ring in ("unit", "bpf", "netns", "demo")]
    inputs = [build / "faith-gw", build / "tests/run-bpf", *(ROOT / "tests").glob("*/*.py")]
    if not all(path.exists() for path in (*results, *inputs)):
        return False
    times = [max(path.stat().st_mtime for path in inputs), *(path.stat().st_mtime for path in results)]
    return times == sorted(times)


# --- the whole ---------------------------------------------------------------------------


def run_all(session):
    options, records = session.options, []
    if options.kernel != "host":
        for line in kernels.chosen(kernels.read_list(HERE / "kernels.txt"), options.kernel):
            kernel = kernels.obtain(line, session.place / "kernels")
            if options.shell:
                session.accel = session.accel or machine.accelerator(kernel.image)
                sys.exit(session.guest(kernel, session.accel).shell())
            records.append(session.boot(kernel))
    host_wanted = options.kernel == "host" or (not options.kernel and not os.environ.get("FAITH_VM_ONLY"))
    if host_wanted and any(ring in HOST_RINGS for ring in options.rings):
        records.append(session.host())
    return records


def report(records, only, skips):
    rows = []
    for record in records:
        verdict = judge.judge(record, skips, only)
        rows += verdict.rows
        for problem in verdict.problems:
            print(f"not ok {problem}")
        for note in verdict.notes:
            print(f"note: {note}")
    print()
    print(judge.table(rows))
    print()
    print(judge.closing_line(rows), flush=True)
    return any(row.failed for row in rows) or not any(row.passed for row in rows)


def record_figures(records, place):
    files = []
    for record in records:
        results = record["rings"].get("verifier", {}).get("results")
        if results:
            files.append(place / f"verifier-{len(files)}.json")
            files[-1].write_text(json.dumps(results))
    return verifier.update(files)


def main():
    options = parse(sys.argv[1:])
    if os.geteuid() != 0:
        sys.exit("vmtest: needs root, as the guest sees the machine's files through this user: sudo make vmtest")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    session = Session(options)
    began = time.monotonic()
    try:
        if options.kernel != "host":
            session.prepare()
        records = run_all(session)
    except kernels.Unobtainable as error:
        sys.exit(f"vmtest: {error}")
    if options.update:
        sys.exit(record_figures(records, session.place))
    failed = report(records, options.test, read_skips(HERE / "skips.txt"))
    print(f"vmtest: {time.monotonic() - began:.0f} s", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
