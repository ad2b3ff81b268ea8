/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "slowpath/icmp4.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace faith;
using namespace faith::slowpath;

namespace {

using Packet = std::vector<std::uint8_t>;

struct How {
    std::uint8_t type = 3;
    std::uint8_t code = 4;
    std::uint16_t mtu = 1400;
    std::uint16_t quoted_total = 1500;
    std::uint16_t quoted_fragment = 0x4000;
    std::size_t quoted_payload = 100; /* bytes of it that are there */
};

Packet header(std::uint8_t protocol, std::size_t total, std::uint16_t fragment = 0) {
    Packet packet(20);
    packet[0] = 0x45;
    write_be16(packet, 2, static_cast<std::uint16_t>(total));
    write_be16(packet, 6, fragment);
    packet[9] = protocol;
    packet[12] = 192, packet[15] = 1;
    packet[16] = 198, packet[19] = 2;
    return packet;
}

Packet error(const How &how) {
    Packet message(8);
    message[0] = how.type;
    message[1] = how.code;
    write_be16(message, 6, how.mtu);
    const Packet quoted = header(41, how.quoted_total, how.quoted_fragment);
    message.insert(message.end(), quoted.begin(), quoted.end());
    for (std::size_t i = 0; i < how.quoted_payload; ++i)
        message.push_back(static_cast<std::uint8_t>(i));
    write_be16(message, 2, checksum(message));
    Packet packet = header(1, 20 + message.size());
    packet.insert(packet.end(), message.begin(), message.end());
    return packet;
}

} // namespace

TEST_CASE("icmp4: an error tells what is quoted, and whether it was too long") {
    const Packet packet = error({});
    const auto read = read_icmp4_error(packet);
    REQUIRE(read);
    CHECK(read->too_long);
    CHECK(read->next_mtu == 1400);
    CHECK(read->unsplittable);
    CHECK(read->quoted.protocol == 41);
    CHECK(read->quoted.total == 1500);
    CHECK(to_string(read->quoted.source) == "192.0.0.1");
    CHECK(to_string(read->quoted.destination) == "198.0.0.2");
    REQUIRE(read->inner.size() == 100);
    CHECK(read->inner[99] == 99);
    for (const int type : {3, 11, 12})
        CHECK_FALSE(read_icmp4_error(error({.type = static_cast<std::uint8_t>(type), .code = 1}))
                        ->too_long);
    CHECK_FALSE(read_icmp4_error(error({.type = 11, .code = 4}))->too_long);
}

TEST_CASE("icmp4: what follows the quoted packet is not of it (RFC 4884)") {
    const Packet packet = error({.quoted_total = 60, .quoted_payload = 128});
    CHECK(read_icmp4_error(packet)->inner.size() == 40);
    const Packet shortest = error({.quoted_payload = 0});
    CHECK(read_icmp4_error(shortest)->inner.empty());
}

TEST_CASE("icmp4: no error is read from anything else, cut at every byte included") {
    for (const int type : {0, 4, 5, 8, 13})
        CHECK_FALSE(read_icmp4_error(error({.type = static_cast<std::uint8_t>(type)})));
    const Packet good = error({});
    for (std::size_t length = 0; length < good.size(); ++length)
        CHECK_FALSE(read_icmp4_error(Bytes(good).first(length)));
    Packet other = good;
    other[22] ^= 1; /* its checksum */
    CHECK_FALSE(read_icmp4_error(other));
    other = good;
    other[9] = 17;
    CHECK_FALSE(read_icmp4_error(other));
    other = good;
    other[6] = 0x20;
    CHECK_FALSE(read_icmp4_error(other));
    /* Whole, but with less than a header quoted. */
    other = Packet(good.begin(), good.begin() + 28 + 19);
    write_be16(other, 2, 28 + 19);
    write_be16(other, 22, 0);
    write_be16(other, 22, checksum(Bytes(other).subspan(20)));
    CHECK_FALSE(read_icmp4_error(other));
}

TEST_CASE("icmp4: the path MTU is the router's word, or the next plateau (RFC 1191 5, 7.1)") {
    const auto told = [](const How &how) { return path_mtu(*read_icmp4_error(error(how))); };
    CHECK(told({}) == 1400);
    CHECK(told({.mtu = 68}) == 68);
    CHECK(told({.mtu = 1499}) == 1499);
    CHECK(told({.mtu = 0, .quoted_total = 1500}) == 1492);
    CHECK(told({.mtu = 0, .quoted_total = 1492}) == 1006);
    CHECK(told({.mtu = 0, .quoted_total = 65535}) == 32000);
    CHECK(told({.mtu = 0, .quoted_total = 69}) == 68);
}

TEST_CASE("icmp4: who contradicts himself tells no path MTU") {
    const auto told = [](const How &how) { return path_mtu(*read_icmp4_error(error(how))); };
    CHECK_FALSE(told({.mtu = 1500}));          /* it fits */
    CHECK_FALSE(told({.mtu = 67}));            /* no link is so narrow */
    CHECK_FALSE(told({.quoted_fragment = 0})); /* a router cuts that */
    CHECK_FALSE(told({.code = 1}));            /* says something else */
    CHECK_FALSE(told({.mtu = 0, .quoted_total = 68, .quoted_payload = 48}));
}
