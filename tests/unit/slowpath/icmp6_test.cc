/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "slowpath/icmp6.h"

#include "tests/support/packet.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::slowpath;
using faith::test::address6;
using faith::test::Packet;

namespace {

constexpr std::chrono::milliseconds start{5000};

std::vector<std::uint8_t> echo(std::uint8_t type = 128) {
    return Packet().ip6().icmp6({.type = type}).payload(40).bytes();
}

bool told(const std::vector<std::uint8_t> &packet, Problem problem = Problem::Unreachable) {
    return may_be_told(packet, problem);
}

std::vector<std::uint8_t> between(const char *source, const char *destination) {
    return Packet()
        .ip6({.source = address6(source), .destination = address6(destination)})
        .tcp()
        .bytes();
}

} // namespace

TEST_CASE("icmp6: an IPv6 header is read, and what is none is none") {
    const auto packet = Packet().ip6().tcp().payload(100).bytes();
    const auto header = read_header6(packet);
    REQUIRE(header);
    CHECK(header->length == 160);
    CHECK(header->source == address6("2001:db8:1::2"));
    CHECK(header->destination == address6("2001:db8:f::c000:201"));
    CHECK(read_header6(Bytes(packet).first(40)));
    CHECK_FALSE(read_header6(Bytes(packet).first(39)));
    CHECK_FALSE(read_header6({}));
    CHECK_FALSE(read_header6(Packet().ip6({.version = 4}).tcp().bytes()));
}

TEST_CASE("icmp6: never about an ICMPv6 error or a redirect, wherever it stands (R14)") {
    CHECK(told(Packet().ip6().tcp().bytes()));
    CHECK(told(Packet().ip6().udp().bytes()));
    for (unsigned type = 0; type < 256; ++type)
        CHECK(told(echo(static_cast<std::uint8_t>(type))) == (type >= 128 && type != 137));
    for (const std::uint8_t type : {std::uint8_t{1}, std::uint8_t{128}}) {
        const auto behind = [&](Packet packet) {
            return told(packet.icmp6({.type = type}).bytes());
        };
        CHECK(behind(Packet().ip6().hop_by_hop()) == (type == 128));
        CHECK(behind(Packet().ip6().destination_options({.bytes = 24})) == (type == 128));
        CHECK(behind(Packet().ip6().routing().fragment({.offset = 0, .more = true})) ==
              (type == 128));
        CHECK(behind(Packet().ip6().authentication()) == (type == 128));
        /* Of a later fragment nobody knows; no error is so long that it has one. */
        CHECK(behind(Packet().ip6().fragment({.offset = 1})));
    }
}

TEST_CASE("icmp6: not when the quote ends before it is sure (R14)") {
    const auto whole = Packet().ip6().destination_options({.bytes = 24}).icmp6({}).bytes();
    for (std::size_t length = 0; length < whole.size(); ++length)
        CHECK(may_be_told(Bytes(whole).first(length), Problem::Unreachable) ==
              (length >= 40 + 24 + 4));
    Packet endless = Packet().ip6();
    for (int i = 0; i < 9; ++i)
        endless.destination_options();
    CHECK_FALSE(told(endless.tcp().bytes()));
}

TEST_CASE("icmp6: nobody who is no host is told; many are told of lengths only (R14)") {
    for (const char *source : {"::", "::1", "ff02::1", "fe80::1"}) {
        CHECK_FALSE(told(between(source, "2001:db8::1")));
        CHECK_FALSE(told(between(source, "2001:db8::1"), Problem::TooBig));
    }
    CHECK_FALSE(told(between("2001:db8::1", "ff0e::1")));
    CHECK(told(between("2001:db8::1", "ff0e::1"), Problem::TooBig));
}

TEST_CASE("icmp6: an error quotes as much as fits the least MTU (RFC 4443 2.4 (c))") {
    const auto packet = Packet().ip6().tcp().payload(2000).bytes();
    auto error = icmp6_error(packet, Problem::TooBig, 0x12345);
    REQUIRE(error.size() == 1280 - 40);
    CHECK(std::vector<std::uint8_t>(error.begin(), error.begin() + 8) ==
          std::vector<std::uint8_t>{2, 0, 0, 0, 0, 1, 0x23, 0x45});
    CHECK(std::equal(error.begin() + 8, error.end(), packet.begin()));
    error = icmp6_error(Bytes(packet).first(60), Problem::Unreachable, 7);
    CHECK(std::vector<std::uint8_t>(error.begin(), error.begin() + 8) ==
          std::vector<std::uint8_t>{1, 3, 0, 0, 0, 0, 0, 0});
    CHECK(error.size() == 68);
}

TEST_CASE("icmp6: ten in a second to one network, saved up for one second (R14)") {
    Moderation moderation;
    const Ip6 host = address6("2001:db8:1:2::3"), neighbour = address6("2001:db8:1:2:ffff::");
    int sent = 0;
    for (int i = 0; i < 100; ++i)
        sent += moderation.allows(i % 2 == 0 ? host : neighbour, start);
    CHECK(sent == 10);
    CHECK(moderation.allows(address6("2001:db8:1:3::3"), start));
    CHECK_FALSE(moderation.allows(host, start + std::chrono::milliseconds(99)));
    CHECK(moderation.allows(host, start + std::chrono::milliseconds(100)));
    CHECK_FALSE(moderation.allows(host, start + std::chrono::milliseconds(100)));
    sent = 0;
    for (int i = 0; i < 100; ++i)
        sent += moderation.allows(host, start + std::chrono::seconds(60));
    CHECK(sent == 10);
}

TEST_CASE("icmp6: a thousand in a second to all, however many networks there are (R14)") {
    Moderation moderation;
    int sent = 0;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        Ip6 host = address6("2001:db8::1");
        host.bytes[4] = static_cast<std::uint8_t>(i >> 16);
        host.bytes[5] = static_cast<std::uint8_t>(i >> 8);
        host.bytes[6] = static_cast<std::uint8_t>(i);
        sent += moderation.allows(host, start);
    }
    CHECK(sent == 1000);
    CHECK(moderation.allows(address6("2001:db9::1"), start + std::chrono::milliseconds(1)));
}
