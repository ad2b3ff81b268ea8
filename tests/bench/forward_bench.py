#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packets a second through a gateway on one core: into a 6to4 tunnel and out of it, the slow way and
the fast one, against plain IPv6 forwarding by the kernel over the same kind of wires.

    lan eth0 --- eth0 gate eth1 --- eth0 wan        three times: nothing loaded, slow path, fast path

Frames come from one end as if a driver had received them, and end at the other one, where an XDP
program drops them: the stack there would make a socket buffer of each frame that XDP sent, which on
a wire nobody does. So a figure holds the sender, the gateway and that end; the first row shows what
the ends alone take. A frame that did not arrive is not counted. The second table is what the kernel
says that each program took (bpf_stats_enabled), against one that only redirects.

A flow's way is remembered (bpf/lib/flow.h), so there are rows with a thousand flows, each frame one of them at
random: what stands between its packets is every other flow, which no real traffic is as bad as.

A machine that others use, too, is twice as fast in one second as in the next: so the rows take turns
of a tenth of a second, many times, and a ratio is of two neighbours.

    make bench-tunnel
    forward_bench.py --frames PROGRAM [--rounds 40] [--count 100000]
"""
import argparse
import contextlib
import json
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "netns"))

from gateway import Gateway  # noqa: E402
from harness import Scope  # noqa: E402
from hosts import Net  # noqa: E402
from stf_sites import A, B, EAST, WEST, site, tunnel  # noqa: E402
from stf_wire import ip4  # noqa: E402
from wire import UDP, ip6  # noqa: E402

LAN, WAN = "2001:db8:1::", "2001:db8:2::"
NEXT = "02:00:00:00:00:77"  # a neighbour that nobody is
FLOWS = 1000
SOURCE_ENDS = {"tunnel out": 14 + 22, "tunnel in": 14 + 20 + 22}  # two octets: one of the site's hosts
REDIRECTING = "a program that redirects"
DATA = b"\0\1\0\2\0\x48\0\0" + bytes(64)  # UDP, of a checksum that no router looks at


class World:
    """One gateway with a wire on either side; `keys` of its tunnel, None: nothing is loaded."""

    def __init__(self, scope, name, keys, program, count):
        self.program, self.count = program, count
        net = Net(scope)
        self.lan, self.gate, self.wan = (net.host(f"{name}-{end}") for end in ("lan", "gate", "wan"))
        net.links((self.lan, "eth0", "", self.gate, "eth0", f"{site(WEST)}1/64 {LAN}1/64"),
                  (self.gate, "eth1", f"{WEST}/24 {WAN}1/64", self.wan, "eth0", ""))
        self.gate.sysctl("net.ipv6.conf.all.forwarding", 1)
        self.gate.ip("route add default via 192.0.2.254",
                     *(f"neigh add {address} lladdr {NEXT} dev {name} nud permanent" for address, name in
                       ((A, "eth0"), (f"{LAN}2", "eth0"), (f"{WAN}2", "eth1"), ("192.0.2.254", "eth1"))))
        for name in ("eth0", "eth1"):
            self.gate.run("ethtool", "-K", name, "gro", "on")  # which makes a veth take frames of XDP
        for host in (self.lan, self.wan):
            self.attach(host, "eth0", "flood_drop")
        self.kinds = {
            "plain out": (self.lan, self.wan, "eth0", b"\x86\xdd" + ip6(f"{LAN}2", f"{WAN}2", UDP, DATA)),
            "plain in": (self.wan, self.lan, "eth1", b"\x86\xdd" + ip6(f"{WAN}2", f"{LAN}2", UDP, DATA)),
            "tunnel out": (self.lan, self.wan, "eth0", b"\x86\xdd" + ip6(A, B, UDP, DATA)),
            "tunnel in": (self.wan, self.lan, "eth1", b"\x08\0" + ip4(EAST, WEST, 41, ip6(B, A, UDP, DATA))),
        }
        self.gw = Gateway(scope, self.gate)
        if keys is not None:
            self.gw.load("-c", self.gw.config(tunnel(WEST, **keys)), prefix=None)

    def attach(self, host, interface, program):
        file = self.program.with_name("flood.bpf.o")
        host.run("ip", "link", "set", "dev", interface, "xdpdrv", "object", file, "program", program)

    def _arrived(self, host):
        return host.ip_json("-s link show eth0")[0]["stats64"]["rx"]["packets"]

    def rate(self, kind, flows=0):
        """Frames a second that came through, and how much of those sent that was."""
        source, sink, interface, packet = self.kinds[kind]
        frame = bytes.fromhex((self.gate.mac(interface) + ":020000000001").replace(":", "")) + packet
        before = self._arrived(sink)
        told_apart = (SOURCE_ENDS[kind], flows) if flows else ()
        seconds = float(source.run(self.program, "eth0", self.count, frame.hex(), *told_apart, seconds=60))
        arrived = self._arrived(sink) - before
        return arrived / seconds, arrived / self.count

    def program_times(self, run):
        """Nanoseconds a packet of each program that ran for nearly every one."""
        before = program_counts()
        run()
        for number, (name, count, spent) in program_counts().items():
            _, count0, spent0 = before.get(number, (name, 0, 0))
            if count - count0 > self.count * 9 // 10:
                yield name, (spent - spent0) / (count - count0)


def program_counts():
    shown = json.loads(subprocess.check_output(["bpftool", "-j", "prog", "show"]))
    return {p["id"]: (p["name"], p.get("run_cnt", 0), p.get("run_time_ns", 0)) for p in shown if "name" in p}


@contextlib.contextmanager
def program_statistics():
    switch = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
    was = switch.read_text()
    switch.write_text("1\n")
    try:
        yield
    finally:
        switch.write_text(was)


class Worlds:
    def __init__(self, scope, program, count):
        def world(name, keys):
            return World(scope, name, keys, program, count)

        self.none, self.slow, self.fast = world("none", None), world("slow", {}), world("fast", {"fast_path": True})
        self.ends, self.reflecting = world("ends", None), world("refl", None)
        self.ends.attach(self.ends.gate, "eth0", "flood_drop")
        self.reflecting.attach(self.reflecting.gate, "eth1", "flood_reflector")

    def one_round(self):
        """What is compared stands side by side."""
        source, _, _, packet = self.ends.kinds["plain out"]
        seconds = float(source.run(self.ends.program, "eth0", self.ends.count, (bytes(12) + packet).hex()))
        yield "sender and one wire", (self.ends.count / seconds, 1.0)
        for way in ("out", "in"):
            yield f"plain forwarding {way}, no program", self.none.rate(f"plain {way}")
            yield f"tunnel {way}, fast path", self.fast.rate(f"tunnel {way}")
            yield f"tunnel {way}, fast path, {FLOWS} flows", self.fast.rate(f"tunnel {way}", FLOWS)
            yield f"plain forwarding {way}, gateway loaded", self.slow.rate(f"plain {way}")
            yield f"tunnel {way}, slow path", self.slow.rate(f"tunnel {way}")
            yield f"tunnel {way}, slow path, {FLOWS} flows", self.slow.rate(f"tunnel {way}", FLOWS)

    def times(self):
        """(what, nanoseconds) of each program."""
        with program_statistics():
            ran = dict(self.reflecting.program_times(lambda: self.reflecting.rate("plain in")))
            yield REDIRECTING, ran["flood_reflector"]
            for name, world in (("slow", self.slow), ("fast", self.fast)):
                for way in ("in", "out"):
                    for program, spent in world.program_times(lambda way=way, world=world: world.rate(f"tunnel {way}")):
                        if program.startswith("fgw_"):
                            yield f"{program}, tunnel {way}, {name} path", spent

    def took_their_paths(self, rounds):
        """The counters' word for it: a few go the slow way, one tick in 64."""
        sent = 2 * rounds * self.fast.count
        for name, world in (("slow", self.slow), ("fast", self.fast)):
            reasons = world.gw.reasons()
            for way in ("OUT", "IN"):
                went = reasons[f"STF_FAST_{way}"]
                if (went > sent * 9 // 10) != (name == "fast"):
                    sys.exit(f"forward_bench: {went} of {sent} took the fast path {way} of the {name} gateway")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", required=True, type=pathlib.Path, help="the program that sends them")
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--count", type=int, default=100_000)
    chosen = options.parse_args()
    rates, shares, times = {}, {}, {}
    with Scope("forward_bench") as scope:
        worlds = Worlds(scope, chosen.frames.resolve(), chosen.count)
        for _ in range(chosen.rounds):
            for name, (rate, share) in worlds.one_round():
                rates.setdefault(name, []).append(rate)
                shares.setdefault(name, []).append(share)
        worlds.took_their_paths(chosen.rounds)
        for _ in range(chosen.rounds // 2):
            for name, spent in worlds.times():
                times.setdefault(name, []).append(spent)
    print(f"{'':42} {'packets/s':>10} {'of plain':>9} {'half of them':>16} {'arrived':>8}")
    for name, figures in rates.items():
        way = "in" if " in," in name else "out"
        ratios = [a / b for a, b in zip(figures, rates[f"plain forwarding {way}, no program"])]
        print(f"{name:42} {statistics.median(figures):10,.0f} {spread(ratios)} {min(shares[name]):8.1%}")
    print(f"\n{'':44} {'ns':>5} {'of redirecting':>9} {'half of them':>16}")
    for name, spent in times.items():
        ratios = [a / b for a, b in zip(spent, times[REDIRECTING])]
        print(f"{name:44} {statistics.median(spent):5.0f} {spread(ratios)}")


def spread(ratios):
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:9.2f} {low:8.2f} to {high:.2f}"


if __name__ == "__main__":
    main()
