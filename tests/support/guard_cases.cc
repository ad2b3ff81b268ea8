/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guard_cases.h"

#include "faith/abi.h"

namespace faith::test {

namespace {

Ip6 in_prefix() { return address6("2001:db8:f::c000:201"); }
Ip6 in_exempt() { return address6("2001:db8:f::c000:2ff"); }
Ip6 captured_again() { return address6("2001:db8:f::c000:2fe"); }
Ip6 elsewhere() { return address6("2001:db8:e::c000:201"); }

Packet to(const Ip6 &destination) { return Packet().eth().ip6({.destination = destination}); }
Packet to_prefix() { return to(in_prefix()); }

Packet with_extensions(int count) {
    Packet packet = to_prefix();
    for (int i = 0; i < count; ++i)
        packet.destination_options();
    return packet;
}

Packet later_fragment(std::uint8_t next) {
    return to_prefix().fragment({.offset = 185, .next_header = next}).payload(32);
}

std::vector<GuardCase> make_cases() {
    return {
        {"ARP", Packet().eth({.type = std::uint16_t{0x0806}}).payload(46), FGW_PASS_NOT_IP6},
        {"IPv4", Packet().eth().ip4(), FGW_PASS_NOT_IP6},
        {"IPv4, tagged", Packet().eth().vlan({}).ip4(), FGW_PASS_NOT_IP6},
        {"three tags", Packet().eth().vlan({}).vlan({}).vlan({}).ip6().udp(), FGW_PASS_NOT_IP6},
        {"TCP elsewhere()", to(elsewhere()).tcp(), FGW_PASS_NOT_PREFIX},
        {"UDP elsewhere()", to(elsewhere()).udp().payload(9), FGW_PASS_NOT_PREFIX},
        {"UDP elsewhere(), tagged", Packet().eth().vlan({}).ip6({.destination = elsewhere()}).udp(),
         FGW_PASS_NOT_PREFIX},
        {"echo elsewhere()", to(elsewhere()).icmp6({}), FGW_PASS_NOT_PREFIX},
        {"UDP to an exempt address (F2)", to(in_exempt()).udp(), FGW_PASS_EXEMPT},
        {"UDP to a captured one inside (F2)", to(captured_again()).udp(), FGW_DROP_UDP},
        {"too short for IPv6", Packet().eth({.type = std::uint16_t{0x86dd}}).payload(39),
         FGW_PASS_SHORT},
        {"too short for IPv6, tagged",
         Packet().eth().vlan({.type = std::uint16_t{0x86dd}}).payload(39), FGW_PASS_SHORT},
        {"not version 6", Packet().eth().ip6({.destination = in_prefix(), .version = 4}).udp(),
         FGW_PASS_SHORT},

        {"SYN", to_prefix().tcp(), FGW_PASS_TCP},
        {"SYN, tagged", Packet().eth().vlan({.id = 100}).ip6().tcp(), FGW_PASS_TCP},
        {"SYN, tagged twice",
         Packet().eth().vlan({.id = 7, .tag_type = 0x88a8}).vlan({.id = 100}).ip6().tcp(),
         FGW_PASS_TCP},
        {"TCP with data and padding", to_prefix().tcp().payload(500).padding(4), FGW_PASS_TCP},
        {"TCP with a wrong checksum", to_prefix().tcp({.checksum = std::uint16_t{1}}),
         FGW_PASS_TCP},
        {"TCP behind hop-by-hop options", to_prefix().hop_by_hop({.bytes = 16}).tcp(),
         FGW_PASS_TCP},
        {"TCP behind a routing header", to_prefix().routing({.bytes = 24}).tcp(), FGW_PASS_TCP},
        {"TCP behind destination options", to_prefix().destination_options().tcp(), FGW_PASS_TCP},
        {"TCP behind AH", to_prefix().authentication({.bytes = 24}).tcp(), FGW_PASS_TCP},
        {"TCP behind AH of an odd length", to_prefix().authentication({.bytes = 28}).tcp(),
         FGW_PASS_TCP},
        {"TCP in an atomic fragment", to_prefix().fragment({}).tcp(), FGW_PASS_TCP},
        {"TCP in a first fragment", to_prefix().fragment({.more = true}).tcp().payload(4),
         FGW_PASS_TCP},
        {"TCP behind one of each",
         to_prefix()
             .hop_by_hop()
             .destination_options()
             .routing()
             .fragment({})
             .authentication()
             .tcp(),
         FGW_PASS_TCP},
        {"TCP behind as many as allowed", with_extensions(FGW_MAX_EXT_HEADERS).tcp(), FGW_PASS_TCP},
        {"unreachable (F16)", to_prefix().icmp6({.type = 1}).payload(48), FGW_PASS_ICMP6_ERROR},
        {"packet too big (F16)", to_prefix().icmp6({.type = 2, .body = 1280}).payload(48),
         FGW_PASS_ICMP6_ERROR},
        {"time exceeded (F16)", to_prefix().icmp6({.type = 3}).payload(48), FGW_PASS_ICMP6_ERROR},
        {"packet too big, tagged", Packet().eth().vlan({}).ip6().icmp6({.type = 2}),
         FGW_PASS_ICMP6_ERROR},
        {"later fragment of TCP", later_fragment(6), FGW_PASS_FRAGMENT},
        {"later fragment of ICMPv6", later_fragment(58), FGW_PASS_FRAGMENT},
        {"later fragment of options", later_fragment(60), FGW_PASS_FRAGMENT},

        {"UDP (F15)", to_prefix().udp().payload(20), FGW_DROP_UDP},
        {"UDP, tagged twice", Packet().eth().vlan({}).vlan({}).ip6().udp(), FGW_DROP_UDP},
        {"UDP behind options", to_prefix().hop_by_hop().destination_options().udp(), FGW_DROP_UDP},
        {"UDP in a first fragment", to_prefix().fragment({.more = true}).udp(), FGW_DROP_UDP},
        {"later fragment of UDP", later_fragment(17), FGW_DROP_UDP},
        {"echo request (F16)", to_prefix().icmp6({}), FGW_DROP_ICMP6},
        {"echo reply", to_prefix().icmp6({.type = 129}), FGW_DROP_ICMP6},
        {"parameter problem", to_prefix().icmp6({.type = 4}).payload(48), FGW_DROP_ICMP6},
        {"neighbour solicitation (F10)", to_prefix().icmp6({.type = 135}).payload(16),
         FGW_DROP_ICMP6},
        {"echo behind AH", to_prefix().authentication().icmp6({}), FGW_DROP_ICMP6},
        {"ESP", to_prefix().upper(50, 32), FGW_DROP_PROTOCOL},
        {"no next header", to_prefix().payload(8), FGW_DROP_PROTOCOL},
        {"SCTP", to_prefix().upper(132, 12), FGW_DROP_PROTOCOL},
        {"UDP-Lite", to_prefix().upper(136), FGW_DROP_PROTOCOL},
        {"IPv6 in IPv6", to_prefix().upper(41, 40), FGW_DROP_PROTOCOL},
        {"later fragment of ESP", later_fragment(50), FGW_DROP_PROTOCOL},
        {"TCP header cut", to_prefix().upper(6, 19), FGW_DROP_TRUNCATED},
        {"TCP header cut, padding behind", to_prefix().upper(6, 19).padding(20),
         FGW_DROP_TRUNCATED},
        {"packet shorter than it says",
         Packet().eth().ip6({.payload_length = std::uint16_t{21}}).tcp(), FGW_DROP_TRUNCATED},
        {"UDP shorter than it says",
         Packet().eth().ip6({.payload_length = std::uint16_t{1000}}).udp(), FGW_DROP_TRUNCATED},
        {"no length at all", Packet().eth().ip6({.payload_length = std::uint16_t{0}}).tcp(),
         FGW_DROP_TRUNCATED},
        {"options longer than the packet",
         to_prefix().hop_by_hop({.bytes = 8, .length = std::uint8_t{255}}).tcp(),
         FGW_DROP_TRUNCATED},
        {"ICMPv6 error cut", to_prefix().upper(58, 7), FGW_DROP_TRUNCATED},
        {"too many extension headers", with_extensions(FGW_MAX_EXT_HEADERS + 1).tcp(),
         FGW_DROP_EXT_CHAIN},
        {"first fragment with half a TCP header", to_prefix().fragment({.more = true}).upper(6, 16),
         FGW_DROP_FRAGMENT},
        {"first fragment that ends in its options",
         to_prefix()
             .fragment({.more = true})
             .destination_options({.bytes = 16, .length = std::uint8_t{3}}),
         FGW_DROP_FRAGMENT},
    };
}

} // namespace

const GuardRules &guard_rules() {
    static const GuardRules rules = {
        .capture = {{address6("2001:db8:f::"), 96}, {captured_again(), 128}},
        .exempt = {{address6("2001:db8:f::c000:2f0"), 124}}};
    return rules;
}

bool GuardCase::is_to_prefix() const {
    return reason == FGW_PASS_TCP || reason == FGW_PASS_ICMP6_ERROR ||
           reason == FGW_PASS_FRAGMENT || reason >= FGW_FIRST_DROP;
}

const std::vector<GuardCase> &guard_cases() {
    static const std::vector<GuardCase> cases = make_cases();
    return cases;
}

std::vector<Ip6> guard_destinations() {
    return {in_prefix(), captured_again(), in_exempt(), elsewhere()};
}

} // namespace faith::test
