/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mem.h"

#include <catch2/catch.hpp>

using namespace faith::test;

TEST_CASE("cursor: peek stays, skip goes, and neither passes the end") {
    Reading reading({1, 2, 3, 4, 5, 6});
    reading.cursor.end = 4;
    std::uint8_t two[2] = {};
    CHECK(cursor_peek(&reading.cursor, two, 2));
    CHECK(two[1] == 2);
    CHECK(reading.cursor.at == 0);
    CHECK(cursor_skip(&reading.cursor, 3));
    CHECK(reading.cursor.at == 3);
    CHECK_FALSE(cursor_peek(&reading.cursor, two, 2));
    CHECK_FALSE(cursor_skip(&reading.cursor, 2));
    CHECK(reading.cursor.at == 3);
    CHECK(cursor_skip(&reading.cursor, 1));
    CHECK(cursor_skip(&reading.cursor, 0));
    CHECK_FALSE(cursor_skip(&reading.cursor, 1));
}

TEST_CASE("cursor: without an end, the packet is the end") {
    Reading reading({1, 2, 3});
    std::uint8_t three[3] = {};
    std::uint8_t four[4] = {};
    CHECK_FALSE(cursor_peek(&reading.cursor, four, 4));
    CHECK(cursor_peek(&reading.cursor, three, 3));
    CHECK_FALSE(cursor_read_front(&reading.cursor, four, 4));
    CHECK(reading.cursor.at == 0);
    CHECK(cursor_read_front(&reading.cursor, three, 3));
    CHECK(reading.cursor.at == 3);
    CHECK(three[2] == 3);
}

TEST_CASE("cursor: no length wraps around") {
    Reading reading({1, 2, 3});
    reading.cursor.at = 0xfffffff0;
    CHECK_FALSE(cursor_holds(&reading.cursor, 0x20));
    CHECK_FALSE(cursor_skip(&reading.cursor, 0xffffffff));
    std::uint8_t byte = 0;
    CHECK_FALSE(cursor_peek(&reading.cursor, &byte, 1));
    reading.cursor.at = 3;
    reading.cursor.end = 2; /* a cursor behind its end reads nothing, not four billion bytes */
    CHECK_FALSE(cursor_holds(&reading.cursor, 0));
    CHECK_FALSE(cursor_peek(&reading.cursor, &byte, 1));
}
