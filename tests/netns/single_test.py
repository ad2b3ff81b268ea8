#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The newsletter's second figure: a gateway with one interface, and everybody on one wire.

    six  four  dual
     |    |     |
    =+====+=====+=  switch
"""
from gateway import Gateway, more, on
from harness import equal, main, test
from hosts import DUAL4, DUAL6, FOUR, SIX, Net
from peers import Banner, banner, both_ways, noise, pair


def one_wire(t):
    net = Net(t)
    switch = net.host("switch")
    switch.ip("link add br0 type bridge", "link set br0 up")
    for name, addresses in (("six", f"{SIX}/64"), ("four", f"{FOUR}/24"), ("dual", f"{DUAL6}/64 {DUAL4}/24")):
        net.link(net.host(name), "eth0", addresses, switch, name, "")
        switch.ip(f"link set {name} master br0")
    net.six.ip(f"-6 route add default via {DUAL6}")
    return net, Gateway(t, net.dual)


@test("single: a gateway with one interface relays what comes and goes by it (N3)")
def one_interface(t):
    net, gw = one_wire(t)
    gw.load()
    server = Banner(net.four, FOUR, 2222)
    with gw.counts(STEERED=more(1), CONNECTED=1, CLOSED=1):
        equal(banner(net.six, on(FOUR), 2222), "four", "who answered")
    equal(server.peers, [DUAL4], "the client as the server sees it")
    client, served = pair(net, on(FOUR), 2223, net.four.listen(FOUR, 2223))
    both_ways(client, served, noise(1 << 20, 1), noise(1 << 20, 2))


if __name__ == "__main__":
    main()
