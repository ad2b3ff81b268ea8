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

TEST_CASE(
    "site: the way back, for any bit lengths, and nothing outside of the shared prefix (S23)") {
    const Ip4 address = *parse_ip4("10.165.90.199");
    for (std::uint8_t length = 0; length <= 96; ++length)
        for (std::uint8_t mask = 0; mask <= 32; ++mask) {
            const Prefix6 shared =
                Prefix6{.address = *parse_ip6("2001:db8:ffff:5a5a:ffff:ffff::"), .length = length}
                    .masked();
            const Ip6 host = prefix::host_in(prefix::site_prefix(shared, mask, address), 0);
            INFO(to_string(shared) << " mask " << int{mask});
            CHECK(prefix::site_of(shared, mask, address, host) == address);
        }
    const auto of = [](const char *shared, std::uint8_t mask, const char *host) {
        const auto site =
            prefix::site_of(*parse_prefix6(shared), mask, *parse_ip4("10.9.9.9"), *parse_ip6(host));
        return site ? to_string(*site) : "";
    };
    CHECK(of("2002::/16", 0, "2002:c633:6409::1") == "198.51.100.9");
    CHECK(of("2002::/16", 0, "2003:c633:6409::1") == "");
    CHECK(of("2001:db8::/32", 8, "2001:db8:6464:100::1") == "10.100.100.1");
    CHECK(of("2001:db8::/32", 32, "2001:db8:6464:100::1") == "10.9.9.9");
}

TEST_CASE("site: the first host of a prefix") {
    CHECK(to_string(prefix::host_in(*parse_prefix6("2002:c000:201::/48"), 1)) ==
          "2002:c000:201::1");
    CHECK(to_string(prefix::host_in(*parse_prefix6("2001:db8::ff/32"), 1)) == "2001:db8::1");
}
