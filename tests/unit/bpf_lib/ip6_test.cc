/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mem.h"

#include <catch2/catch.hpp>

using namespace faith::test;

namespace {

struct Walked {
    int result;
    int protocol;
    int fragment;
    std::uint32_t at;
};

/* Parse, bound, walk: each must work but the walk. */
Walked walk(const Packet &packet) {
    Reading reading(packet.bytes());
    ip6_header header{};
    ip6_chain chain{};
    REQUIRE(ip6_parse(&reading.cursor, &header));
    REQUIRE(ip6_bound(&reading.cursor, &header));
    const int result = ip6_walk(&reading.cursor, &header, &chain);
    return {.result = result,
            .protocol = chain.protocol,
            .fragment = chain.fragment,
            .at = reading.cursor.at};
}

} // namespace

TEST_CASE("ip6: the fixed header is 40 bytes of version 6, or nothing") {
    for (unsigned version = 0; version < 16; ++version) {
        Reading reading(Packet().ip6({.version = static_cast<std::uint8_t>(version)}).bytes());
        ip6_header header{};
        INFO("version " << version);
        CHECK(ip6_parse(&reading.cursor, &header) == (version == 6));
    }
    const Bytes packet = Packet().ip6().tcp().bytes();
    for (std::size_t length = 0; length <= packet.size(); ++length) {
        Reading reading(cut(packet, length));
        ip6_header header{};
        INFO("cut at " << length);
        CHECK(ip6_parse(&reading.cursor, &header) == (length >= 40));
    }
}

TEST_CASE("ip6: the packet ends where its header says, not where the frame does") {
    Reading reading(Packet().ip6().tcp().padding(9).bytes());
    ip6_header header{};
    REQUIRE(ip6_parse(&reading.cursor, &header));
    REQUIRE(ip6_bound(&reading.cursor, &header));
    CHECK(reading.cursor.end == 60);
}

TEST_CASE("ip6: an end outside of the packet is refused") {
    Reading reading(Packet().ip6({.payload_length = std::uint16_t{21}}).tcp().bytes());
    ip6_header header{};
    REQUIRE(ip6_parse(&reading.cursor, &header));
    CHECK_FALSE(ip6_bound(&reading.cursor, &header));
}

TEST_CASE("ip6: a payload length of zero stands for more than 65,535 bytes (RFC 2675)") {
    const std::vector<std::size_t> lengths = {0, 20, 65535, 65536, 70000};
    for (const std::size_t bytes : lengths) {
        Reading reading(Packet().ip6({.payload_length = std::uint16_t{0}}).payload(bytes).bytes());
        ip6_header header{};
        REQUIRE(ip6_parse(&reading.cursor, &header));
        INFO(bytes << " bytes");
        CHECK(ip6_bound(&reading.cursor, &header) == (bytes > 65535));
    }
}

TEST_CASE("ip6: the walk goes over each extension header by its own unit of length") {
    struct Row {
        Packet packet;
        std::uint32_t at;
    };
    const Row rows[] = {
        {Packet().ip6().tcp(), 40},
        {Packet().ip6().hop_by_hop().tcp(), 48},
        {Packet().ip6().hop_by_hop({.bytes = 2048}).tcp(), 40 + 2048},
        {Packet().ip6().routing({.bytes = 24}).tcp(), 64},
        {Packet().ip6().destination_options({.bytes = 16}).tcp(), 56},
        {Packet().ip6().authentication({.bytes = 12}).tcp(), 52},
        {Packet().ip6().authentication({.bytes = 28}).tcp(), 68},
        {Packet().ip6().authentication({.bytes = 1028}).tcp(), 40 + 1028},
        {Packet().ip6().fragment().tcp(), 48},
        {Packet().ip6().hop_by_hop().routing().fragment().authentication().tcp(), 76},
    };
    for (const Row &row : rows) {
        const Walked walked = walk(row.packet);
        INFO("upper layer at " << row.at);
        CHECK(walked.result == IP6_WALK_ARRIVED);
        CHECK(walked.protocol == FGW_L4_TCP);
        CHECK(walked.at == row.at);
    }
}

TEST_CASE("ip6: the walk ends at what is no extension header, ESP and 'none' included") {
    for (int number = 0; number < 256; ++number) {
        if (number == 0 || number == 43 || number == 44 || number == 51 || number == 60)
            continue;
        const Walked walked =
            walk(Packet().ip6().destination_options().upper(static_cast<std::uint8_t>(number)));
        INFO("next header " << number);
        CHECK(walked.result == IP6_WALK_ARRIVED);
        CHECK(walked.protocol == number);
        CHECK(walked.at == 48);
    }
}

TEST_CASE("ip6: as many extension headers as the contract says, and not one more") {
    Packet packet;
    packet.ip6();
    for (int headers = 0; headers < FGW_MAX_EXT_HEADERS; ++headers)
        packet.destination_options();
    Packet one_more = packet;
    CHECK(walk(packet.tcp()).result == IP6_WALK_ARRIVED);
    CHECK(walk(one_more.destination_options().tcp()).result == IP6_WALK_TOO_LONG);
}

TEST_CASE("ip6: fragments are told apart by offset and flag, the reserved bits are nothing") {
    CHECK(walk(Packet().ip6().fragment({}).tcp()).fragment == IP6_WHOLE);
    CHECK(walk(Packet().ip6().fragment({.reserved_bits = 3}).tcp()).fragment == IP6_WHOLE);
    CHECK(walk(Packet().ip6().fragment({.more = true}).tcp()).fragment == IP6_FIRST_FRAGMENT);
    CHECK(walk(Packet().ip6().fragment({.offset = 1}).tcp()).fragment == IP6_LATER_FRAGMENT);
    CHECK(walk(Packet().ip6().fragment({.offset = 0x1fff, .more = true}).tcp()).fragment ==
          IP6_LATER_FRAGMENT);
}

TEST_CASE("ip6: a first fragment stays one behind an atomic fragment header") {
    const Walked walked = walk(Packet().ip6().fragment({.more = true}).fragment({}).tcp());
    CHECK(walked.result == IP6_WALK_ARRIVED);
    CHECK(walked.fragment == IP6_FIRST_FRAGMENT);
}

TEST_CASE("ip6: behind the header of a later fragment nothing is read") {
    const Walked walked =
        walk(Packet().ip6().fragment({.offset = 5, .next_header = std::uint8_t{60}}).payload(1));
    CHECK(walked.result == IP6_WALK_ARRIVED);
    CHECK(walked.protocol == FGW_L4_DESTINATION);
    CHECK(walked.at == 48);
}

TEST_CASE("ip6: an extension header that ends outside of the packet is short") {
    CHECK(walk(Packet().ip6().hop_by_hop({.length = std::uint8_t{1}})).result == IP6_WALK_SHORT);
    CHECK(walk(Packet().ip6().authentication({.bytes = 12, .length = std::uint8_t{2}})).result ==
          IP6_WALK_SHORT);
    CHECK(walk(Packet().ip6({.next_header = std::uint8_t{44}}).payload(7)).result ==
          IP6_WALK_SHORT);
    /* All there in the frame, but as padding: not the packet's. */
    CHECK(walk(Packet().ip6({.next_header = std::uint8_t{60}}).payload(4).padding(30)).result ==
          IP6_WALK_SHORT);
}
