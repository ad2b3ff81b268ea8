/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/complaints.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace faith;

TEST_CASE("complaints: one line each, with file, line and column") {
    Complaints complaints;
    CHECK(complaints.empty());
    complaints.add(position("a.conf", 17, 9), "prefix length 200 is more than 128");
    complaints.add(position("a.conf", 18, 1), "no");
    CHECK_FALSE(complaints.empty());
    CHECK(complaints.error().kind == Errc::Invalid);
    CHECK(complaints.error().text ==
          "a.conf:17:9: prefix length 200 is more than 128\na.conf:18:1: no");
}

TEST_CASE("complaints: ten are shown and the others counted") {
    Complaints complaints;
    for (std::size_t line = 1; line <= 10; line++)
        complaints.add(position("f", line, 1), "x");
    CHECK(complaints.error().text.ends_with("\nf:10:1: x"));
    for (std::size_t line = 11; line <= 13; line++)
        complaints.add(position("f", line, 1), "x");
    CHECK(complaints.error().text.ends_with("\nf:10:1: x\nand 3 more"));
}

TEST_CASE("complaints: past a thousand a reader may stop, and the text says so") {
    Complaints complaints;
    for (std::size_t line = 1; line < Complaints::enough; line++)
        complaints.add(position("f", line, 1), "x");
    CHECK_FALSE(complaints.full());
    CHECK(complaints.error().text.ends_with("\nand 989 more"));
    complaints.add("--prefix", "x");
    CHECK(complaints.full());
    CHECK(complaints.error().text.ends_with("\nand many more"));
}
