/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prefix/prefix.h"
#include "tests/support/random.h"

#include <catch2/catch.hpp>

#include <array>

using namespace faith;
using namespace faith::prefix;
using faith::test::Random;

namespace {

constexpr std::array<std::uint8_t, 6> rfc6052_lengths = {32, 40, 48, 56, 64, 96};

Prefix6 net(std::string_view text) {
    Result<Prefix6> prefix = parse_prefix6(text);
    REQUIRE(prefix);
    return *prefix;
}

Ip6 ip6(std::string_view text) { return net(text).address; }

FaithPrefix make(std::string_view text, Layout layout) {
    Result<FaithPrefix> prefix = make_prefix(net(text), layout);
    REQUIRE(prefix);
    return *prefix;
}

std::string refusal(std::string_view text, Layout layout) {
    Result<FaithPrefix> prefix = make_prefix(net(text), layout);
    return prefix ? "accepted" : prefix.error().text;
}

Ip6 random_global(Random &random) {
    Ip6 address;
    for (std::uint8_t &byte : address.bytes)
        byte = random.byte();
    address.bytes[0] = 0x20;
    return address;
}

} // namespace

TEST_CASE("prefix: RFC 6052 vectors for 192.0.2.33 (R22)") {
    struct Vector {
        const char *prefix;
        const char *address;
    };
    const std::array<Vector, 7> vectors = {{
        {"2001:db8::/32", "2001:db8:c000:221::"},
        {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
        {"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
        {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
        {"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
        {"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"},
        {"64:ff9b::/96", "64:ff9b::192.0.2.33"},
    }};
    const Ip4 target = *parse_ip4("192.0.2.33");
    for (const Vector &vector : vectors) {
        CAPTURE(vector.prefix);
        const FaithPrefix prefix = make(vector.prefix, Layout::Rfc6052);
        CHECK(to_string(embed(prefix, target)) == to_string(ip6(vector.address)));
        const Extracted extracted = extract(prefix, ip6(vector.address));
        CHECK(extracted.address == target);
        CHECK(extracted.embedding == Embedding::Good);
    }
}

TEST_CASE("prefix: FAITH takes the last 32 bits, whatever the length (D19)") {
    for (const char *text : {"2001:db8::/32", "2001:db8:1234::/48", "2001:db8:0:1::/64",
                             "2001:db8:0:1:2::/80", "2001:db8::/96", "2001:db8::/45"}) {
        CAPTURE(text);
        const FaithPrefix prefix = make(text, Layout::FaithLast32);
        const Ip6 address = embed(prefix, *parse_ip4("192.0.2.33"));
        CHECK(to_string(Prefix6{.address = address, .length = 96}.masked().address) ==
              to_string(prefix.prefix.address));
        CHECK(to_string(extract(prefix, address).address) == "192.0.2.33");
    }
    /* R21: a /64 differs between the layouts, so the name matters. */
    CHECK(to_string(embed(make("2001:db8::/64", Layout::FaithLast32), *parse_ip4("192.0.2.33"))) ==
          "2001:db8::c000:221");
    CHECK(to_string(embed(make("2001:db8::/64", Layout::Rfc6052), *parse_ip4("192.0.2.33"))) ==
          "2001:db8::c0:2:2100:0");
    /* The bits between the prefix and the last 32 are not looked at. */
    CHECK(to_string(extract(make("2001:db8::/64", Layout::FaithLast32),
                            ip6("2001:db8::ffff:1234:c000:221"))
                        .address) == "192.0.2.33");
}

TEST_CASE("prefix: embedding and extracting undo each other at every length") {
    Random random;
    INFO(random.seed());
    for (int i = 0; i < 2'000; i++) {
        const Ip6 base = random_global(random);
        const Ip4 target = {.value = random.word()};
        for (std::uint8_t length = 8; length <= 96; length++) {
            const FaithPrefix prefix = {.prefix =
                                            Prefix6{.address = base, .length = length}.masked()};
            const Ip6 address = embed(prefix, target);
            REQUIRE(prefix.prefix.contains(address));
            REQUIRE(extract(prefix, address).address == target);
        }
        for (const std::uint8_t length : rfc6052_lengths) {
            FaithPrefix prefix = {.prefix = Prefix6{.address = base, .length = length}.masked(),
                                  .layout = Layout::Rfc6052};
            prefix.prefix.address.bytes[8] = 0;
            const Ip6 address = embed(prefix, target);
            CAPTURE(to_string(prefix.prefix), to_string(address));
            REQUIRE(prefix.prefix.contains(address));
            REQUIRE(address.bytes[8] == 0);
            REQUIRE(extract(prefix, address).address == target);
            REQUIRE(extract(prefix, address).embedding == Embedding::Good);
        }
    }
}

TEST_CASE("prefix: octet 8 must be zero, the suffix may be anything (R21)") {
    const FaithPrefix prefix = make("2001:db8:122::/48", Layout::Rfc6052);
    const Extracted bad = extract(prefix, ip6("2001:db8:122:c000:102:2100::"));
    CHECK(bad.embedding == Embedding::BadOctet8);
    const Extracted suffix = extract(prefix, ip6("2001:db8:122:c000:2:21ff:ffff:ffff"));
    CHECK(suffix.embedding == Embedding::Good);
    CHECK(to_string(suffix.address) == "192.0.2.33");
    const FaithPrefix faith = make("2001:db8:122::/48", Layout::FaithLast32);
    CHECK(extract(faith, ip6("2001:db8:122:0:ff00::c000:221")).embedding == Embedding::Good);
    CHECK(refusal("2001:db8:0:0:100::/96", Layout::Rfc6052) ==
          "2001:db8:0:0:100::/96: bits 64 to 71 of an rfc6052 prefix must be zero (RFC 6052 2.2)");
    CHECK(refusal("2001:db8:0:0:100::/96", Layout::FaithLast32) == "accepted");
}

TEST_CASE("prefix: lengths each layout can have") {
    const Ip6 base = ip6("2001:db8::");
    for (std::uint8_t length = 0; length <= 128; length++) {
        CAPTURE(int{length});
        const Prefix6 prefix = Prefix6{.address = base, .length = length}.masked();
        const bool faith = make_prefix(prefix, Layout::FaithLast32).has_value();
        CHECK(faith == (length >= 8 && length <= 96));
        const bool rfc6052 = make_prefix(prefix, Layout::Rfc6052).has_value();
        CHECK(rfc6052 == (std::find(rfc6052_lengths.begin(), rfc6052_lengths.end(), length) !=
                          rfc6052_lengths.end()));
    }
}

TEST_CASE("prefix: refuses what nobody may capture") {
    CHECK(refusal("2001:db8::1/96", Layout::FaithLast32) ==
          "2001:db8::1/96 has bits set behind its length; meant is probably 2001:db8::/96");
    for (const char *text : {"::/96", "::/64", "::/8", "::ffff:0:0/96", "fe80::/64", "fe80::/10",
                             "fe00::/8", "ff00::/8", "ff02::/96", "febf::/64"}) {
        CAPTURE(text);
        CHECK(refusal(text, Layout::FaithLast32).find("must not be captured") != std::string::npos);
    }
    /* R23 holds for 64:ff9b::/96, so no wider prefix may smuggle it in. */
    CHECK(refusal("64:ff9b::/64", Layout::FaithLast32).find("well-known") != std::string::npos);
    CHECK(refusal("64:ff9b::/32", Layout::Rfc6052).find("well-known") != std::string::npos);
    CHECK(refusal("64:ff9b:1::/48", Layout::Rfc6052) == "accepted"); /* RFC 8215 */
}

TEST_CASE("prefix: the longest match decides (F2)") {
    const std::array<FaithPrefix, 3> prefixes = {
        make("2001:db8::/32", Layout::FaithLast32),
        make("2001:db8:0:1::/64", Layout::Rfc6052),
        make("2001:db8::/56", Layout::FaithLast32),
    };
    CHECK(find(prefixes, ip6("2001:db8:0:1::1")) == &prefixes[1]);
    CHECK(find(prefixes, ip6("2001:db8:0:2::1")) == &prefixes[2]);
    CHECK(find(prefixes, ip6("2001:db8:1::1")) == &prefixes[0]);
    CHECK(find(prefixes, ip6("2001:db9::1")) == nullptr);
    CHECK(find({}, ip6("2001:db8::1")) == nullptr);
}

TEST_CASE("prefix: the well-known prefix") {
    CHECK(to_string(well_known().prefix) == "64:ff9b::/96");
    CHECK(is_well_known(well_known()));
    CHECK(is_well_known(make("64:ff9b::/96", Layout::Rfc6052)));
    CHECK_FALSE(is_well_known(make("64:ff9b:1::/96", Layout::Rfc6052)));
    CHECK(layout_name(Layout::FaithLast32) == "faith");
    CHECK(layout_name(Layout::Rfc6052) == "rfc6052");
}
