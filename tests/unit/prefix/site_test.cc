/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prefix/site.h"

#include <catch2/catch.hpp>

using namespace faith;

namespace {

std::string site(const char *shared, std::uint8_t v4_mask_len, const char *address) {
    return to_string(prefix::site_prefix(*parse_prefix6(shared), v4_mask_len, *parse_ip4(address)));
}

} // namespace

TEST_CASE("site: 6to4 puts the whole IPv4 address behind 2002::/16 (RFC 3056 2)") {
    CHECK(to_string(prefix::six_to_four()) == "2002::/16");
    CHECK(site("2002::/16", 0, "192.0.2.1") == "2002:c000:201::/48");
    CHECK(site("2002::/16", 0, "133.4.5.6") == "2002:8504:506::/48");
}

TEST_CASE("site: 6rd leaves out the bits that all sites share, at any bit (RFC 5969 4, R16)") {
    CHECK(site("2001:db8::/32", 0, "192.0.2.7") == "2001:db8:c000:207::/64");
    CHECK(site("2001:db8::/32", 8, "10.100.100.1") == "2001:db8:6464:100::/56");
    CHECK(site("2001:db8::/29", 8, "10.100.100.1") == "2001:dbb:2320:800::/53");
    CHECK(site("2001:db8::/32", 32, "192.0.2.7") == "2001:db8::/32");
    CHECK(site("2001:db8:ffff::/31", 31, "0.0.0.1") == "2001:db9::/32");
}

TEST_CASE("site: the first host of a prefix") {
    CHECK(to_string(prefix::host_in(*parse_prefix6("2002:c000:201::/48"), 1)) ==
          "2002:c000:201::1");
    CHECK(to_string(prefix::host_in(*parse_prefix6("2001:db8::ff/32"), 1)) == "2001:db8::1");
}
