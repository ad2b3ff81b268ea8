/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "slowpath/ip4.h"

#include <catch2/catch.hpp>

#include <array>
#include <vector>

using namespace faith;
using namespace faith::slowpath;

namespace {

/* RFC 1071's kind of example: a header whose checksum is known, 0xb861. */
constexpr std::array<std::uint8_t, 20> known = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40,
                                                0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8,
                                                0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

} // namespace

TEST_CASE("ip4: a checksum is right when the sum over it is zero, odd lengths included") {
    CHECK(checksum(known) == 0);
    std::array<std::uint8_t, 20> without = known;
    without[10] = without[11] = 0;
    CHECK(checksum(without) == 0xb861);
    CHECK(checksum(std::array<std::uint8_t, 3>{0x12, 0x34, 0x56}) == 0x97cb);
    CHECK(checksum({}) == 0xffff);
}

TEST_CASE("ip4: every field of a header is read, and what is no header is none") {
    std::vector<std::uint8_t> packet(known.begin(), known.end());
    packet[1] = 0xb9;
    packet[4] = 0x12, packet[5] = 0x34;
    packet[6] = 0x20, packet[7] = 0xb9; /* more fragments, 185 units */
    const auto header = read_header4(packet);
    REQUIRE(header);
    CHECK(header->length == 20);
    CHECK(header->total == 0x73);
    CHECK(header->service == 0xb9);
    CHECK(header->identification == 0x1234);
    CHECK(header->offset == 1480);
    CHECK(header->more);
    CHECK(header->protocol == 17);
    CHECK(to_string(header->source) == "192.168.0.1");
    CHECK(to_string(header->destination) == "192.168.0.199");
    packet[6] = 0x40, packet[7] = 0;
    CHECK_FALSE(read_header4(packet)->more);

    for (std::size_t length = 0; length < 20; ++length)
        CHECK_FALSE(read_header4(std::span(packet).first(length)));
    const auto refused = [&](std::size_t at, std::uint8_t value) {
        std::vector<std::uint8_t> other = packet;
        other[at] = value;
        CHECK_FALSE(read_header4(other));
    };
    refused(0, 0x65); /* version 6 */
    refused(0, 0x44); /* shorter than a header */
    refused(0, 0x46); /* options that are not there */
    refused(3, 19);   /* ends within its header */
}

TEST_CASE("ip4: a whole packet has its own length, no fragment fields and the right checksum") {
    std::vector<std::uint8_t> packet(known.begin(), known.end());
    packet[6] = 0x60, packet[7] = 0x01;
    packet.resize(20 + 3000);
    write_whole4(packet, 0x03);
    const auto header = read_header4(packet);
    REQUIRE(header);
    CHECK(header->total == 3020);
    CHECK(header->offset == 0);
    CHECK_FALSE(header->more);
    CHECK(header->service == 3);
    CHECK(checksum(std::span(packet).first(20)) == 0);
}

TEST_CASE("ip4: two bytes in network order, both ways") {
    std::array<std::uint8_t, 3> bytes{};
    write_be16(bytes, 1, 0xabcd);
    CHECK(bytes == std::array<std::uint8_t, 3>{0, 0xab, 0xcd});
    CHECK(read_be16(bytes, 1) == 0xabcd);
}
