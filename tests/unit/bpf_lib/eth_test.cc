/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mem.h"

#include <catch2/catch.hpp>

using namespace faith::test;

namespace {

struct Parsed {
    int type;
    std::uint32_t at;
};

Parsed parse(const Packet &packet) {
    Reading reading(packet.bytes());
    const int type = eth_parse(&reading.cursor);
    return {.type = type, .at = reading.cursor.at};
}

} // namespace

TEST_CASE("eth: IPv6 is found behind no, one and two tags") {
    const Parsed none = parse(Packet().eth().ip6());
    CHECK(none.type == FGW_L3_IP6);
    CHECK(none.at == 14);
    const Parsed one = parse(Packet().eth().vlan({.id = 7}).ip6());
    CHECK(one.type == FGW_L3_IP6);
    CHECK(one.at == 18);
    const Parsed two = parse(Packet().eth().vlan({.id = 7, .tag_type = 0x88a8}).vlan({}).ip6());
    CHECK(two.type == FGW_L3_IP6);
    CHECK(two.at == 22);
}

TEST_CASE("eth: behind a third tag nobody looks") {
    CHECK(parse(Packet().eth().vlan({}).vlan({}).vlan({}).ip6()).type == FGW_L3_VLAN);
}

TEST_CASE("eth: other types are themselves, a length among them") {
    CHECK(parse(Packet().eth().ip4()).type == 0x0800);
    CHECK(parse(Packet().eth({.type = std::uint16_t{46}}).payload(46)).type == 46);
    CHECK(parse(Packet().eth().vlan({.type = std::uint16_t{0x0806}})).type == 0x0806);
}

TEST_CASE("eth: a frame cut anywhere before its last type has none") {
    const Bytes frame = Packet().eth().vlan({}).vlan({}).ip6().bytes();
    for (std::size_t length = 0; length <= frame.size(); ++length) {
        INFO("cut at " << length);
        Reading reading(cut(frame, length));
        CHECK(eth_parse(&reading.cursor) == (length < 22 ? FGW_L3_NONE : FGW_L3_IP6));
    }
}
