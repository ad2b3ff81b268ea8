/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/probe.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace faith;
using namespace faith::datapath;

TEST_CASE("probe: the frame is a SYN from the source to the destination, byte for byte") {
    const std::vector<std::uint8_t> frame =
        syn_frame({.source = *parse_ip6("2001:db8:6::2"),
                   .destination = *parse_ip6("64:ff9b::c000:202"),
                   .source_port = 0x1234,
                   .destination_port = 80});
    REQUIRE(frame.size() == 14 + 40 + 20);
    CHECK(frame[12] == 0x86);
    CHECK(frame[13] == 0xdd);
    CHECK(frame[14] == 0x60);
    CHECK(frame[19] == 20); /* payload length */
    CHECK(frame[20] == 6);  /* TCP */
    CHECK(std::equal(frame.begin() + 22, frame.begin() + 38,
                     parse_ip6("2001:db8:6::2")->bytes.begin()));
    CHECK(std::equal(frame.begin() + 38, frame.begin() + 54,
                     parse_ip6("64:ff9b::c000:202")->bytes.begin()));
    const std::vector<std::uint8_t> tcp(frame.begin() + 54, frame.end());
    CHECK(tcp == std::vector<std::uint8_t>{0x12, 0x34, 0,    80,   0,    0,    0, 0, 0, 0,
                                           0,    0,    0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0});
}
