/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses and prefixes as values: parse, print, compare, contain. No I/O and no
 * names, numeric text only (D25). Parsing is strict: no leading zeros in IPv4, no
 * zone ids, a length is decimal and in range; host bits beyond the length are kept
 * as written and ignored by contains() (D27).
 */
#pragma once

#include "base/result.h"

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace faith {

struct Ip4 {
    std::uint32_t value = 0; /* host byte order */

    static Ip4 from_bytes(const std::uint8_t *bytes); /* 4, network order */
    std::array<std::uint8_t, 4> bytes() const;        /* network order */
    bool can_be_source() const; /* of a connection: not in 0/8, 224/4, 240/4 */
    auto operator<=>(const Ip4 &) const = default;
};

struct Ip6 {
    std::array<std::uint8_t, 16> bytes{}; /* network order */

    bool is_v4_mapped() const; /* ::ffff:0:0/96 */
    bool is_link_local() const;
    bool is_multicast() const;
    bool is_unspecified() const;
    bool is_loopback() const;
    auto operator<=>(const Ip6 &) const = default;
};

struct Prefix4 {
    Ip4 address;
    std::uint8_t length = 0; /* bits, 0..32 */

    bool contains(Ip4 other) const;
    bool contains(const Prefix4 &other) const; /* all of it */
    Prefix4 masked() const;                    /* host bits zero */
    auto operator<=>(const Prefix4 &) const = default;
};

struct Prefix6 {
    Ip6 address;
    std::uint8_t length = 0; /* bits, 0..128 */

    bool contains(const Ip6 &other) const;
    bool contains(const Prefix6 &other) const;
    Prefix6 masked() const;
    auto operator<=>(const Prefix6 &) const = default;
};

Result<Ip4> parse_ip4(std::string_view text);
Result<Ip6> parse_ip6(std::string_view text);
/* "ADDR" is a host; "ADDR/len" a prefix. */
Result<Prefix4> parse_prefix4(std::string_view text);
Result<Prefix6> parse_prefix6(std::string_view text);
Result<std::uint16_t> parse_port(std::string_view text); /* 1..65535, decimal */

std::string to_string(Ip4 address);
std::string to_string(const Ip6 &address); /* RFC 5952 */
std::string to_string(const Prefix4 &prefix);
std::string to_string(const Prefix6 &prefix);

} // namespace faith
