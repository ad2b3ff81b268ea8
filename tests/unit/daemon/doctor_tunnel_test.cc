/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A healthy gateway, and one thing wrong with its tunnel at a time. */
#include "tests/unit/daemon/doctor_world.h"

using namespace faith;
using namespace faith::daemon;
using namespace faith::daemon::doctor_world;

TEST_CASE("doctor: a tunnel fits its uplink, its address and device are there (S3, S4)") {
    Snapshot seen = healthy();
    named(seen, "eth1").mtu = 1300;
    CHECK(diagnosis(seen) == "");
    named(seen, "eth1").mtu = 1299;
    CHECK(diagnosis(seen) == "problem mtu stf0");
    seen = healthy();
    seen.tunnels[0].mtu = 1481;
    CHECK(diagnosis(seen) == "problem mtu stf0");
    seen = healthy();
    seen.network.addresses4.clear();
    CHECK(diagnosis(seen) == "problem tunnel stf0");
    seen = healthy();
    named(seen, "stf0").up = false;
    CHECK(diagnosis(seen) == "problem tunnel stf0");
    seen = healthy();
    named(seen, "stf0").name = "gone";
    CHECK(diagnosis(seen) == "problem tunnel stf0");
}

TEST_CASE("doctor: the routes of 6to4 and 6rd, and who can use the tunnel (S25, R18)") {
    Snapshot seen = healthy();
    std::erase_if(seen.network.routes,
                  [](const sys::Route6 &r) { return r.destination.length == 16; });
    CHECK(diagnosis(seen) == "problem tunnel stf0");
    seen = healthy();
    seen.network.routes.push_back(route("2002::/16", 2));
    CHECK(diagnosis(seen) == "problem tunnel stf0");
    seen = healthy();
    seen.network.routes.pop_back();
    CHECK(diagnosis(seen) == "note tunnel stf0");
    seen = healthy();
    seen.tunnels[0].border_relay = *parse_ip4("198.51.100.9");
    CHECK(diagnosis(seen) == "problem tunnel stf0");
    seen.network.routes.push_back(route("::/0", 4));
    CHECK(diagnosis(seen) == "");
    seen.network.addresses6.erase(seen.network.addresses6.begin());
    CHECK(diagnosis(seen) == "note tunnel stf0");
    seen = healthy();
    seen.network.addresses6.pop_back();
    CHECK(diagnosis(seen) == "problem tunnel stf0");
    seen = healthy();
    seen.devices["eth0"].forwards6 = seen.devices["eth1"].forwards6 = false;
    seen.devices["lo"].forwards6 = false;
    CHECK(diagnosis(seen) == "problem sysctl stf0");
}

TEST_CASE("doctor: a next hop of a tunnel is the border relay or what a route embeds (S23, S33)") {
    Snapshot seen = healthy();
    const auto hops = [&] {
        std::string text;
        for (const NextHop &hop : next_hops_of(seen.tunnels, seen.network))
            text += hop.tunnel + " " + to_string(hop.from) + " " + to_string(hop.address) + ";";
        return text;
    };
    CHECK(hops() == "");
    const auto via = [&](const char *to, std::uint32_t index, const char *gateway) {
        seen.network.routes.push_back(route(to, index));
        seen.network.routes.back().gateway = *parse_ip6(gateway);
    };
    via("::/0", 4, "2002:c633:6409::");
    via("2001:db9::/32", 4, "2002:c633:6409::"); // the same once more
    via("2001:dba::/32", 2, "2002:cb00:7107::"); // not by the tunnel
    via("2001:dbb::/32", 4, "fe80::1");          // embeds nothing
    CHECK(hops() == "stf0 192.0.2.1 198.51.100.9;");
    seen.tunnels[0].border_relay = *parse_ip4("198.51.100.1");
    CHECK(hops() == "stf0 192.0.2.1 198.51.100.1;stf0 192.0.2.1 198.51.100.9;");
    seen.network.addresses4.clear();
    CHECK(hops() == "");
}

TEST_CASE("doctor: the way to a next hop of a tunnel is its uplink (S16)") {
    Snapshot seen = healthy();
    seen.next_hops = {{.tunnel = "stf0",
                       .from = *parse_ip4("192.0.2.1"),
                       .address = *parse_ip4("198.51.100.9"),
                       .interface_index = 3}};
    CHECK(diagnosis(seen) == "");
    for (const std::optional<std::uint32_t> other : {std::optional<std::uint32_t>{}, {1}, {2}}) {
        seen.next_hops[0].interface_index = other;
        CHECK(diagnosis(seen) == "problem routes stf0");
    }
    seen.tunnels[0].flags &= ~std::uint32_t{FGW_STF_INGRESS};
    CHECK(diagnosis(seen) == "note routes stf0");
    seen.next_hops[0].interface_index = 1;
    CHECK(diagnosis(seen) == "problem routes stf0");
    seen.next_hops[0].tunnel = "stf1";
    CHECK(diagnosis(seen) == "");
}

TEST_CASE("doctor: a tunnel of the kernel with the same end takes its packets") {
    Snapshot seen = healthy();
    seen.network.interfaces.push_back(interface(9, "sit1"));
    named(seen, "sit1").kind = "sit";
    CHECK(diagnosis(seen) == "");
    named(seen, "sit1").local = *parse_ip4("192.0.2.1");
    CHECK(diagnosis(seen) == "problem conflict sit1");
    named(seen, "sit1").up = false;
    CHECK(diagnosis(seen) == "");
}
