#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""TCP through a 6to4 tunnel against plain IPv6 routing over the same wires, XDP attached to
the uplinks in both cases. Rounds are interleaved, medians printed.

    tests/bench/stf_bench.py [--rounds 5] [--seconds 3]
"""
import argparse
import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "netns"))
from harness import Scope, wait_for  # noqa: E402
from stf_test import B, two_sites  # noqa: E402

PLAIN_A, PLAIN_B = "2001:db8:a::2", "2001:db8:b::2"


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
    net.sea.ip("-6 route add 2001:db8:b::/64 via 2001:db8:2::1")
    net.sea.ip("-6 route add 2001:db8:a::/64 via 2001:db8:1::1")


def gigabits(net, target, seconds, streams):
    done = net.a.run("iperf3", "-J", "-c", target, "-t", seconds, "-P", streams, "-O", 1, seconds=seconds + 20)
    return json.loads(done)["end"]["sum_received"]["bits_per_second"] / 1e9


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=3)
    options.add_argument("--mtu", type=int, default=1480)
    chosen = options.parse_args()
    with Scope("stf_bench") as scope:
        net = two_sites(scope, west={"mtu": chosen.mtu}, east={"mtu": chosen.mtu})
        add_plain(net)
        server = net.b.start("iperf3", "-s", stdout=subprocess.DEVNULL)
        scope.callback(server.kill)
        wait_for(lambda: "5201" in net.b.run("ss", "-ltn"), "iperf3")
        for streams in (1, 4):
            figures = {"plain": [], "tunnel": []}
            for _ in range(chosen.rounds):
                for name, target in (("plain", PLAIN_B), ("tunnel", B)):
                    figures[name].append(gigabits(net, target, chosen.seconds, streams))
            plain, tunnel = (statistics.median(figures[name]) for name in ("plain", "tunnel"))
            print(f"{streams} stream(s), MTU {chosen.mtu}: plain {plain:.2f} Gbit/s, tunnel {tunnel:.2f} Gbit/s, "
                  f"ratio {tunnel / plain:.2f}")


if __name__ == "__main__":
    main()
