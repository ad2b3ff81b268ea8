/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guard's rules on the host: the behaviours one by one, then every packet cut at every
 * byte, then a great many random ones, against the oracle.
 */
#include "mem.h"

#include "tests/support/guard_oracle.h"
#include "tests/support/random_packets.h"

#include <catch2/catch.hpp>

#include <iostream>
#include <map>

using namespace faith;
using namespace faith::test;

namespace {

const Ip6 faith_address = address6("2001:db8:f::c000:201");
const Ip6 exempt_address = address6("2001:db8:f::1");
const Ip6 foreign_address = address6("2001:db8:e::1");

GuardRules rules(bool keepfaith = true) {
    return {.capture = {{.address = address6("2001:db8:f::"), .length = 96}},
            .exempt = {{.address = exempt_address, .length = 128}},
            .keepfaith = keepfaith};
}

/* The road of bpf/xdp_ingress.bpf.c and lib/guard.h, the maps replaced by the addresses. */
fgw_reason guard(const GuardRules &rules, const Bytes &frame) {
    Reading reading(frame);
    ip6_header header{};
    if (eth_parse(&reading.cursor) != FGW_L3_IP6)
        return FGW_PASS_NOT_IP6;
    if (!ip6_parse(&reading.cursor, &header))
        return FGW_PASS_SHORT;
    Ip6 destination;
    std::copy_n(header.destination, 16, destination.bytes.begin());
    if (destination == exempt_address)
        return FGW_PASS_EXEMPT;
    if (!rules.capture.at(0).contains(destination))
        return FGW_PASS_NOT_PREFIX;
    faith_tcp tcp;
    return rules.keepfaith ? faith_guard(&reading.cursor, &header, &tcp) : FGW_DROP_KEEPFAITH_OFF;
}

std::string judge(const Packet &packet) {
    Packet frame = packet;
    return reason_name(guard(rules(), frame.bytes()));
}

Packet to_prefix() { return Packet().eth().ip6({.destination = faith_address}); }

} // namespace

TEST_CASE("faith: TCP and the ICMPv6 errors that it needs pass (F16, F17)") {
    CHECK(judge(to_prefix().tcp()) == "PASS_TCP");
    CHECK(judge(to_prefix().tcp().payload(100).padding(7)) == "PASS_TCP");
    CHECK(judge(to_prefix().icmp6({.type = 1})) == "PASS_ICMP6_ERROR");
    CHECK(judge(to_prefix().icmp6({.type = 2, .body = 1280})) == "PASS_ICMP6_ERROR");
    CHECK(judge(to_prefix().icmp6({.type = 3})) == "PASS_ICMP6_ERROR");
}

TEST_CASE("faith: everything else is dropped, each for its reason (F15, F16)") {
    CHECK(judge(to_prefix().udp()) == "DROP_UDP");
    for (const int type : {0, 4, 128, 129, 133, 134, 135, 136, 137, 143})
        CHECK(judge(to_prefix().icmp6({.type = static_cast<std::uint8_t>(type)})) == "DROP_ICMP6");
    for (const int number : {1, 4, 41, 47, 50, 59, 132, 135, 136, 139, 255})
        CHECK(judge(to_prefix().upper(static_cast<std::uint8_t>(number))) == "DROP_PROTOCOL");
}

TEST_CASE("faith: extension headers are followed (F4), up to a number of them") {
    Packet packet = to_prefix();
    for (int headers = 0; headers < FGW_MAX_EXT_HEADERS; ++headers)
        packet.routing();
    Packet one_more = packet;
    CHECK(judge(packet.tcp()) == "PASS_TCP");
    CHECK(judge(one_more.routing().tcp()) == "DROP_EXT_CHAIN");
    CHECK(judge(to_prefix().hop_by_hop().destination_options().udp()) == "DROP_UDP");
    CHECK(judge(to_prefix().authentication({.bytes = 24}).icmp6({.type = 128})) == "DROP_ICMP6");
}

TEST_CASE("faith: a TCP header must be inside of the packet and of its length") {
    CHECK(judge(to_prefix().upper(6, 20)) == "PASS_TCP");
    CHECK(judge(to_prefix().upper(6, 19)) == "DROP_TRUNCATED");
    CHECK(judge(to_prefix().upper(6, 19).padding(40)) == "DROP_TRUNCATED");
    CHECK(judge(to_prefix().upper(58, 7)) == "DROP_TRUNCATED");
}

TEST_CASE("faith: a first fragment shows all its headers or is dropped (RFC 7112)") {
    const auto first = [] { return to_prefix().fragment({.more = true}); };
    CHECK(judge(first().tcp().payload(4)) == "PASS_TCP");
    CHECK(judge(first().upper(6, 16)) == "DROP_FRAGMENT");
    CHECK(judge(first().icmp6({.type = 2})) == "PASS_ICMP6_ERROR");
    CHECK(judge(first().upper(58, 4)) == "DROP_FRAGMENT");
    CHECK(judge(first().destination_options({.bytes = 8, .length = std::uint8_t{4}})) ==
          "DROP_FRAGMENT");
    CHECK(judge(first().udp()) == "DROP_UDP");
}

TEST_CASE("faith: later fragments pass if they may belong to what passes") {
    const auto later = [](int next) {
        return to_prefix()
            .fragment({.offset = 9, .next_header = static_cast<std::uint8_t>(next)})
            .payload(3);
    };
    for (const int next : {6, 58, 0, 43, 44, 51, 60})
        CHECK(judge(later(next)) == "PASS_FRAGMENT");
    CHECK(judge(later(17)) == "DROP_UDP");
    CHECK(judge(later(50)) == "DROP_PROTOCOL");
    CHECK(judge(later(59)) == "DROP_PROTOCOL");
}

TEST_CASE("faith: an atomic fragment is a whole packet (RFC 6946)") {
    CHECK(judge(to_prefix().fragment({}).tcp()) == "PASS_TCP");
    CHECK(judge(to_prefix().fragment({}).upper(6, 16)) == "DROP_TRUNCATED");
    CHECK(judge(to_prefix().fragment({}).udp()) == "DROP_UDP");
}

TEST_CASE("faith: a jumbogram is judged by its first 64 KiB, a false one is truncated") {
    const auto jumbo = [](std::size_t bytes) {
        return Packet()
            .eth()
            .ip6({.destination = faith_address, .payload_length = std::uint16_t{0}})
            .hop_by_hop()
            .tcp()
            .payload(bytes);
    };
    CHECK(judge(jumbo(65535)) == "PASS_TCP");
    CHECK(judge(jumbo(1000)) == "DROP_TRUNCATED");
}

TEST_CASE("faith: the guard agrees with the oracle on every packet cut at every byte") {
    const Packet packets[] = {
        to_prefix().tcp().payload(3).padding(3),
        Packet().eth().vlan({}).vlan({}).ip6({.destination = faith_address}).udp(),
        to_prefix().hop_by_hop().routing({.bytes = 16}).authentication({.bytes = 16}).tcp(),
        to_prefix().fragment({.more = true}).destination_options().icmp6({.type = 2}),
        to_prefix().fragment({.offset = 7}).payload(9),
        to_prefix().destination_options().upper(50),
        Packet().eth().ip6({.destination = exempt_address}).udp(),
        Packet().eth().ip6({.destination = foreign_address}).hop_by_hop().tcp(),
        Packet().eth().ip4(),
    };
    for (const Packet &packet : packets) {
        const Bytes whole = packet.bytes();
        for (std::size_t length = 0; length <= whole.size(); ++length) {
            Bytes frame = cut(whole, length);
            const bool has_length_field = frame.size() > 20 && frame[12] == 0x86;
            INFO("cut at " << length << " of " << whole.size());
            CHECK(reason_name(guard(rules(), frame)) == reason_name(guard_oracle(rules(), frame)));
            /* And again with a length field that agrees, so that the headers are what is cut. */
            if (!has_length_field || length < 54)
                continue;
            frame[18] = static_cast<std::uint8_t>((length - 54) >> 8);
            frame[19] = static_cast<std::uint8_t>(length - 54);
            CHECK(reason_name(guard(rules(), frame)) == reason_name(guard_oracle(rules(), frame)));
        }
    }
}

TEST_CASE("faith: the guard agrees with the oracle on random packets, of every reason") {
    Random random;
    std::cout << "faith: random packets, " << random.seed() << "\n";
    std::map<std::string, int> seen;
    for (int trial = 0; trial < 200'000; ++trial) {
        const Bytes frame =
            random_frame(random, {faith_address, faith_address, exempt_address, foreign_address});
        const GuardRules now = rules(!random.one_in(20));
        const fgw_reason expected = guard_oracle(now, frame);
        const fgw_reason got = guard(now, frame);
        ++seen[reason_name(expected)];
        if (got == expected)
            continue;
        INFO(random.seed() << ", packet " << trial);
        INFO(hex(frame));
        FAIL("expected " << reason_name(expected) << ", got " << reason_name(got));
    }
    for (const fgw_reason reason :
         {FGW_PASS_NOT_IP6, FGW_PASS_NOT_PREFIX, FGW_PASS_EXEMPT, FGW_PASS_SHORT, FGW_PASS_TCP,
          FGW_PASS_ICMP6_ERROR, FGW_PASS_FRAGMENT, FGW_DROP_KEEPFAITH_OFF, FGW_DROP_UDP,
          FGW_DROP_ICMP6, FGW_DROP_PROTOCOL, FGW_DROP_TRUNCATED, FGW_DROP_EXT_CHAIN,
          FGW_DROP_FRAGMENT}) {
        INFO(random.seed() << ", " << reason_name(reason));
        CHECK(seen[reason_name(reason)] > 100);
    }
}
