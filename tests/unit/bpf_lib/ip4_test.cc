/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mem.h"

#include "lib/ip4.h"

#include <catch2/catch.hpp>

using namespace faith::test;

namespace {

struct Read {
    bool header;  /* ip4_peek() */
    bool bounded; /* ip4_bound() */
    bool checksum;
    std::uint32_t length;
    std::uint32_t end;
    bool fragment;
};

Read read(const Bytes &bytes) {
    Reading reading(bytes);
    ip4_header header{};
    Read read{};
    read.header = ip4_peek(&reading.cursor, &header);
    read.bounded = read.header && ip4_bound(&reading.cursor, &header);
    read.checksum = read.bounded && ip4_checksum_is_right(&reading.cursor, &header);
    read.length = ip4_header_length(&header);
    read.end = reading.cursor.end;
    read.fragment = ip4_is_fragment(&header);
    CHECK(reading.cursor.at == 0);
    return read;
}

Read read_header(const Packet::Ip4Header &fields) {
    return read(Packet().ip4(fields).payload(8).bytes());
}

} // namespace

TEST_CASE("ip4: the header is 20 bytes of version 4, or nothing") {
    for (unsigned version = 0; version < 16; ++version) {
        INFO("version " << version);
        CHECK(read_header({.version = static_cast<std::uint8_t>(version)}).header ==
              (version == 4));
    }
    const Bytes packet = Packet().ip4(Packet::Ip4Header{}).payload(8).bytes();
    for (std::size_t length = 0; length <= packet.size(); ++length) {
        INFO("cut at " << length);
        CHECK(read(cut(packet, length)).header == (length >= 20));
        CHECK(read(cut(packet, length)).bounded == (length >= 28));
    }
}

TEST_CASE("ip4: lengths that contradict each other are refused") {
    for (unsigned words = 0; words < 16; ++words) {
        const Read found = read_header({.words = static_cast<std::uint8_t>(words)});
        INFO(words << " words in 28 bytes");
        CHECK(found.length == words * 4);
        CHECK(found.bounded == (words >= 5 && words <= 7));
    }
    for (std::uint16_t total = 0; total < 32; ++total) {
        INFO("total length " << total);
        CHECK(read_header({.total_length = total}).bounded == (total >= 20 && total <= 28));
    }
}

TEST_CASE("ip4: the packet ends where its header says, not where the frame does") {
    CHECK(read(Packet().ip4(Packet::Ip4Header{}).payload(9).padding(40).bytes()).end == 29);
}

TEST_CASE(
    "ip4: fragments are told by offset and flag, don't-fragment and the reserved bit are not") {
    CHECK_FALSE(read_header({.offset_flags = 0x0000}).fragment);
    CHECK_FALSE(read_header({.offset_flags = 0x4000}).fragment);
    CHECK_FALSE(read_header({.offset_flags = 0xc000}).fragment);
    CHECK(read_header({.offset_flags = 0x2000}).fragment);
    CHECK(read_header({.offset_flags = 0x0001}).fragment);
    CHECK(read_header({.offset_flags = 0x1fff}).fragment);
}

TEST_CASE("ip4: the checksum covers every bit of the header, options included") {
    for (std::size_t options = 0; options <= 40; options += 4) {
        const Bytes packet = Packet().ip4({.options = options}).payload(8).bytes();
        INFO(options << " bytes of options");
        CHECK(read(packet).checksum);
        for (std::size_t bit = 0; bit < (20 + options) * 8; ++bit) {
            Bytes changed = packet;
            changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            const Read found = read(changed);
            INFO("bit " << bit);
            CHECK_FALSE(found.checksum);
        }
    }
}

TEST_CASE("ip4: a checksum that we set is right") {
    for (unsigned ttl = 0; ttl < 256; ++ttl) {
        const Bytes packet = Packet().ip4({.ttl = static_cast<std::uint8_t>(ttl)}).bytes();
        ip4_header header{};
        std::copy_n(packet.begin(), sizeof header, reinterpret_cast<std::uint8_t *>(&header));
        const std::uint16_t right = header.checksum;
        header.checksum = 0x1234;
        ip4_set_checksum(&header);
        CHECK(header.checksum == right);
    }
}
