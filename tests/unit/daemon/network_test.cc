/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/network.h"

#include "faith/names.h"

#include <linux/rtnetlink.h>

#include <catch2/catch.hpp>

using namespace faith;
using daemon::Network;

namespace {

Prefix6 prefix6(const char *text) { return *parse_prefix6(text); }

sys::Route6 route(const char *destination, std::uint32_t table, std::uint8_t type,
                  std::uint8_t protocol = RTPROT_BOOT) {
    sys::Route6 made;
    made.destination = prefix6(destination);
    made.table = table;
    made.type = type;
    made.protocol = protocol;
    return made;
}

const std::vector<prefix::FaithPrefix> prefixes = {
    prefix::well_known(),
    *prefix::make_prefix(*parse_prefix6("2001:db8:ffff::/96"), prefix::Layout::FaithLast32)};

} // namespace

TEST_CASE("network: longer routes and own addresses inside a prefix are exempt (F2, F3)") {
    Network network;
    network.routes = {
        route("64:ff9b::/96", RT_TABLE_MAIN, RTN_LOCAL, FGW_ROUTE_PROTOCOL),
        route("64:ff9b::10.0.0.0/104", RT_TABLE_MAIN, RTN_BLACKHOLE),
        route("2001:db8:ffff::5/128", RT_TABLE_LOCAL, RTN_LOCAL),
        route("2001:db8:6::/64", RT_TABLE_MAIN, RTN_UNICAST), // outside
        route("::/0", RT_TABLE_MAIN, RTN_UNICAST),            // shorter
        route("64:ff9b::/64", RT_TABLE_MAIN, RTN_UNICAST),    // shorter than the prefix
        route("64:ff9b::11.0.0.0/104", 100, RTN_UNICAST),     // a table nobody asked for
    };
    CHECK(daemon::exemptions(network, prefixes) ==
          std::vector<Prefix6>{prefix6("64:ff9b::10.0.0.0/104"), prefix6("2001:db8:ffff::5/128")});
}

TEST_CASE("network: a prefix inside another one is captured, not exempt") {
    Network network;
    network.routes = {route("64:ff9b::192.0.2.0/120", RT_TABLE_MAIN, RTN_LOCAL)};
    std::vector<prefix::FaithPrefix> nested = prefixes;
    nested.push_back(
        {.prefix = prefix6("64:ff9b::192.0.2.0/120"), .layout = prefix::Layout::FaithLast32});
    CHECK(daemon::exemptions(network, nested).empty());
    CHECK(daemon::exemptions(network, prefixes).size() == 1);
}

TEST_CASE("network: an end is ours by address, whatever its port; link-local on its interface "
          "alone (D15, D18)") {
    const std::vector<sys::Address6> addresses = {
        {.interface_index = 2, .prefix = prefix6("2001:db8:6::1/64")},
        {.interface_index = 2, .prefix = prefix6("fe80::1/64")},
        {.interface_index = 3, .prefix = prefix6("fe80::3/64")},
    };
    const auto own = [&](const char *address, std::uint32_t scope) {
        return daemon::is_own(addresses,
                              {.address = *parse_ip6(address), .port = 21, .scope = scope});
    };
    CHECK(own("2001:db8:6::1", 0));
    CHECK_FALSE(own("2001:db8:6::2", 0)); /* of the network, not of ours */
    CHECK_FALSE(own("64:ff9b::c000:202", 0));
    CHECK(own("fe80::1", 2));
    CHECK_FALSE(own("fe80::1", 3));
    CHECK_FALSE(own("fe80::1", 0));
    CHECK(own("fe80::3", 3));
    CHECK_FALSE(daemon::is_own({}, {.address = *parse_ip6("::1"), .port = 21}));
}

TEST_CASE("network: the addresses of this moment are asked for") {
    CHECK(*daemon::is_own_now({.address = *parse_ip6("::1"), .port = 1}));
    CHECK_FALSE(*daemon::is_own_now({.address = *parse_ip6("2001:db8::dead"), .port = 1}));
}

TEST_CASE("network: networks of the loaded interfaces only, each once, host bits cleared") {
    Network network;
    network.addresses6 = {{.interface_index = 2, .prefix = prefix6("2001:db8:6::1/64")},
                          {.interface_index = 2, .prefix = prefix6("2001:db8:6::9/64")},
                          {.interface_index = 3, .prefix = prefix6("2001:db8:7::1/64")}};
    CHECK(daemon::networks_on(network, {2}) == std::vector<Prefix6>{prefix6("2001:db8:6::/64")});
}
