/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mem.h"

#include "lib/icmp4.h"

#include <catch2/catch.hpp>

using namespace faith::test;

namespace {

Bytes message(std::uint8_t type) {
    Bytes bytes = {type, 4, 0, 0, 0, 0, 0x05, 0x78};
    const Bytes quoted = Packet().ip4(Packet::Ip4Header{.protocol = std::uint8_t{41}}).bytes();
    bytes.insert(bytes.end(), quoted.begin(), quoted.end());
    return bytes;
}

bool is_error(const Bytes &bytes, icmp4_error *out = nullptr) {
    const Reading reading(bytes);
    ip4_header outer{};
    icmp4_error error{};
    if (!ip4_peek(&reading.cursor, &outer) || !icmp4_peek_error(&reading.cursor, &outer, &error))
        return false;
    if (out != nullptr)
        *out = error;
    return true;
}

Bytes packet_with(std::uint8_t type, Packet::Ip4Header fields = {}) {
    fields.protocol = std::uint8_t{1};
    return Packet().ip4(fields).raw(message(type)).bytes();
}

} // namespace

TEST_CASE("icmp4: three types are errors, and tell the packet they quote") {
    for (unsigned type = 0; type < 256; ++type)
        CHECK(is_error(packet_with(static_cast<std::uint8_t>(type))) ==
              (type == 3 || type == 11 || type == 12));
    icmp4_error error{};
    REQUIRE(is_error(packet_with(3, {.options = 24}), &error));
    CHECK(error.code == 4);
    CHECK(be32_to_host(error.body) == 1400);
    CHECK(error.quoted.protocol == 41);
}

TEST_CASE("icmp4: no error is read beyond the packet, nor from a fragment") {
    const Bytes whole = packet_with(3);
    for (std::size_t length = 20; length < 48; ++length)
        CHECK_FALSE(is_error(cut(whole, length)));
    CHECK(is_error(cut(whole, 48)));
    CHECK_FALSE(is_error(packet_with(3, {.offset_flags = 0x2000})));
    CHECK_FALSE(is_error(packet_with(3, {.offset_flags = 0x0001})));
}
