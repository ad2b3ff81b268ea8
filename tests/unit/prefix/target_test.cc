/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prefix/target.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::prefix;

namespace {

bool never(std::string_view address) { return any_contains(built_in_never(), *parse_ip4(address)); }
bool not_public(std::string_view address) {
    return any_contains(not_global(), *parse_ip4(address));
}

} // namespace

TEST_CASE("target: what no rule can open, to the last address (D20, D21)") {
    for (const char *address : {"0.0.0.0", "0.255.255.255", "127.0.0.1", "127.255.255.255",
                                "169.254.0.0", "169.254.169.254", "169.254.255.255", "224.0.0.0",
                                "239.255.255.255", "240.0.0.0", "255.255.255.255"}) {
        CAPTURE(address);
        CHECK(never(address));
    }
    for (const char *address : {"1.0.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
                                "169.255.0.0", "223.255.255.255", "10.0.0.1", "192.0.2.1"}) {
        CAPTURE(address);
        CHECK_FALSE(never(address));
    }
}

TEST_CASE("target: what 64:ff9b::/96 must not carry (R23)") {
    for (const char *address : {"10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
                                "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255",
                                "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255"}) {
        CAPTURE(address);
        CHECK(not_public(address));
    }
    for (const char *address : {"9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
                                "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
                                "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0"}) {
        CAPTURE(address);
        CHECK_FALSE(not_public(address));
    }
    /* Documentation ranges open nothing, and every example uses them. */
    CHECK_FALSE(not_public("192.0.2.1"));
    CHECK_FALSE(not_public("198.51.100.1"));
    CHECK_FALSE(not_public("203.0.113.1"));
}

TEST_CASE("target: an empty list holds nothing") { CHECK_FALSE(any_contains({}, Ip4{})); }
