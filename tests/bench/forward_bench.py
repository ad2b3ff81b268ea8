#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packets a second through a gateway on one core: into a 6to4 tunnel and out of it, the slow way and
the fast one, against plain IPv6 forwarding by the kernel over the same two wires, in the same run.

    lan eth0 --- eth0 gate eth1 --- eth0 wan

Frames come from one end as if a driver had received them, and end at the other one, where an XDP
program drops them: the stack there would make a socket buffer of each frame that XDP sent, which on
a wire nobody does. So a figure holds the sender, the gateway and that end; the first row shows what
the ends alone take. A frame that did not arrive is not counted. The second table is
what the kernel says that each program took (bpf_stats_enabled), against one that only redirects.

    make bench-tunnel
    forward_bench.py --frames PROGRAM [--rounds 7] [--count 400000]
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
DATA = b"\0\1\0\2\0\x48\0\0" + bytes(64)  # UDP, of a checksum that no router looks at


class World:
    def __init__(self, scope, program, count):
        self.program, self.count = pathlib.Path(program).resolve(), count
        self.net = Net(scope)
        self.lan, self.gate, self.wan = (self.net.host(name) for name in ("lan", "gate", "wan"))
        self.net.links((self.lan, "eth0", "", self.gate, "eth0", f"{site(WEST)}1/64 {LAN}1/64"),
                       (self.gate, "eth1", f"{WEST}/24 {WAN}1/64", self.wan, "eth0", ""))
        self.gate.sysctl("net.ipv6.conf.all.forwarding", 1)
        self.gate.ip("route add default via 192.0.2.254",
                     *(f"neigh add {address} lladdr {NEXT} dev {name} nud permanent" for address, name in
                       ((A, "eth0"), (f"{LAN}2", "eth0"), (f"{WAN}2", "eth1"), ("192.0.2.254", "eth1"))))
        for name in ("eth0", "eth1"):
            self.gate.run("ethtool", "-K", name, "gro", "on")  # which makes a veth take frames of XDP
        for host in (self.lan, self.wan):
            self.attach(host, "eth0", "flood_drop")
        self.gw = Gateway(scope, self.gate)
        self.kinds = {
            "plain out": (self.lan, self.wan, "eth0", b"\x86\xdd" + ip6(f"{LAN}2", f"{WAN}2", UDP, DATA)),
            "plain in": (self.wan, self.lan, "eth1", b"\x86\xdd" + ip6(f"{WAN}2", f"{LAN}2", UDP, DATA)),
            "tunnel out": (self.lan, self.wan, "eth0", b"\x86\xdd" + ip6(A, B, UDP, DATA)),
            "tunnel in": (self.wan, self.lan, "eth1", b"\x08\0" + ip4(EAST, WEST, 41, ip6(B, A, UDP, DATA))),
        }

    def attach(self, host, interface, program):
        file = self.program.with_name("flood.bpf.o")
        host.run("ip", "link", "set", "dev", interface, "xdpdrv", "object", file, "program", program)

    def detach(self, interface):
        self.gate.run("ip", "link", "set", "dev", interface, "xdpdrv", "off")
        self.gate.run("ethtool", "-K", interface, "gro", "on")

    def _arrived(self, host):
        return host.ip_json("-s link show eth0")[0]["stats64"]["rx"]["packets"]

    def rate(self, kind):
        """Frames a second that came through, and how much of those sent that was."""
        source, sink, interface, packet = self.kinds[kind]
        frame = bytes.fromhex((self.gate.mac(interface) + ":020000000001").replace(":", "")) + packet
        before = self._arrived(sink)
        seconds = float(source.run(self.program, "eth0", self.count, frame.hex(), seconds=60))
        arrived = self._arrived(sink) - before
        return arrived / seconds, arrived / self.count

    def ends(self):
        """Without the gateway: one wire, and a program there that drops."""
        self.attach(self.gate, "eth0", "flood_drop")
        frame = bytes(12) + self.kinds["plain out"][3]
        seconds = float(self.lan.run(self.program, "eth0", self.count, frame.hex(), seconds=60))
        self.detach("eth0")
        return self.count / seconds, 1.0

    def program_times(self, run):
        """Nanoseconds a packet of each program that ran more often than anything else would make it."""
        with self.gate:
            before = program_counts()
            run()
            after = program_counts()
        times = {}
        for number, (name, count, spent) in after.items():
            _, count0, spent0 = before.get(number, (name, 0, 0))
            if count - count0 > self.count * 9 // 10:
                times[name] = (spent - spent0) / (count - count0)
        return times

    def redirecting(self):
        """The same for a program that does nothing else."""
        self.attach(self.gate, "eth1", "flood_reflector")
        times = self.program_times(lambda: self.rate("plain in"))
        self.detach("eth1")
        return times["flood_reflector"]

    def load(self, **keys):
        self.gw.load("-c", self.gw.config(tunnel(WEST, **keys)), prefix=None)


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


def times_of_programs(world):
    """One round of (what, nanoseconds)."""
    with program_statistics():
        yield "a program that redirects", world.redirecting()
        for name, keys in (("slow", {}), ("fast", {"fast_path": True})):
            world.load(**keys)
            for way in ("in", "out"):
                for program, spent in world.program_times(lambda way=way: world.rate(f"tunnel {way}")).items():
                    if program.startswith("fgw_"):
                        yield f"{program}, tunnel {way}, {name} path", spent
            world.gw.unload()


def one_round(world):
    yield "sender and one wire", world.ends()
    for way in ("out", "in"):
        yield f"plain forwarding {way}, no program", world.rate(f"plain {way}")
    for name, keys in (("slow", {}), ("fast", {"fast_path": True})):
        world.load(**keys)
        before = world.gw.reasons()
        for way in ("out", "in"):
            if name == "slow":
                yield f"plain forwarding {way}, gateway loaded", world.rate(f"plain {way}")
            yield f"tunnel {way}, {name} path", world.rate(f"tunnel {way}")
        after = world.gw.reasons()
        for way in ("OUT", "IN"):
            went = after[f"STF_FAST_{way}"] - before[f"STF_FAST_{way}"]
            if (name == "fast") != (went > world.count * 9 // 10):
                sys.exit(f"forward_bench: {went} of {world.count} took the fast path {way}")
        world.gw.unload()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", required=True, help="the program that sends them")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--count", type=int, default=400_000)
    chosen = options.parse_args()
    rates, shares, times = {}, {}, {}
    with Scope("forward_bench") as scope:
        world = World(scope, chosen.frames, chosen.count)
        for _ in range(chosen.rounds):
            for name, (rate, share) in one_round(world):
                rates.setdefault(name, []).append(rate)
                shares.setdefault(name, []).append(share)
            for name, spent in times_of_programs(world):
                times.setdefault(name, []).append(spent)
    print(f"{'':38} {'packets/s':>10} {'of plain':>9} {'spread of that':>16} {'arrived':>8}")
    for name, figures in rates.items():
        way = "in" if " in," in name else "out"
        ratios = sorted(a / b for a, b in zip(figures, rates[f"plain forwarding {way}, no program"]))
        print(f"{name:38} {statistics.median(figures):10,.0f} {statistics.median(ratios):9.2f} "
              f"{ratios[0]:8.2f} to {ratios[-1]:.2f} {min(shares[name]):8.1%}")
    print(f"\n{'':44} {'ns':>5} {'of redirecting':>15} {'spread of that':>16}")
    for name, spent in times.items():
        ratios = sorted(a / b for a, b in zip(spent, times["a program that redirects"]))
        print(f"{name:44} {statistics.median(spent):5.0f} {statistics.median(ratios):15.2f} "
              f"{ratios[0]:8.2f} to {ratios[-1]:.2f}")


if __name__ == "__main__":
    main()
