/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tests' own tools: packets are what they say, and a difference is always seen. */
#include "tests/support/packet.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::test;
using Catch::Matchers::Contains;

namespace {

std::uint16_t word(const Bytes &bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes.at(at) << 8 | bytes.at(at + 1));
}

} // namespace

TEST_CASE("packet: a tagged SYN is byte for byte the one worked out by hand") {
    CHECK(hex(Packet().eth().vlan({.id = 100}).ip6().tcp().bytes()) ==
          "000000000000"
          "020000000001"
          "8100"
          "0064"
          "86dd"
          "60000000"
          "0014"
          "06"
          "40"
          "20010db8000100000000000000000002"
          "20010db8000f000000000000c0000201"
          "9c40"
          "0050"
          "00000001"
          "00000000"
          "5002"
          "faf0"
          "fada"
          "0000");
}

TEST_CASE("packet: checksums of UDP and ICMPv6 cover the payload and the pseudo header") {
    CHECK(word(Packet().ip6().udp().payload(3).bytes(), 40 + 6) == 0x43dc);
    CHECK(word(Packet().ip6().icmp6({.type = 2, .body = 1280}).bytes(), 40 + 2) == 0xdb37);
}

TEST_CASE("packet: lengths and next headers come from the layers behind, padding counts nowhere") {
    const Bytes packet = Packet()
                             .ip6()
                             .hop_by_hop({.bytes = 16})
                             .authentication({.bytes = 24})
                             .fragment({.offset = 0, .more = true})
                             .udp()
                             .payload(8)
                             .padding(6)
                             .bytes();
    CHECK(packet.size() == 40 + 16 + 24 + 8 + 16 + 6);
    CHECK(word(packet, 4) == 16 + 24 + 8 + 16);
    CHECK(packet[6] == 0);
    CHECK(packet[40] == 51);
    CHECK(packet[41] == 1);
    CHECK(packet[56] == 44);
    CHECK(packet[57] == 4);
    CHECK(packet[80] == 17);
    CHECK(word(packet, 82) == 1);
    CHECK(word(packet, 92) == 16);
}

TEST_CASE("packet: what a field is told stays, however wrong") {
    const Bytes packet = Packet()
                             .ip6({.version = 4, .payload_length = 9999, .next_header = 99})
                             .tcp({.checksum = 0xbeef})
                             .bytes();
    CHECK(packet[0] == 0x40);
    CHECK(word(packet, 4) == 9999);
    CHECK(packet[6] == 99);
    CHECK(word(packet, 56) == 0xbeef);
}

TEST_CASE("packet: the difference of equal packets is empty") {
    const Bytes packet = Packet().eth().ip6().hop_by_hop().tcp().payload(5).bytes();
    CHECK(difference(packet, packet).empty());
    CHECK(difference({}, {}).empty());
}

TEST_CASE("packet: any changed byte is a difference, and the field has its name") {
    const Bytes packet =
        Packet().eth().vlan({.id = 5}).ip6().destination_options().tcp().payload(5).bytes();
    for (std::size_t at = 0; at < packet.size(); ++at) {
        Bytes changed = packet;
        changed[at] ^= 1;
        INFO("byte " << at);
        CHECK_FALSE(difference(packet, changed).empty());
        CHECK_FALSE(difference(changed, packet).empty());
    }
    Bytes one_hop_less = packet;
    --one_hop_less[14 + 4 + 7];
    CHECK(difference(packet, one_hop_less) ==
          "ip6.hop_limit: expected 64 (0x40), got 63 (0x3f) (byte 25)\n");
}

TEST_CASE("packet: a missing and a surplus byte are differences") {
    const Bytes packet = Packet().eth().ip6().tcp().payload(5).bytes();
    for (std::size_t length = 0; length < packet.size(); ++length)
        CHECK_THAT(difference(packet, cut(packet, length)), Contains("length: expected"));
    Bytes longer = packet;
    longer.push_back(0);
    CHECK_THAT(difference(packet, longer), Contains("length: expected"));
}
