#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""TCP through a 6to4 tunnel against plain IPv6 routing over the same wires, the gateways loaded and
XDP on their uplinks in every case. The hosts are those of tests/netns/stf_sites.py.

Twice, because a veth is not a wire: as it is, segments of 64 KiB cross it whole and nobody makes
checksums; and with the ends set as if they were wires (ethtool tx off, gro on), which is what the
fast path is for. Rounds take every row in turn; ratios are medians of the rounds' own.

    make bench-tunnel
    stf_bench.py [--rounds 5] [--seconds 3] [--mtu 1480]
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "netns"))

from harness import Scope, wait_for  # noqa: E402
from stf_sites import B, EAST, WEST, pings, tunnel, two_sites  # noqa: E402

PLAIN_A, PLAIN_B = "2001:db8:a::2", "2001:db8:b::2"
VETH, WIRES = "a veth as it is", "as wires are"
ROWS = {VETH: ("plain", "stf0"), WIRES: ("plain", "stf0", "fast path")}
TARGETS = {"stf0": 0.75, "fast path": 0.9}


def add_plain(net):
    """Native addresses beside the 6to4 ones, routed over the same links."""
    for host, name, address in ((net.a, "eth0", f"{PLAIN_A}/64"), (net.west, "eth0", "2001:db8:a::1/64"),
                                (net.b, "eth0", f"{PLAIN_B}/64"), (net.east, "eth0", "2001:db8:b::1/64"),
                                (net.west, "eth1", "2001:db8:1::1/64"), (net.sea, "eth0", "2001:db8:1::2/64"),
                                (net.sea, "eth1", "2001:db8:2::2/64"), (net.east, "eth1", "2001:db8:2::1/64")):
        host.ip(f"-6 addr add {address} dev {name} nodad")
    net.sea.sysctl("net.ipv6.conf.all.forwarding", 1)
    net.a.ip("-6 route add 2001:db8:b::/64 via 2001:db8:a::1")
    net.b.ip("-6 route add 2001:db8:a::/64 via 2001:db8:b::1")
    net.west.ip("-6 route add 2001:db8:b::/64 via 2001:db8:1::2")
    net.east.ip("-6 route add 2001:db8:a::/64 via 2001:db8:2::2")
    net.sea.ip("route add 2001:db8:b::/64 via 2001:db8:2::1", "route add 2001:db8:a::/64 via 2001:db8:1::1")


class Sites:
    def __init__(self, scope, mtu):
        self.mtu, self.fast, self.setting = mtu, False, VETH
        self.net = two_sites(scope, west={"mtu": mtu}, east={"mtu": mtu})
        add_plain(self.net)
        server = self.net.b.start("iperf3", "-s", stdout=subprocess.DEVNULL)
        scope.callback(server.kill)
        wait_for(lambda: "5201" in self.net.b.run("ss", "-ltn"), "iperf3")

    def set(self, setting, fast):
        net = self.net
        if setting != self.setting:
            words = ("tx", "off", "gro", "on") if setting == WIRES else ("tx", "on", "gro", "off")
            for host, names in ((net.a, ["eth0"]), (net.b, ["eth0"]), (net.sea, ["eth0", "eth1"])):
                for name in names:
                    host.run("ethtool", "-K", name, *words)
            self.setting = setting
        if fast != self.fast:
            for host, address in ((net.west, WEST), (net.east, EAST)):
                host.gw.unload()
                host.gw.load("-c", host.gw.config(tunnel(address, mtu=self.mtu, fast_path=fast), f"{host.name}.toml"))
            self.fast = fast
        pings(net.a, B)  # after which everybody knows his neighbours

    def gigabits(self, row, seconds, streams):
        before = self.net.west.gw.reasons()["STF_FAST_OUT"]
        target = PLAIN_B if row == "plain" else B
        done = self.net.a.run("iperf3", "-J", "-c", target, "-t", seconds, "-P", streams, "-O", 1, seconds=seconds + 20)
        if (self.net.west.gw.reasons()["STF_FAST_OUT"] - before > 1000) != (row == "fast path"):
            sys.exit(f"stf_bench: {row} took another path")
        return json.loads(done)["end"]["sum_received"]["bits_per_second"] / 1e9


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=3)
    options.add_argument("--mtu", type=int, default=1480)
    chosen = options.parse_args()
    figures = {}
    with Scope("stf_bench") as scope:
        sites = Sites(scope, chosen.mtu)
        for _ in range(chosen.rounds):
            for setting, rows in ROWS.items():
                for row in rows:
                    sites.set(setting, row == "fast path")
                    for streams in (1, 4):
                        rate = sites.gigabits(row, chosen.seconds, streams)
                        figures.setdefault((setting, streams, row), []).append(rate)
    print(f"{'':16} {'streams':>7} {'':10} {'Gbit/s':>7} {'of plain':>9} {'spread of that':>16} {'target':>7}")
    for (setting, streams, row), rates in sorted(figures.items(), key=lambda item: item[0][:2]):
        ratios = sorted(a / b for a, b in zip(rates, figures[setting, streams, "plain"]))
        print(f"{setting:16} {streams:7} {row:10} {statistics.median(rates):7.2f} {statistics.median(ratios):9.2f} "
              f"{ratios[0]:8.2f} to {ratios[-1]:.2f} {TARGETS.get(row, ''):>7}")


if __name__ == "__main__":
    main()
