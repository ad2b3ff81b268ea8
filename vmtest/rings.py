#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs rings on the kernel that is running here, in a guest or on the machine itself, and
records what happened: results, kernel messages, what was left behind. It judges nothing;
judge.py does, on the host, from the record alone.

usage: rings.py DIR    DIR holds `plan` (shell assignments); `record.json` is written there
"""
import json
import os
import pathlib
import shlex
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
FACTOR = float(os.environ.get("FAITH_TIME_FACTOR", "1"))
# Longer than a ring takes; a ring that hangs must not take the others' time with it.
LIMITS = {"bpf": 400, "netns": 600, "vm": 240, "verifier": 60}
# Neither sees the other's objects: each looks at namespaces of its own and at what it made itself.
# Ring 4 is not among them: the module that it loads (sit) answers for all namespaces.
TOGETHER = {"bpf", "netns"}
MARK = "faith-gw vmtest:"


def read_plan(directory):
    plan = {}
    for line in (directory / "plan").read_text().splitlines():
        key, _, value = line.partition("=")
        plan[key] = " ".join(shlex.split(value))
    return plan


# --- one ring ----------------------------------------------------------------------------


def run_ring(ring, plan, directory):
    """Runs a ring with its time limit and returns its record."""
    log = directory / f"{ring}.log"
    results = ROOT / plan["build"] / "results" / f"{ring}.json"
    results.unlink(missing_ok=True)
    began = time.monotonic()
    limit = LIMITS[ring] * FACTOR
    with open(log, "wb") as out:
        child = subprocess.Popen(command(ring, plan), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, start_new_session=True)
        code, why = _end_of(child, limit)
    record = {"rc": code, "why": why, "seconds": round(time.monotonic() - began, 1),
              "tail": log.read_text(errors="replace")[-4000:]}
    if results.exists():
        record["results"] = json.loads(results.read_text())
    return record


def _end_of(child, limit):
    try:
        return child.wait(limit), None
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, 15)
        try:
            child.wait(10 * FACTOR)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            child.wait()
        return None, f"not done after {limit:g} s"


def command(ring, plan):
    build, only = plan["build"], plan.get("test")
    if ring == "vm" or (ring == "netns" and plan.get("jobs")):
        return ["python3", "vmtest/vmring.py", "--build", build, "--jobs", plan.get("jobs") or "1",
                *(["--only", only] if only else []), ring]
    if ring == "verifier":
        return ["python3", "vmtest/verifier.py", "--build", build, "measure"]
    # Which skips are allowed is the judge's business.
    return ["python3", "tests/run.py", "--build", build, "--allow-skips", *(["--only", only] if only else []), ring]


# --- what a test may leave behind --------------------------------------------------------


def _lines(*argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30 * FACTOR).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return []


def _bpf(kind):
    text = "\n".join(_lines("bpftool", "-j", kind, "show"))
    try:
        return json.loads(text or "[]")
    except json.JSONDecodeError:
        return []


def leftovers():
    """One line for everything that a finished test must have removed."""
    programs = [p for p in _bpf("prog") if p.get("name", "").startswith("fgw_")]
    ours = {p["id"] for p in programs}
    found = [f"program {p['name']}" for p in programs]
    found += [f"map {m['name']}" for m in _bpf("map") if m.get("name", "").startswith("fgw_")]
    found += [f"link to a program of ours ({link.get('type')})" for link in _bpf("link") if link.get("prog_id") in ours]
    found += [f"pin {path}" for path in pathlib.Path("/sys/fs/bpf").rglob("*")
              if path.is_relative_to("/sys/fs/bpf/faith-gw") or path.name.startswith("fgw")]
    found += [f"namespace {line.split()[0]}" for line in _lines("ip", "netns", "list") if line.strip()]
    found += [f"route {' '.join(line.split())}" for line in
              _lines("ip", "-6", "route", "show", "table", "all", "proto", "250")]
    # sit0 is the module's own, and comes with it to stay.
    found += [f"interface {link['ifname']}" for link in json.loads("".join(_lines("ip", "-j", "link", "show")) or "[]")
              if link["ifname"] != "sit0"]
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.path.basename(os.readlink(directory / "exe")) == "faith-gw":
                found.append("process faith-gw")
        except OSError:
            pass
    return sorted(found)


def settled(before, seconds=5):
    """What is left when the kernel had time to free what nobody holds any more."""
    deadline = time.monotonic() + seconds * FACTOR
    while True:
        after = leftovers()
        if after == before or time.monotonic() > deadline:
            return after
        time.sleep(0.2)


# --- the kernel's own words --------------------------------------------------------------


def mark(text):
    """A line in the kernel log, so that a splat can be laid at a ring's door."""
    try:
        with open("/dev/kmsg", "w", encoding="ascii") as kmsg:
            kmsg.write(f"<6>{MARK} {text}\n")
    except OSError:
        pass


def kernel_log(run_id):
    """The log since this run's first mark; None when it cannot be read or is not there."""
    lines = _lines("dmesg", "--time-format=raw") or _lines("dmesg")
    begin = [number for number, line in enumerate(lines) if f"{MARK} {run_id} begins" in line]
    return "\n".join(lines[begin[-1]:]) if begin else None


def batches(rings, jobs):
    """The rings in their order, those together that may run at once: alone, ring 2 is one process
    on one of two processors. Without `jobs` (on the machine itself) one after the other."""
    if not jobs:
        return [[ring] for ring in rings]
    together = [ring for ring in rings if ring in TOGETHER]
    rest = [[ring] for ring in rings if ring not in TOGETHER]
    return [together] + rest if together else rest


class Run:
    """One run of several rings, and the record that grows with it."""

    def __init__(self, directory, plan, say):
        self.directory, self.plan, self.say = directory, plan, say
        self.record = {"kernel": os.uname().release, "wanted": plan["rings"].split(), "rings": {}}
        self.lock = threading.Lock()

    def ring(self, ring):
        mark(f"ring {ring} begins")
        self.say(f"vmtest: {os.uname().release}: ring {ring} ...", flush=True)
        done = run_ring(ring, self.plan, self.directory)
        mark(f"ring {ring} ends")
        self.say(f"vmtest: {os.uname().release}: ring {ring} took {done['seconds']:g} s", flush=True)
        with self.lock:
            self.record["rings"][ring] = done
            save(self.directory, self.record)

    def batch(self, rings):
        if len(rings) == 1:
            self.ring(rings[0])
            return
        threads = [threading.Thread(target=self.ring, args=(ring,)) for ring in rings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def run(directory, plan, say=print):
    run_id = f"{os.getpid()}-{time.monotonic_ns()}"
    whole = Run(directory, plan, say)
    record = whole.record
    mark(f"{run_id} begins")
    record["before"] = leftovers()
    for rings in batches(record["wanted"], plan.get("jobs")):
        whole.batch(rings)
    record["after"] = settled(record["before"])
    record["dmesg"] = kernel_log(run_id)
    record["finished"] = True
    save(directory, record)
    return record


def save(directory, record):
    aside = directory / "record.new"
    aside.write_text(json.dumps(record, indent=1))
    aside.rename(directory / "record.json")


def main():
    directory = pathlib.Path(sys.argv[1])
    plan = read_plan(directory)
    run(directory, plan)


if __name__ == "__main__":
    main()
