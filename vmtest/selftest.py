#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sees every red that `make vmtest` can show, on records made by hand: a check that cannot
fail proves nothing. Needs no kernel, no privilege and no time.
"""
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import busy  # noqa: E402
import judge  # noqa: E402
import kernels  # noqa: E402
import rings  # noqa: E402
import run  # noqa: E402
import verifier  # noqa: E402

SPLAT = """\
[   12.000000] faith-gw vmtest: 7-1 begins
[   12.100000] faith-gw vmtest: ring bpf begins
[   13.000000] IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready
[   13.500000] faith-gw vmtest: ring bpf ends
[   14.000000] faith-gw vmtest: ring netns begins
"""
GREEN = {
    "kernel": "6.1.0-56-amd64", "where": "tcg", "wanted": ["bpf", "netns"], "finished": True,
    "before": ["interface lo"], "after": ["interface lo"], "dmesg": SPLAT,
    "rings": {ring: {"rc": 0, "why": None, "seconds": 4.2, "results": {
        "tests": [{"name": f"{ring}: a", "outcome": "passed", "why": None},
                  {"name": f"{ring}: b", "outcome": "passed", "why": None}]}} for ring in ("bpf", "netns")},
}


class Judge(unittest.TestCase):
    def setUp(self):
        self.record = copy.deepcopy(GREEN)

    def bpf(self):
        return self.record["rings"]["bpf"]

    def red(self, *words, **how):
        verdict = judge.judge(self.record, **how)
        said = "\n".join(verdict.problems)
        for word in words:
            self.assertIn(word, said)
        self.assertTrue(any(row.failed for row in verdict.rows), "nothing failed")
        return verdict

    def test_green(self):
        verdict = judge.judge(self.record)
        self.assertEqual(verdict.problems, [])
        self.assertEqual(judge.closing_line(verdict.rows), "6 passed, 0 failed, 0 skipped")

    def test_failed_test(self):
        self.bpf()["results"]["tests"][0] |= {"outcome": "failed", "why": "got 1, want 2"}
        self.bpf()["rc"] = 1
        self.red("bpf: bpf: a", "got 1, want 2")

    def test_skipped_test(self):
        self.bpf()["results"]["tests"][0] |= {"outcome": "skipped", "why": "needs root"}
        self.red("skipped, but should run: bpf: a: needs root")

    def test_skip_that_is_allowed(self):
        self.bpf()["results"]["tests"][0] |= {"outcome": "skipped", "why": "no such module"}
        verdict = judge.judge(self.record, allowed=[("6.1", "bpf", "bpf: a")])
        self.assertEqual((verdict.problems, judge.closing_line(verdict.rows)), ([], "5 passed, 0 failed, 1 skipped"))
        self.red(allowed=[("6.12", "bpf", "bpf: a")])
        self.red(allowed=[("6.1", "netns", "bpf: a")])

    def test_ring_without_results(self):
        self.bpf().update(results=None, rc=2, tail="Traceback: boom")
        self.red("ring bpf left no results: ended with 2", "boom")

    def test_ring_that_ran_nothing(self):
        self.bpf()["results"]["tests"] = []
        self.red("ring bpf ran nothing")

    def test_ring_that_did_not_run(self):
        del self.record["rings"]["netns"]
        self.red("ring netns did not run")

    def test_ring_that_ended_badly_after_its_tests(self):
        self.bpf()["rc"] = 139
        self.red("ended with 139 although no test failed")

    def test_ring_out_of_time(self):
        self.bpf().update(rc=None, why="not done after 480 s")
        self.red("ring bpf: not done after 480 s")

    def test_one_test_asked_for(self):
        self.bpf()["results"]["tests"] = []
        self.bpf()["rc"] = 1  # as tests/run.py ends when it had nothing to do
        self.assertEqual(judge.judge(self.record, only="netns: a").problems, [])
        self.bpf()["rc"] = 139
        self.red("ended with 139 although no test failed", only="netns: a")
        self.bpf()["rc"] = 1
        self.record["rings"]["netns"]["results"]["tests"] = []
        del self.record["finished"]
        self.record["reused"] = True
        self.red("no test has 'x' in its name", only="x")

    def test_kernel_messages(self):
        for line in ("WARNING: planted",
                     "WARNING: CPU: 1 PID: 99 at net/core/dev.c:1 skb_warn+0x0/0x1",
                     "BUG: kernel NULL pointer dereference, address: 0000000000000008",
                     "BUG: sleeping function called from invalid context at mm/slab.h:1",
                     "Oops: 0002 [#1] PREEMPT SMP NOPTI",
                     "WARNING: possible recursive locking detected",
                     "possible circular locking dependency detected",
                     "WARNING: suspicious RCU usage",
                     "rcu: INFO: rcu_preempt self-detected stall on CPU",
                     "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [ip:1]",
                     "INFO: task kworker/0:1:7 blocked for more than 120 seconds.",
                     "refcount_t: underflow; use-after-free.",
                     "UBSAN: array-index-out-of-bounds in net/x.c:1:2",
                     "unregister_netdevice: waiting for lo to become free. Usage count = 2",
                     "faith-gw[71]: segfault at 0 ip 0000000000401000 sp 00007ffc error 4",
                     "Out of memory: Killed process 7 (faith-gw)"):
            with self.subTest(line):
                self.setUp()
                self.record["dmesg"] += f"[   15.000000] {line}\n"
                self.red(f"kernel message during ring netns: [   15.000000] {line}")

    def test_kernel_messages_of_rings_at_once(self):
        bad = "[   15.000000] WARNING: planted"
        begins, ends = (lambda ring: f"faith-gw vmtest: ring {ring} begins"), (lambda ring: f"faith-gw vmtest: ring {ring} ends")
        for named, log in (("-", ["faith-gw vmtest: 7-1 begins", bad]),
                           ("bpf", [begins("bpf"), bad, begins("netns"), ends("netns"), ends("bpf")]),
                           ("bpf or netns", [begins("bpf"), begins("netns"), bad, ends("bpf"), ends("netns")]),
                           ("netns", [begins("bpf"), begins("netns"), ends("bpf"), bad]),
                           ("netns", [begins("bpf"), begins("netns"), ends("bpf"), ends("netns"), bad, begins("vm")]),
                           ("vm", [begins("netns"), ends("netns"), begins("vm"), bad])):
            self.assertEqual(judge.splats("\n".join(log)), [(named, bad)], log)

    def test_kernel_messages_that_are_none(self):
        for line in ("sit: IPv6, IPv4 and MPLS over IPv4 tunneling driver", "debugfs: mounted", "warning: process used x",
                     "netem: version 1.3", "TCP: request_sock_TCP: Possible SYN flooding on port 80"):
            self.assertEqual(judge.splats(line), [], line)

    def test_log_that_does_not_hold_the_run(self):
        self.record["dmesg"] = None
        self.red("the kernel log does not hold this run")

    def test_leftovers(self):
        for what in ("pin /sys/fs/bpf/faith-gw", "program fgw_sk_lookup", "namespace fgwt-1-six", "process faith-gw"):
            with self.subTest(what):
                self.setUp()
                self.record["after"] = ["interface lo", what]
                self.red(f"left behind: {what}")

    def test_leftovers_of_others(self):
        self.record["before"] = self.record["after"] = ["program fgw_sk_lookup"]
        self.assertEqual(judge.judge(self.record).problems, [])
        self.record["after"] = ["program fgw_sk_lookup"] * 3
        self.red("left behind: program fgw_sk_lookup (2 of them)")

    def test_guest_that_died(self):
        del self.record["finished"]
        self.record.update(why="no sign of life after 180 s", console="[ 1.0] Kernel panic - not syncing: VFS")
        self.red("did not come to its end: no sign of life", "kernel message: [ 1.0] Kernel panic")
        self.record["why"] = None
        self.red("did not come to its end: the guest went away")

    def test_host_results_taken_from_make_test(self):
        record = {key: GREEN[key] for key in ("kernel", "wanted", "rings")} | {"where": "host", "reused": True}
        self.assertEqual(judge.closing_line(judge.judge(record).rows), "4 passed, 0 failed, 0 skipped")

    def test_table(self):
        rows = judge.judge(self.record).rows
        self.assertEqual(judge.table(rows).splitlines()[1].split(), ["6.1.0-56-amd64", "tcg", "bpf", "2", "0", "0", "4"])


FIGURES = {"program": "fgw_p", "instructions": 1000, "states": 100, "peak_states": 50, "stack": 64}
KEY = ("6.1", "14", "fgw_p")


class Verifier(unittest.TestCase):
    golden = {KEY: {column: FIGURES[column] for column in verifier.COLUMNS}}

    def outcome(self, kernel="6.1", clang="14", **figures):
        return verifier.judge_program(self.golden, kernel, clang, FIGURES | figures)

    def test_within(self):
        self.assertEqual(self.outcome(), ("passed", None))
        self.assertEqual(self.outcome(instructions=1150), ("passed", None))
        self.assertEqual(self.outcome(instructions=1), ("passed", None))

    def test_growth(self):
        for column, figure in (("instructions", 1151), ("states", 116), ("peak_states", 58), ("stack", 88)):
            outcome, why = self.outcome(**{column: figure})
            self.assertEqual(outcome, "failed", column)
            self.assertIn(str(figure), why)

    def test_program_without_budget(self):
        self.assertEqual(self.outcome(program="fgw_new")[0], "failed")
        self.assertEqual(self.outcome(clang="19")[0], "failed")

    def test_kernel_without_budget(self):
        self.assertEqual(self.outcome(kernel="7.0")[0], "passed")

    def test_golden_file_reads_as_written(self):
        text = verifier.write_golden(self.golden)
        self.assertEqual(verifier.read_golden(text), self.golden)

    def test_refusals_in_words(self):
        for word, hint in (("invalid access to packet, off=54 size=1, R2(id=0,off=54,r=54)", "data_end"),
                           ("unknown func bpf_xdp_load_bytes#189", "docs/kernels.md"),
                           ("back-edge from insn 8 to 2", "bound it"),
                           ("BPF program is too large. Processed 1000001 insn", "split")):
            log = f"12: (71) r1 = *(u8 *)(r2 +54)\n{word}\nprocessed 13 insns (limit 1000000) max_states_per_insn 0\n"
            outcome, why = verifier.judge_program({}, "6.1", "14", {"program": "fgw_p", "error": "Permission denied", "log": log})
            self.assertEqual(outcome, "failed")
            for part in ("kernel 6.1", "fgw_p", word, hint):
                self.assertIn(part, why)


class Words(unittest.TestCase):
    def test_kernel_list(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "kernels.txt"
            path.write_text("# comment\n6.1 always debian bookworm # floor\n\n6.12 asked upstream v6.12\n")
            lines = kernels.read_list(path)
            self.assertEqual([line.name for line in kernels.chosen(lines, None)], ["6.1"])
            self.assertEqual([line.name for line in kernels.chosen(lines, "6.12")], ["6.12"])
            self.assertEqual(kernels.chosen(lines, str(path))[0].kind, "file")
            self.assertEqual(kernels.chosen(lines, "v6.6.17")[0].kind, "upstream")
            for asked in ("/no/such/file", "6.99"):
                self.assertRaises(kernels.Unobtainable, kernels.chosen, lines, asked)
            for bad in ("6.1 always debian", "6.1 often debian x", "6.1 always redhat x"):
                path.write_text(bad)
                self.assertRaises(kernels.Unobtainable, kernels.read_list, path)

    def test_results_that_make_test_left(self):
        with tempfile.TemporaryDirectory() as directory:
            build = pathlib.Path(directory)
            (build / "results").mkdir()
            (build / "tests").mkdir()
            later = time.time() + 1000
            files = ["faith-gw", "tests/run-bpf", *(f"results/{ring}.json" for ring in ("unit", "bpf", "netns", "demo"))]
            for number, name in enumerate(files):
                (build / name).touch()
                os.utime(build / name, (later + number, later + number))
            self.assertTrue(run.fresh(build))
            for name, what in (("faith-gw", "built again"), ("results/netns.json", "one ring again")):
                before = os.stat(build / name).st_mtime
                os.utime(build / name, (later + 100, later + 100))
                self.assertFalse(run.fresh(build), what)
                os.utime(build / name, (before, before))
            (build / "results/demo.json").unlink()
            self.assertFalse(run.fresh(build), "a ring that did not run")

    def test_options(self):
        self.assertEqual(run.parse(["--ring", "3"]).rings, ["netns"])
        self.assertEqual(run.parse([]).rings, run.RINGS)
        self.assertNotIn("verifier", run.parse(["--test", "x"]).rings)

    def test_rings_at_once(self):
        self.assertEqual(rings.batches(run.RINGS, "3"), [["bpf", "netns"], ["vm"], ["verifier"]])
        self.assertEqual(rings.batches(["vm", "verifier"], "3"), [["vm"], ["verifier"]])
        self.assertEqual(rings.batches(["netns", "vm"], "3"), [["netns"], ["vm"]])
        self.assertEqual(rings.batches(run.HOST_RINGS, ""), [["bpf"], ["netns"], ["verifier"]])

    def test_busy(self):
        child = subprocess.Popen(["sleep", "60"], start_new_session=True)
        stat = pathlib.Path(f"/proc/{child.pid}/stat")

        def comes_to(states):
            deadline = time.monotonic() + 60
            while stat.read_text().rpartition(")")[2].split()[0] not in states:
                self.assertLess(time.monotonic(), deadline, f"never in {states}")

        try:
            trouble = busy.Busy(child.pid, seed=3, every=0.001)
            comes_to("T")
            trouble.leave()
            comes_to("RS")
            self.assertGreater(trouble.standstills + trouble.crawls, 0)
            trouble = busy.Busy(child.pid, seed=3, every=0.001)
        finally:
            child.kill()
            child.wait()
        trouble.leave()  # of a group that has ended, too

    def test_shipped_files_read(self):
        here = pathlib.Path(__file__).resolve().parent
        self.assertTrue(kernels.chosen(kernels.read_list(here / "kernels.txt"), None))
        run.read_skips(here / "skips.txt")
        json.dumps(run.read_skips(here / "skips.txt"))


if __name__ == "__main__":
    unittest.main()
