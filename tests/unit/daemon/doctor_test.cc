/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A healthy gateway, and one thing wrong with it at a time; tunnels: doctor_tunnel_test.cc. */
#include "tests/unit/daemon/doctor_world.h"

using namespace faith;
using namespace faith::daemon;
using namespace faith::daemon::doctor_world;

TEST_CASE("doctor: nothing is wrong with what is as it should be, loaded or not") {
    Snapshot seen = healthy();
    CHECK(diagnosis(seen) == "");
    seen.loaded = seen.daemon = false;
    for (auto &[name, device] : seen.devices)
        device.xdp.reset();
    std::erase_if(seen.network.routes, [](const sys::Route6 &r) { return r.type == RTN_LOCAL; });
    CHECK(diagnosis(seen) == "");
    seen.uplinks_only = true;
    CHECK(diagnosis(seen) == "note gateway interfaces");
}

TEST_CASE("doctor: a gateway that does not work though it is loaded") {
    Snapshot seen = healthy();
    seen.daemon = false;
    CHECK(diagnosis(seen) == "problem gateway daemon");
    seen = healthy();
    seen.keepfaith = false;
    CHECK(diagnosis(seen) == "problem gateway keepfaith");
    seen = healthy();
    seen.broken_files = "faith-gw.toml:1:1: nonsense";
    CHECK(diagnosis(seen) == "problem gateway configuration");
    seen = healthy();
    named(seen, "lo").up = false;
    CHECK(diagnosis(seen) == "problem gateway lo");
}

TEST_CASE("doctor: interfaces that are absent, down, too short or without IPv6") {
    Snapshot seen = healthy();
    seen.interfaces.push_back("eth7");
    CHECK(diagnosis(seen) == "problem interface eth7");
    seen = healthy();
    named(seen, "eth0").up = false;
    CHECK(diagnosis(seen) == "problem interface eth0");
    seen = healthy();
    named(seen, "eth0").mtu = 1279;
    CHECK(diagnosis(seen) == "problem mtu eth0");
    seen = healthy();
    seen.devices["eth0"].ipv6_off = seen.devices["eth1"].ipv6_off = true; /* an uplink may */
    CHECK(diagnosis(seen) == "problem sysctl eth0");
}

TEST_CASE("doctor: the XDP mode, programs of others, ports of a bridge") {
    Snapshot seen = healthy();
    seen.devices["eth0"].xdp->generic = true;
    CHECK(diagnosis(seen) == "note xdp eth0");
    seen = healthy();
    seen.devices["eth0"].xdp.reset();
    CHECK(diagnosis(seen) == "problem xdp eth0");
    seen = healthy();
    seen.devices["eth0"].xdp = Device::Xdp{.name = "other"};
    CHECK(diagnosis(seen) == "problem conflict eth0");
    seen = healthy();
    seen.devices["stf0"].xdp = Device::Xdp{.name = "other"};
    CHECK(diagnosis(seen) == "note conflict stf0");
    seen = healthy();
    seen.sk_lookups = {"other"};
    CHECK(diagnosis(seen) == "problem conflict sk_lookup");
    seen = healthy();
    seen.network.interfaces.push_back(interface(9, "br0"));
    named(seen, "br0").kind = "bridge";
    named(seen, "eth0").master_index = 9;
    CHECK(diagnosis(seen) == "problem xdp eth0");
    named(seen, "br0").kind = "bond";
    CHECK(diagnosis(seen) == "");
}

TEST_CASE("doctor: the route of a prefix: gone, in competition, with holes, left behind") {
    Snapshot seen = healthy();
    std::erase_if(seen.network.routes, [](const sys::Route6 &r) { return r.type == RTN_LOCAL; });
    CHECK(diagnosis(seen) == std::string("problem routes ") + captured);
    seen = healthy();
    seen.network.routes.push_back(route(captured, 2));
    CHECK(diagnosis(seen) == std::string("problem routes ") + captured);
    seen = healthy();
    seen.network.routes.push_back(route("2001:db8:ffff::c000:200/120", 2));
    CHECK(diagnosis(seen) == "note routes 2001:db8:ffff::c000:200/120");
    for (int i = 0; i < 20; ++i)
        seen.network.routes.push_back(
            route("2001:db8:ffff::c000:201/128", 2, RTN_LOCAL, RT_TABLE_LOCAL));
    CHECK(diagnose(seen).size() == 9);
    seen = healthy();
    seen.loaded = false;
    CHECK(diagnosis(seen) == std::string("note routes ") + captured);
}

TEST_CASE("doctor: strict reverse path filters matter where there is more than one way") {
    Snapshot seen = healthy();
    seen.devices["eth1"].rp_filter = 1;
    CHECK(diagnosis(seen) == "");
    seen.network.addresses4.push_back(
        {.interface_index = 2, .prefix = *parse_prefix4("203.0.113.1/24"), .broadcast = {}});
    CHECK(diagnosis(seen) == "note sysctl eth1");
    seen.devices["eth1"].rp_filter = 2;
    CHECK(diagnosis(seen) == "");
}

TEST_CASE("doctor: who takes no part in the fast path, and a veth that needs its far end's help") {
    Snapshot seen = healthy();
    seen.tunnels[0].flags |= FGW_STF_FAST;
    seen.devices["eth0"].driver = seen.devices["eth1"].driver = "ixgbe";
    CHECK(diagnosis(seen) == "");
    seen.devices["eth1"].driver = "veth";
    CHECK(diagnosis(seen) == "note fast path eth1");
    seen.devices["eth1"].driver = "e1000e";
    CHECK(diagnosis(seen) == "note fast path eth1");
    seen.devices["eth1"].xdp->generic = true;
    CHECK(diagnosis(seen) == "note xdp eth1; note fast path eth1");
    seen.tunnels[0].flags = 0;
    CHECK(diagnosis(seen) == "note xdp eth1");
}

TEST_CASE("doctor: DNS64 uses our prefix, another one, or is somewhere else (RFC 7050)") {
    Snapshot seen = healthy();
    seen.dns64->addresses = {*parse_ip6("64:ff9b::192.0.0.170")};
    CHECK(diagnosis(seen) == "problem dns64 resolver");
    seen.dns64->addresses = {};
    CHECK(diagnosis(seen) == "note dns64 resolver");
    seen.dns64->failure = "ask for ipv4only.arpa: no answer";
    CHECK(diagnosis(seen) == "note dns64 resolver");
    seen.dns64.reset();
    CHECK(diagnosis(seen) == "");
}

TEST_CASE("doctor: problems come first, and are counted in the JSON") {
    Snapshot seen = healthy();
    seen.devices["eth0"].xdp->generic = true;
    seen.keepfaith = false;
    seen.dns64->addresses = {*parse_ip6("64:ff9b::192.0.0.170")};
    seen.unseen = {"something"};
    const nlohmann::json report = to_json(seen, diagnose(seen));
    CHECK(report["problems"] == 2);
    CHECK(report["notes"] == 1);
    CHECK(report["findings"][2]["severity"] == "note");
    CHECK(report["findings"][0] == nlohmann::json({{"severity", "problem"},
                                                   {"check", "gateway"},
                                                   {"about", "keepfaith"},
                                                   {"says", "off: nothing is captured"},
                                                   {"do", "faith-gw keepfaith on"}}));
    CHECK(report["unseen"] == nlohmann::json({"something"}));
}
