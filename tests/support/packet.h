/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets that read like packets:
 *
 *   Packet().eth().vlan({.id = 100}).ip6({.destination = faith}).tcp({.destination_port = 80})
 *
 * What a field is not told, bytes() works out from the layers around it: types, next
 * headers, lengths, checksums. What it is told stays, however wrong, because half of the
 * tests are about wrong packets.
 */
#pragma once

#include "base/addr.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faith::test {

using Bytes = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

Ip6 address6(std::string_view text); /* aborts on a typing error */

class Packet {
public:
    struct Eth {
        /* The address of lo, so that TC under BPF_PROG_TEST_RUN takes the frame for ours. */
        Mac destination{};
        Mac source{2, 0, 0, 0, 0, 1};
        std::optional<std::uint16_t> type = {};
    };
    struct Vlan {
        std::uint16_t id = 1;
        std::uint16_t tag_type = 0x8100; /* what the layer before calls it */
        std::optional<std::uint16_t> type = {};
    };
    struct Ip4Header {
        Ip4 source = *parse_ip4("198.51.100.1");
        Ip4 destination = *parse_ip4("192.0.2.1");
        std::uint8_t version = 4;
        std::uint8_t service = 0; /* DSCP and ECN */
        std::uint16_t identification = 0;
        std::uint16_t offset_flags = 0;
        std::uint8_t ttl = 64;
        std::size_t options = 0; /* bytes of them, no-operations; a multiple of 4 */
        std::optional<std::uint8_t> words = {};
        std::optional<std::uint16_t> total_length = {};
        std::optional<std::uint8_t> protocol = {};
        std::optional<std::uint16_t> checksum = {};
    };
    struct Ip6Header {
        Ip6 source = address6("2001:db8:1::2");
        Ip6 destination = address6("2001:db8:f::c000:201");
        std::uint8_t version = 6;
        std::uint8_t traffic_class = 0;
        std::uint8_t hop_limit = 64;
        std::optional<std::uint16_t> payload_length = {};
        std::optional<std::uint8_t> next_header = {};
    };
    struct Extension {
        std::size_t bytes = 8; /* how long it is */
        std::optional<std::uint8_t> next_header = {};
        std::optional<std::uint8_t> length = {}; /* how long it says it is, in its own unit */
    };
    struct Fragment {
        std::uint16_t offset = 0; /* in units of 8 bytes */
        bool more = false;
        std::uint8_t reserved_bits = 0; /* the two between offset and flag */
        std::uint32_t identification = 1;
        std::optional<std::uint8_t> next_header = {};
    };
    struct Tcp {
        std::uint16_t source_port = 40000;
        std::uint16_t destination_port = 80;
        std::uint32_t sequence = 1;
        std::uint32_t acknowledgement = 0;
        std::uint8_t flags = 0x02; /* SYN */
        std::uint16_t window = 64240;
        std::optional<std::uint16_t> checksum = {};
        std::optional<std::uint8_t> data_offset = {}; /* in words of four bytes */
        std::size_t options = 0; /* bytes of them, all "no operation"; whole words */
    };
    struct Udp {
        std::uint16_t source_port = 40000;
        std::uint16_t destination_port = 53;
        std::optional<std::uint16_t> checksum = {};
    };
    struct Icmp6 {
        std::uint8_t type = 128; /* echo request */
        std::uint8_t code = 0;
        std::uint32_t body = 0;
        std::optional<std::uint16_t> checksum = {};
    };

    Packet &eth(const Eth &fields);
    Packet &eth() { return eth(Eth{}); }
    Packet &vlan(const Vlan &fields);
    Packet &ip4(std::size_t bytes = 20); /* enough of one to not be IPv6 */
    Packet &ip4(const Ip4Header &fields);
    Packet &ip6(const Ip6Header &fields);
    Packet &ip6() { return ip6(Ip6Header{}); }
    Packet &hop_by_hop(const Extension &fields);
    Packet &hop_by_hop() { return hop_by_hop(Extension{}); }
    Packet &routing(const Extension &fields);
    Packet &routing() { return routing(Extension{}); }
    Packet &destination_options(const Extension &fields);
    Packet &destination_options() { return destination_options(Extension{}); }
    Packet &authentication(const Extension &fields);
    Packet &authentication() { return authentication({.bytes = 12}); }
    Packet &fragment(const Fragment &fields);
    Packet &fragment() { return fragment(Fragment{}); }
    Packet &tcp(const Tcp &fields);
    Packet &tcp() { return tcp(Tcp{}); }
    Packet &udp(const Udp &fields);
    Packet &udp() { return udp(Udp{}); }
    Packet &icmp6(const Icmp6 &fields);
    /* Any other upper layer: its number, then bytes that mean nothing. */
    Packet &upper(std::uint8_t number, std::size_t bytes = 8);
    Packet &raw(const Bytes &bytes);
    Packet &payload(std::size_t bytes); /* 0, 1, 2, ... */
    Packet &padding(std::size_t bytes); /* behind the packet, counted by no length */

    Bytes bytes() const;

private:
    enum class Kind { Eth, Vlan, Ip4, Ip6, Extension, Upper, Data, Padding };
    struct Layer {
        Kind kind;
        std::uint16_t number;                   /* as the layer before names it */
        std::size_t offset;                     /* of its first byte */
        std::optional<std::size_t> checksum_at; /* to be worked out */
        std::optional<std::size_t> next_at;     /* to be filled in: the next layer's number */
        std::optional<std::size_t> length_at;   /* to be filled in: bytes from length_from on */
        std::size_t length_from;
        std::optional<std::size_t> header_sum_at = {}; /* to be worked out, over the header */
    };

    Layer &add(Kind kind, std::uint16_t number, const Bytes &content);
    Packet &extension(std::uint8_t number, const Extension &fields, std::uint8_t length);
    void fill_next(Bytes &out, std::size_t index) const;
    void fill_checksum(Bytes &out, const Layer &layer) const;
    void fill_header_sum(Bytes &out, const Layer &layer) const;

    Bytes bytes_;
    std::vector<Layer> layers_;
};

/* The first `length` bytes. */
Bytes cut(const Bytes &packet, std::size_t length);

std::string hex(const Bytes &bytes);

/* One line for each field that differs, "ip6.hop_limit: expected 64, got 63 (byte 21)";
 * empty when the packets are equal. */
std::string difference(const Bytes &expected, const Bytes &actual);

} // namespace faith::test
