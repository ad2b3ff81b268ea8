/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/text.h"

#include <catch2/catch.hpp>

#include <array>

using namespace faith;

TEST_CASE("text: decimal numbers are digits without sign, blank or leading zero") {
    CHECK(parse_decimal("0", 0) == 0U);
    CHECK(parse_decimal("255", 255) == 255U);
    CHECK(parse_decimal("18446744073709551615", UINT64_MAX) == UINT64_MAX);
    for (const char *bad : {"", "00", "010", "256", "+1", "-1", " 1", "1 ", "0x1", "1.0", "1e1",
                            "18446744073709551616"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_decimal(bad, 255));
    }
}

TEST_CASE("text: keywords in any case, ASCII only") {
    CHECK(equal_ignoring_case("PerMIT", "permit"));
    CHECK_FALSE(equal_ignoring_case("permit", "permits"));
    CHECK_FALSE(equal_ignoring_case("[", "{")); /* they differ by the case bit */
}

TEST_CASE("text: quoting is safe for a terminal") {
    CHECK(quoted("denny") == "\"denny\"");
    CHECK(quoted("") == "\"\"");
    CHECK(quoted("a\x1b[31m\n") == "\"a\\x1b[31m\\x0a\"");
    CHECK(quoted("\x7f") == "\"\\x7f\"");
    CHECK(quoted("\xc3\xa9") == "\"\\xc3\\xa9\"");
    CHECK(quoted(std::string_view("\0", 1)) == "\"\\x00\"");
    CHECK(quoted("say \"\\\"") == "\"say \\\"\\\\\\\"\"");
    CHECK(quoted(std::string(48, 'x')) == "\"" + std::string(48, 'x') + "\"");
    CHECK(quoted(std::string(1'000'000, 'x')) == "\"" + std::string(48, 'x') + "...\"");
}

TEST_CASE("text: a mistyped word finds its neighbour and no stranger") {
    constexpr std::array<std::string_view, 4> words = {"prefixes", "ports", "never", "acl"};
    CHECK(closest("prefix", words) == "prefixes");
    CHECK(closest("nevr", words) == "never");
    CHECK(closest("port", words) == "ports");
    CHECK(closest("alc", words) == "acl");
    CHECK_FALSE(closest("timeout", words));
    CHECK_FALSE(closest("x", words));
    CHECK_FALSE(closest("", words));
    CHECK_FALSE(closest(std::string(100'000, 'a'), words));
}

TEST_CASE("text: control bytes and where the first one is") {
    CHECK_FALSE(find_control_byte("plain\ttext\r\nwith lines\n and \xc3\xa9"));
    const std::optional<BadByte> zero = find_control_byte(std::string_view("ab\ncd\0e", 7));
    REQUIRE(zero);
    CHECK(zero->line == 2);
    CHECK(zero->column == 3);
    CHECK(zero->byte == 0);
    CHECK(find_control_byte("\x7f"));
    CHECK(find_control_byte("\x1b"));
    CHECK(find_control_byte("a\rb")); /* a carriage return belongs before a newline */
    CHECK(find_control_byte("a\r"));
}
