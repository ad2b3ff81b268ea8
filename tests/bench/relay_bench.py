#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the relay costs: the same transfers through it and by plain IPv6 routing, over the
same links, in the same run.

        2001:db8:6::/64              192.0.2.0/24 and 2001:db8:4::/64
    six --------------- dual ------------------------------------------ four

Absolute figures swing with whatever else the machine does, so each round measures every
path once, in turn, and the ratios are medians of the rounds' own ratios. Like is compared
with like: a native XDP program on a veth interface switches off the segmentation offload
of its peer, which slows plain routing too; so routing is measured without a program, with
the native one and with the generic one.

    make bench                          the table
    relay_bench.py --record             and rows in tests/bench/history.csv
    relay_bench.py --rounds 1 --seconds 1     a quick look
"""
import argparse
import csv
import json
import os
import pathlib
import platform
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "netns"))

from gateway import Gateway, on  # noqa: E402
from harness import Scope  # noqa: E402
from hosts import FOUR, three_hosts  # noqa: E402
from peers import Program  # noqa: E402

DIRECT, RELAYED = "2001:db8:4::2", on(FOUR, "64:ff9b::")
TARGET = 0.90  # of plain routing, one stream
TICKS = os.sysconf("SC_CLK_TCK")

# (name, XDP mode or None for no gateway, address)
PATHS = (
    ("routing, nothing loaded", None, DIRECT),
    ("routing, native XDP", "native", DIRECT),
    ("relay,   native XDP", "native", RELAYED),
    ("routing, generic XDP", "generic", DIRECT),
    ("relay,   generic XDP", "generic", RELAYED),
)
# What each relay is compared with: like with like, and with an empty gateway.
RATIOS = (("relay,   native XDP", "routing, native XDP"), ("relay,   native XDP", "routing, nothing loaded"),
          ("relay,   generic XDP", "routing, generic XDP"))
BULK = (("1 up", 1, []), ("1 down", 1, ["-R"]), ("4 up", 4, []), ("4 down", 4, ["-R"]))

NGINX = """daemon off; worker_processes 1; pid {tmp}/nginx.pid; error_log {tmp}/nginx.err; user nobody nogroup;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_timeout 0;
  client_body_temp_path {tmp}/b; proxy_temp_path {tmp}/p; fastcgi_temp_path {tmp}/f;
  uwsgi_temp_path {tmp}/u; scgi_temp_path {tmp}/s;
  server {{ listen 8080; listen [::]:8080; location / {{ return 200 "{body}"; }} }}
}}
"""


class Bench:
    def __init__(self, scope, options):
        self.options = options
        self.net = net = three_hosts(scope)
        for host, address in ((net.four, "2"), (net.dual, "1")):
            host.ip(f"addr add 2001:db8:4::{address}/64 dev {'eth0' if host is net.four else 'eth1'} nodad")
        net.four.ip("-6 route add default via 2001:db8:4::1")
        net.dual.sysctl("net.ipv6.conf.all.forwarding", 1)  # for the comparison; the relay needs none
        self.gateway = Gateway(scope, net.dual)
        Program(net.four, "iperf3", "-s", port=5201)
        conf = scope.write("nginx.conf", NGINX.format(tmp=scope.tmp, body="x" * 100))
        Program(net.four, "nginx", "-p", scope.tmp, "-c", conf, port=8080)
        self.echo = PingPong(scope, net.four)
        self.mode = None

    def switch(self, mode):
        if mode == self.mode:
            return
        if self.mode:
            self.gateway.unload()
        if mode:
            self.gateway.load("--xdp", mode, prefix="64:ff9b::/96")
        self.mode = mode

    def cpu(self):
        """CPU seconds of the gateway's processes so far."""
        total = 0
        for pid in self.gateway.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def bulk(self, address, streams, words):
        """(Gbit/s, CPU seconds of the gateway per gigabyte)"""
        before = self.cpu()
        said = json.loads(self.net.six.run("iperf3", "-6", "-J", "-t", self.options.seconds, "-P", streams,
                                           "-c", address, *words, seconds=self.options.seconds + 20))
        received = said["end"]["sum_received"]
        return received["bits_per_second"] / 1e9, (self.cpu() - before) / (received["bytes"] / 1e9)

    def connections(self, address, number, in_flight=64):
        """Connections per second: connect, request, answer of 100 octets, close."""
        request = b"GET / HTTP/1.0\r\n\r\n"
        selector, began, done, started = selectors.EpollSelector(), time.monotonic(), 0, 0
        with self.net.six:
            while done < number:
                while started < number and started - done < in_flight:
                    one = socket.socket(socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
                    one.connect_ex((address, 8080))
                    selector.register(one, selectors.EVENT_WRITE)
                    started += 1
                for key, ready in selector.select(10):
                    if ready & selectors.EVENT_WRITE:
                        key.fileobj.send(request)
                        selector.modify(key.fileobj, selectors.EVENT_READ)
                    elif not key.fileobj.recv(4096):
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
                        done += 1
        return number / (time.monotonic() - began)

    def round(self):
        seen = {}
        for name, mode, address in PATHS:
            self.switch(mode)
            for what, streams, words in BULK:
                speed, cost = self.bulk(address, streams, words)
                seen[name, what] = speed
                if address == RELAYED:
                    seen[name, f"{what} CPU s/GB"] = cost
            seen[name, "conn/s"] = self.connections(address, self.options.connections)
            p50, p99 = self.echo.measure(self.net.six, address, self.options.pings)
            seen[name, "p50 us"], seen[name, "p99 us"] = p50, p99
        self.switch(None)
        return seen


class PingPong:
    """A process in four that gives back each octet, so that the test's own interpreter
    lock is not part of the figure."""

    SERVER = ("import socket\nl = socket.create_server(('::', 7000), family=socket.AF_INET6, dualstack_ipv6=True)\n"
              "while True:\n c, _ = l.accept()\n c.setsockopt(6, 1, 1)\n"
              " while d := c.recv(64): c.sendall(d)\n c.close()\n")

    def __init__(self, scope, host):
        Program(host, "/usr/bin/python3", "-c", self.SERVER, port=7000)

    @staticmethod
    def measure(host, address, number):
        one = host.connect(address, 7000)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        times = []
        for _ in range(number):
            began = time.perf_counter_ns()
            one.send(b"x")
            one.recv(64)
            times.append((time.perf_counter_ns() - began) / 1000)
        one.close()
        times.sort()
        return times[len(times) // 2], times[len(times) * 99 // 100]


# --- telling -----------------------------------------------------------------------------


def spread(values):
    middle = statistics.median(values)
    return middle, (max(values) - min(values)) / 2 / middle if middle else 0.0


def table(rounds):
    columns = [what for what, _, _ in BULK] + ["conn/s", "p50 us", "p99 us"]
    print(f"\n{'median ± half the spread':26}" + "".join(f"{c:>14}" for c in columns))
    print(f"{'':26}" + "".join(f"{u:>14}" for u in ["Gbit/s"] * len(BULK) + ["", "", ""]))
    for name, _, _ in PATHS:
        cells = [spread([r[name, c] for r in rounds]) for c in columns]
        print(f"{name:26}" + "".join(f"{m:>9.{0 if m >= 1000 else 1}f} ±{s * 100:2.0f}%" for m, s in cells))
    print(f"\n{'ratio, median of rounds':26}")
    for relay, base in RATIOS:
        print(f"{relay} / {base}")
        cells = [spread([r[relay, c] / r[base, c] for r in rounds]) for c in columns]
        print(f"{'':26}" + "".join(f"{m:>9.2f} ±{s * 100:2.0f}%" for m, s in cells))
    costs = [f"{what}: {spread([r['relay,   native XDP', what + ' CPU s/GB'] for r in rounds])[0]:.2f}" for what, _, _ in BULK]
    print(f"\nCPU seconds of the gateway's process per gigabyte relayed, native: {', '.join(costs)}")


def verdicts(rounds):
    """Prints each target as met or missed; returns whether all were met."""
    met = True
    print(f"\nTarget: one stream at {TARGET:.2f} of plain routing or more, like with like")
    for relay, base in (RATIOS[0], RATIOS[2]):
        for what in ("1 up", "1 down"):
            ratio = statistics.median(r[relay, what] / r[base, what] for r in rounds)
            word = "met" if ratio >= TARGET else "MISSED"
            met &= ratio >= TARGET
            print(f"  {word:7}{ratio:.2f}  {what:7} {relay}")
    return met


def record(rounds):
    file = HERE / "history.csv"
    fresh = not file.exists()
    commit = subprocess.run(["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"], capture_output=True,
                            text=True).stdout.strip() or "unknown"
    model = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    with open(file, "a", newline="", encoding="utf-8") as out:
        rows = csv.writer(out, lineterminator="\n")
        if fresh:
            rows.writerow(["commit", "kernel", "cpu", "metric", "value"])
        for relay, base in RATIOS:
            for what in [w for w, _, _ in BULK] + ["conn/s", "p50 us"]:
                value = statistics.median(r[relay, what] / r[base, what] for r in rounds)
                metric = " ".join(f"{relay} / {base}: {what}".split())
                rows.writerow([commit, platform.release(), f"{os.cpu_count()} x {model}", metric, f"{value:.3f}"])
    print(f"recorded in {file}")


def main():
    parser = argparse.ArgumentParser(description="What the relay costs, against plain IPv6 routing.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each bulk transfer")
    parser.add_argument("--connections", type=int, default=4000)
    parser.add_argument("--pings", type=int, default=4000)
    parser.add_argument("--record", action="store_true", help="append to tests/bench/history.csv")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is missed")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root: network namespaces and BPF programs")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        print(f"The machine is busy (load {load:.1f} on {cores} cores): figures of this run mean little.", file=sys.stderr)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: sys.exit(128 + n))
    with Scope("bench") as scope:
        bench = Bench(scope, options)
        rounds = []
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds} ...", file=sys.stderr, flush=True)
            rounds.append(bench.round())
    table(rounds)
    met = verdicts(rounds)
    if options.record:
        record(rounds)
    sys.exit(1 if options.strict and not met else 0)


if __name__ == "__main__":
    main()
