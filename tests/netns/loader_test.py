#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""load, unload and status: what they attach, and what they leave, which is nothing. Other
people's programs are in coexist_test.py, bad input in faults_test.py, the commands that
need no kernel in commands_test.py.
"""
import os
import re
import signal
import subprocess

import kernel
from gateway import PREFIX, newsletter, on
from harness import SLOW, check, contains, equal, main, test, wait_for
from hosts import DUAL6, FOUR, PINS, STATE, ended, run
from peers import Banner, banner, pair
from snapshot import Footprint, same, snapshot

TARGET = on(FOUR)
PORT = 2222


def works(net):
    equal(banner(net.six, TARGET, PORT), "four", "who answered")


@test("loader: unload leaves the namespace exactly as it was, objects included (Done when)")
def leaves_nothing(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    gw.load()
    Banner(net.four, FOUR, PORT)
    works(net)
    held = Footprint(gw)
    gw.unload()
    same(before, snapshot(net.dual))
    held.gone()


@test("loader: while loaded, bpftool shows the link, the programs, and one listener per worker in the sockmap")
def visible(t):
    net, gw = newsletter(t)
    gw.load("-c", gw.config(f'[faith]\nprefixes = ["{PREFIX}/96"]\n[relay]\nworkers = 3\n'))
    shown = net.dual.run("bpftool", "net", "show")
    for name in ("eth0", "eth1", "lo"):
        contains(shown, name, "bpftool net show")
    links = [link for link in kernel.links() if link.get("netns_ino") == net.dual.inode]
    equal([link["attach_type"] for link in links], ["sk_lookup"], "links of the namespace")
    top = PINS / str(net.dual.inode)
    pins = sorted(str(p.relative_to(next(top.iterdir()))) for p in top.rglob("*") if not p.is_dir())
    index = net.dual.ifindex("eth0")
    for pin in ("maps/fgw_prefixes", "maps/fgw_socks", "maps/fgw_config", "maps/fgw_reasons",
                "links/sk_lookup", f"links/xdp_if{index}"):
        check(pin in pins, f"{pin} is not among the pins {pins}")
    equal([pin for pin in pins if pin.startswith("progs/")],
          ["progs/fgw_sk_lookup", "progs/fgw_tc_ingress", "progs/fgw_xdp_ingress"], "programs of a gateway without tunnels")
    socks = run(["bpftool", "map", "dump", "pinned", str(next(top.iterdir()) / "maps/fgw_socks")])
    filled = re.findall(r"value: (?:[0-9a-f]{2} ){7}[0-9a-f]{2}", socks)
    equal(len(filled), 3, f"listeners in the sockmap, one per worker, in {socks[:300]}")
    prefixes = run(["bpftool", "-p", "map", "dump", "pinned", str(next(top.iterdir()) / "maps/fgw_prefixes")])
    contains(prefixes, "prefix_len", "the dump of fgw_prefixes (readable by BTF)")
    contains(net.dual.ip("-6 route show table all"), f"local {PREFIX}/96 dev lo", "routes")
    check((STATE / str(net.dual.inode) / "control.sock").is_socket(), "no control socket")


@test("loader: load twice is harmless and disturbs no session")
def load_twice(t):
    net, gw = newsletter(t)
    gw.load()
    listener = net.four.listen(FOUR, PORT)
    client, server = pair(net, TARGET, PORT, listener)
    once = snapshot(net.dual)
    gw.load()
    same(once, snapshot(net.dual))
    client.sendall(b"still here")
    equal(server.recv(64), b"still here", "a session over the second load")


@test("loader: load with another configuration is refused, says what to do, and changes nothing")
def load_differently(t):
    net, gw = newsletter(t)
    gw.load()
    once = snapshot(net.dual)
    for interface in ("eth0", "eth1"):
        said = gw.load(interface, "--prefix", "2001:db8:eeee::/96", "-c", gw.config(""), rc=1).err
        contains(said, "unload", "the refusal")
    same(once, snapshot(net.dual))


@test("loader: loads and unloads at the same time: one load wins, every unload is content, nothing is left")
def at_the_same_time(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    load = ["load", "eth0", "--prefix", PREFIX + "/96", "-c", gw.config("")]
    for _ in range(5):
        outcomes = _together(gw, [load] * 4)
        check(0 in [rc for rc, _ in outcomes], f"no load succeeded: {outcomes}")
        for rc, said in outcomes:
            check(rc == 0 or "another faith-gw" in said, f"a load said: {said}")
        equal(len(gw.pids()), 1, "daemons")
        for rc, said in _together(gw, [["unload"]] * 3):
            check(rc == 0 or "another faith-gw" in said, f"an unload ended with {rc}: {said}")
        wait_for(lambda: not gw.pids(), "the end of the daemon")
        same(before, snapshot(net.dual))


def _together(gw, commands):
    """[(exit code, what was said)] of commands started at once."""
    started = [gw.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for words in commands]
    said = [process.communicate(timeout=20 * SLOW)[0] for process in started]
    return [(process.returncode, text) for process, text in zip(started, said)]


@test("loader: load of a second interface, unload of one of two, then of the last")
def two_interfaces(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    seven = net.client("seven", "eth2", "2001:db8:7::")
    before = snapshot(net.dual)
    gw.load()
    Banner(net.four, FOUR, PORT)
    gw.load("eth2")
    equal(sorted(i["name"] for i in gw.status()["interfaces"]), ["eth0", "eth2"], "interfaces in status")
    equal(banner(seven, TARGET, PORT), "four", "who answered on the second interface")
    gw.unload("eth2")
    equal([i["name"] for i in gw.status()["interfaces"]], ["eth0"], "interfaces in status")
    works(net)
    check("xdp" not in net.dual.ip_json("link show dev eth2")[0], "XDP left on eth2")
    gw.unload("eth0")
    same(before, snapshot(net.dual))


@test("loader: both interfaces in one load")
def both_at_once(t):
    net, gw = newsletter(t)
    seven = net.client("seven", "eth2", "2001:db8:7::")
    before = snapshot(net.dual)
    gw.load("eth0", "eth2", "--prefix", PREFIX + "/96", "-c", gw.config(""))
    Banner(net.four, FOUR, PORT)
    works(net)
    equal(banner(seven, TARGET, PORT), "four", "who answered on the second interface")
    gw.unload()
    same(before, snapshot(net.dual))


@test("loader: unload without anything loaded is harmless")
def unload_nothing(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    gw.unload()
    same(before, snapshot(net.dual))


@test("loader: after kill -9 the capture stays refused, and unload leaves nothing")
def after_kill(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    gw.load()
    Banner(net.four, FOUR, PORT)
    Banner(net.dual, "::", PORT, "a stranger")
    works(net)
    held = Footprint(gw)
    gw.kill()
    with_stranger = banner(net.six, TARGET, PORT)
    check(with_stranger in ("refused", "silence"), f"{with_stranger} answered for a dead relay")
    gw.unload()
    net.dual.kill_all()
    after = snapshot(net.dual)
    after["sockets"] = before["sockets"] = []
    same(before, after)
    held.gone()


@test("loader: unload right behind kill -9 waits for what is still ending, and leaves nothing")
def unload_behind_kill(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    for _ in range(5):
        gw.load()
        for pid in gw.pids():
            os.kill(pid, signal.SIGKILL)
        gw.unload()
        wait_for(lambda: not gw.pids(), "the end of the gateway's processes")
        same(before, snapshot(net.dual))


@test("loader: after kill -9, load puts a working gateway in place again")
def load_after_kill(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.four, FOUR, PORT)
    gw.kill()
    again = gw.load(rc=None)
    if again.rc != 0:
        contains(again.err, "unload", "what to do, if load alone does not")
        gw.unload()
        gw.load()
    works(net)


@test("loader: --no-relay holds the prefix without a process; a full load then adds the relay")
def no_relay(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    gw.load("--no-relay")
    equal(banner(net.six, TARGET, PORT), "refused", "who answered without a relay")
    equal(gw.status()["relay"]["workers"], 0, "workers in status")
    gw.unload()
    same(before, snapshot(net.dual))
    gw.load()
    Banner(net.four, FOUR, PORT)
    works(net)


@test("loader: load returns its output and nothing of it stays open: $(faith-gw load) ends")
def no_pipe_kept(t):
    net, gw = newsletter(t)
    load = gw.start("load", "eth0", "-c", gw.config(""), "--prefix", PREFIX + "/96", stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE)
    load.communicate(timeout=10 * SLOW)  # to the end of both
    equal(load.returncode, 0, "exit code")
    for pid in gw.pids():
        equal(os.readlink(f"/proc/{pid}/cwd"), "/", "working directory of the daemon")
        equal(os.getsid(pid) == os.getsid(0), False, "the daemon in our session")


@test("loader: load returns when the relay is ready: the first connection is never refused")
def ready(t):
    net, gw = newsletter(t)
    Banner(net.four, FOUR, PORT)
    for _ in range(5):
        gw.load()
        works(net)
        gw.unload()


@test("loader: --foreground stays, and SIGTERM leaves nothing (D14, V49)")
def foreground(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    Banner(net.four, FOUR, PORT)
    for number in (signal.SIGTERM, signal.SIGINT):
        log = open(t.tmp / "foreground.log", "wb")
        process = gw.start("load", "eth0", "--foreground", "-c", gw.config(""), "--prefix", PREFIX + "/96",
                           stdout=log, stderr=log)
        t.callback(process.kill)
        log.close()

        def up():
            check(process.poll() is None, "ended at once: " + (t.tmp / "foreground.log").read_text())
            return gw.run("status", "--json", rc=None).rc == 0 and gw.status()["loaded"]

        wait_for(up, "status to say loaded")
        held = Footprint(gw)
        wait_for(lambda: banner(net.six, TARGET, PORT) == "four", "the relay")
        process.send_signal(number)
        equal(ended(process, 10), 0, f"exit code after signal {number}")
        same(before, snapshot(net.dual))
        held.gone()


@test("loader: SIGTERM to the background daemon leaves nothing either (V49)")
def terminate(t):
    net, gw = newsletter(t)
    before = snapshot(net.dual)
    gw.load()
    held = Footprint(gw)
    gw.kill(signal.SIGTERM)
    gw.unload()
    same(before, snapshot(net.dual))
    held.gone()


@test("loader: SIGPIPE and SIGHUP end nothing (V49)")
def other_signals(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.four, FOUR, PORT)
    for number in (signal.SIGPIPE, signal.SIGHUP):
        for pid in gw.pids():
            os.kill(pid, number)
        works(net)


@test("loader: --xdp generic and native attach as asked, auto prefers native")
def xdp_modes(t):
    net, gw = newsletter(t)
    Banner(net.four, FOUR, PORT)
    for asked, want, flag in (("generic", "generic", " xdpgeneric "), ("native", "native", " xdp "),
                              ("auto", "native", " xdp ")):
        gw.load("--xdp", asked)
        equal(gw.status()["interfaces"][0]["xdp_mode"], want, f"xdp_mode after --xdp {asked}")
        contains(net.dual.ip("link show dev eth0"), flag, "ip link")
        works(net)
        gw.unload()


@test("loader: an interface that disappears takes nothing else down; unload leaves nothing")
def interface_disappears(t):
    net, gw = newsletter(t)
    net.client("seven", "eth2", "2001:db8:7::")
    gw.load("eth0", "eth2", "--prefix", PREFIX + "/96", "-c", gw.config(""))
    held = Footprint(gw)
    Banner(net.four, FOUR, PORT)
    net.dual.ip("link del eth2")
    works(net)
    gw.status()
    net.dual.ip("link del eth0")
    gw.status()
    gw.unload()
    for directory in (PINS, STATE):
        check(not (directory / str(net.dual.inode)).exists(), f"{directory} after unload")
    equal(gw.pids(), [], "processes after unload")
    equal(net.dual.ip("-6 route show proto 250"), "", "routes of ours after unload")
    held.gone()


@test("loader: an interface that goes down and comes up again is served again")
def interface_down_up(t):
    net, gw = newsletter(t)
    gw.load()
    Banner(net.four, FOUR, PORT)
    works(net)
    net.dual.ip("link set eth0 down")
    net.dual.ip("link set eth0 up")
    net.dual.ip(f"addr replace {DUAL6}/64 dev eth0 nodad")
    wait_for(lambda: banner(net.six, TARGET, PORT, seconds=2) == "four", "the relay after down and up", seconds=20)


if __name__ == "__main__":
    main()
