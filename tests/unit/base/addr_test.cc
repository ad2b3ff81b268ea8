/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The C library's inet_pton and inet_ntop are the second opinion on random values. */
#include "base/addr.h"
#include "tests/support/random.h"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <cstring>

using namespace faith;
using faith::test::Random;

namespace {

Ip4 ip4(std::string_view text) {
    Result<Ip4> address = parse_ip4(text);
    REQUIRE(address);
    return *address;
}

Ip6 ip6(std::string_view text) {
    Result<Ip6> address = parse_ip6(text);
    REQUIRE(address);
    return *address;
}

Prefix4 net4(std::string_view text) {
    Result<Prefix4> prefix = parse_prefix4(text);
    REQUIRE(prefix);
    return *prefix;
}

Prefix6 net6(std::string_view text) {
    Result<Prefix6> prefix = parse_prefix6(text);
    REQUIRE(prefix);
    return *prefix;
}

/* Zero groups are what RFC 5952 is about, so make many of them. */
Ip6 random_ip6(Random &random) {
    Ip6 address;
    for (std::size_t group = 0; group < 8; group++)
        if (!random.one_in(2)) {
            address.bytes[2 * group] = random.one_in(3) ? 0 : random.byte();
            address.bytes[2 * group + 1] = random.byte();
        }
    if (random.one_in(20)) {
        address = {};
        address.bytes[10] = address.bytes[11] = 0xff;
        for (std::size_t i = 12; i < 16; i++)
            address.bytes[i] = random.byte();
    }
    return address;
}

/* Text that is an address, nearly one, or not at all. */
std::string random_address_text(Random &random) {
    static constexpr std::string_view letters = "0123456789abcdefABCDEF:::::....%/gx -+";
    std::string text =
        random.one_in(2) ? to_string(random_ip6(random)) : to_string(Ip4{.value = random.word()});
    for (std::uint64_t edits = random.between(0, 3); edits > 0; edits--) {
        const std::size_t at = random.between(0, text.size());
        const char letter = letters[random.between(0, letters.size() - 1)];
        if (random.one_in(2) && at < text.size())
            text.erase(at, 1);
        else if (random.one_in(2) && at < text.size())
            text[at] = letter;
        else
            text.insert(at, 1, letter);
    }
    return text;
}

std::string error_of_prefix6(std::string_view text) {
    Result<Prefix6> prefix = parse_prefix6(text);
    return prefix ? "no error" : prefix.error().text;
}

} // namespace

TEST_CASE("addr: IPv4 is four decimal numbers and nothing else") {
    CHECK(ip4("192.0.2.33").value == 0xc0000221);
    CHECK(ip4("255.255.255.255").value == 0xffffffff);
    CHECK(parse_ip4("0.0.0.0"));
    for (const char *bad :
         {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.0.0.1", "01.2.3.4",
          "1.2.3.04", "0x1.2.3.4", "+1.2.3.4", "-1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/8",
          "1.2.3.a", "::1", "99999999999.1.1.1"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_ip4(bad));
    }
}

TEST_CASE("addr: IPv6 text forms of RFC 4291 2.2") {
    CHECK(ip6("::") == Ip6{});
    CHECK(ip6("2001:db8::1") == ip6("2001:0DB8:0:0:0:0:0:1"));
    CHECK(ip6("64:ff9b::192.0.2.33") == ip6("64:ff9b::c000:221"));
    CHECK(ip6("1:2:3:4:5:6:7::") == ip6("1:2:3:4:5:6:7:0"));
    CHECK(ip6("::2:3:4:5:6:7:8") == ip6("0:2:3:4:5:6:7:8"));
    CHECK(ip6("1:2:3:4:5:6:1.2.3.4") == ip6("1:2:3:4:5:6:102:304"));
    for (const char *bad : {"",
                            ":",
                            ":::",
                            "1",
                            "1:2:3:4:5:6:7",
                            "1:2:3:4:5:6:7:8:9",
                            "1:2:3:4:5:6:7:8::",
                            "1:2:3:4::5:6:7:8",
                            "1::2::3",
                            ":1::2",
                            "1::2:",
                            "12345::",
                            "g::",
                            "::1.2.3",
                            "1.2.3.4",
                            "1.2.3.4::",
                            "::1.2.3.4:5",
                            "1:2:3:4:5:6:7:1.2.3.4",
                            "::01.2.3.4",
                            "::1%eth0",
                            "[::1]",
                            " ::1",
                            "::1 ",
                            "::-1",
                            "::0x1",
                            "::1/64"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_ip6(bad));
    }
}

TEST_CASE("addr: what parses is what inet_pton takes") {
    Random random;
    INFO(random.seed());
    for (int i = 0; i < 20'000; i++) {
        const std::string text = random_address_text(random);
        CAPTURE(text);
        in6_addr theirs6{};
        in_addr theirs4{};
        Result<Ip6> ours6 = parse_ip6(text);
        Result<Ip4> ours4 = parse_ip4(text);
        const bool is6 = inet_pton(AF_INET6, text.c_str(), &theirs6) == 1;
        const bool is4 = inet_pton(AF_INET, text.c_str(), &theirs4) == 1;
        REQUIRE(ours6.has_value() == is6);
        REQUIRE(ours4.has_value() == is4);
        if (is6)
            REQUIRE(std::memcmp(&theirs6, ours6->bytes.data(), 16) == 0);
        if (is4)
            REQUIRE(ntohl(theirs4.s_addr) == ours4->value);
    }
}

TEST_CASE("addr: what prints is what inet_ntop prints") {
    Random random;
    INFO(random.seed());
    const Prefix6 v4_compatible = net6("::/96");
    for (int i = 0; i < 20'000; i++) {
        const Ip6 address = random_ip6(random);
        const std::string ours = to_string(address);
        CAPTURE(ours);
        REQUIRE(ip6(ours) == address);
        char theirs[INET6_ADDRSTRLEN] = {};
        /* The C library still prints the retired IPv4-compatible form for ::/96. */
        if (!v4_compatible.contains(address))
            REQUIRE(ours == inet_ntop(AF_INET6, address.bytes.data(), theirs, sizeof theirs));

        const Ip4 short_address = {.value = random.word()};
        const in_addr raw = {.s_addr = htonl(short_address.value)};
        REQUIRE(to_string(short_address) == inet_ntop(AF_INET, &raw, theirs, sizeof theirs));
    }
}

TEST_CASE("addr: RFC 5952 printing") {
    CHECK(to_string(ip6("2001:0DB8:0:0:1:0:0:1")) == "2001:db8::1:0:0:1");   /* first of equals */
    CHECK(to_string(ip6("2001:0:0:1:0:0:0:1")) == "2001:0:0:1::1");          /* longest */
    CHECK(to_string(ip6("2001:db8:0:1:1:1:1:1")) == "2001:db8:0:1:1:1:1:1"); /* one is no run */
    CHECK(to_string(ip6("::")) == "::");
    CHECK(to_string(ip6("::1")) == "::1");
    CHECK(to_string(ip6("1::")) == "1::");
    CHECK(to_string(ip6("::102:304")) == "::102:304");
    CHECK(to_string(ip6("::ffff:c000:221")) == "::ffff:192.0.2.33");
    CHECK(to_string(net6("2001:DB8::/32")) == "2001:db8::/32");
    CHECK(to_string(net4("192.0.2.0/24")) == "192.0.2.0/24");
}

TEST_CASE("addr: a missing length means a host, host bits stay as written (D25, D27)") {
    CHECK(net6("2001:db8::1").length == 128);
    CHECK(net4("192.0.2.1").length == 32);
    CHECK(to_string(net4("10.1.2.3/8")) == "10.1.2.3/8");
    CHECK(to_string(net4("10.1.2.3/8").masked()) == "10.0.0.0/8");
    CHECK(to_string(net6("2001:db8:ffff::1/33").masked()) == "2001:db8:8000::/33");
    CHECK(net4("0.0.0.0/0").length == 0);
    for (const char *bad :
         {"::/", "::/129", "::/-1", "::/ 8", "::/08", "::/8x", "::/8/8", "/8", "1.2.3.4/8"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_prefix6(bad));
    }
    CHECK_FALSE(parse_prefix4("1.2.3.4/33"));
    CHECK_FALSE(parse_prefix4("1.2.3.4/99999999999999999999999"));
}

TEST_CASE("addr: errors name the offending text") {
    CHECK(error_of_prefix6("2001:db8::/200") == "prefix length 200 is more than 128");
    CHECK(error_of_prefix6("2001:db8::/x") == "\"x\" is not a prefix length: 0 to 128");
    CHECK(error_of_prefix6("2001:dg8::/32") == "\"2001:dg8::\" is not an IPv6 address");
    CHECK(error_of_prefix6("fe80::1%eth0/64") ==
          "\"fe80::1%eth0\" has a zone id, which means nothing here");
    CHECK(parse_port("http").error().text == "\"http\" is not a port number: 1 to 65535");
}

TEST_CASE("addr: contains() compares bit by bit") {
    Random random;
    INFO(random.seed());
    for (int i = 0; i < 20'000; i++) {
        const Prefix6 prefix = {.address = random_ip6(random),
                                .length = static_cast<std::uint8_t>(random.between(0, 128))};
        Ip6 other = prefix.address;
        const std::size_t flipped = random.between(0, 127);
        other.bytes[flipped / 8] ^= static_cast<std::uint8_t>(0x80 >> flipped % 8);
        CAPTURE(to_string(prefix), flipped);
        REQUIRE(prefix.contains(other) == (flipped >= prefix.length));
        REQUIRE(prefix.masked().contains(prefix.address));
        REQUIRE((prefix.masked().address.bytes == prefix.masked().masked().address.bytes));

        const Prefix4 short_prefix = {.address = {.value = random.word()},
                                      .length = static_cast<std::uint8_t>(random.between(0, 32))};
        const std::uint32_t bit = static_cast<std::uint32_t>(random.between(0, 31));
        const Ip4 neighbour = {.value = short_prefix.address.value ^ 0x80000000U >> bit};
        CAPTURE(to_string(short_prefix), bit);
        REQUIRE(short_prefix.contains(neighbour) == (bit >= short_prefix.length));
    }
    CHECK(net6("::/0").contains(net6("2001:db8::/32")));
    CHECK_FALSE(net6("2001:db8::/33").contains(net6("2001:db8::/32")));
    CHECK(net4("10.0.0.0/8").contains(net4("10.9.0.0/16")));
    CHECK_FALSE(net4("10.0.0.0/16").contains(net4("10.0.0.0/8")));
}

TEST_CASE("addr: masked() clears the bits behind the length and no other") {
    const Ip6 ones = ip6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    for (std::uint8_t length = 0; length <= 128; length++) {
        const Prefix6 masked = Prefix6{.address = ones, .length = length}.masked();
        for (std::size_t bit = 0; bit < 128; bit++)
            REQUIRE(((masked.address.bytes[bit / 8] & 0x80 >> bit % 8) != 0) == (bit < length));
    }
    CHECK(net4("255.255.255.255/0").masked().address.value == 0);
    CHECK(net4("255.255.255.255/12").masked().address.value == 0xfff00000);
    CHECK(net4("255.255.255.255/32").masked().address.value == 0xffffffff);
}

TEST_CASE("addr: kinds of IPv6 addresses") {
    CHECK(ip6("::ffff:1.2.3.4").is_v4_mapped());
    CHECK_FALSE(ip6("::1.2.3.4").is_v4_mapped());
    CHECK_FALSE(ip6("1::ffff:1.2.3.4").is_v4_mapped());
    CHECK(ip6("fe80::1").is_link_local());
    CHECK(ip6("febf::1").is_link_local());
    CHECK_FALSE(ip6("fec0::1").is_link_local());
    CHECK(ip6("ff02::1").is_multicast());
    CHECK_FALSE(ip6("fe02::1").is_multicast());
    CHECK(ip6("::").is_unspecified());
    CHECK_FALSE(ip6("::1").is_unspecified());
    CHECK(ip6("::1").is_loopback());
    CHECK_FALSE(ip6("::2").is_loopback());
}

TEST_CASE("addr: octets in network order") {
    const Ip4 address = ip4("192.0.2.33");
    CHECK((address.bytes() == std::array<std::uint8_t, 4>{192, 0, 2, 33}));
    CHECK(Ip4::from_bytes(address.bytes().data()) == address);
}

TEST_CASE("addr: ports are 1 to 65535 in decimal") {
    CHECK(*parse_port("1") == 1);
    CHECK(*parse_port("65535") == 65535);
    for (const char *bad :
         {"", "0", "65536", "022", "+1", "-1", "1 ", "0x10", "99999999999999999999"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_port(bad));
    }
}
