/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Faith prefixes: IPv6 address <-> embedded IPv4 address, in one of two named
 * layouts (R21). FaithLast32 is KAME's: the last four octets, whatever the prefix
 * length (D19). Rfc6052 is RFC 6052 2.2: right behind the prefix, skipping octet 8,
 * which must be zero; the suffix is ignored on input and zero on output. The two are
 * the same for a /96 only.
 */
#pragma once

#include "base/addr.h"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace faith::prefix {

enum class Layout { FaithLast32, Rfc6052 };

struct FaithPrefix {
    Prefix6 prefix; /* masked */
    Layout layout = Layout::FaithLast32;
    auto operator<=>(const FaithPrefix &) const = default;
};

/* Refuses lengths the layout cannot have, a prefix with host bits set, and prefixes
 * that cover addresses nobody may capture (::/0.., link-local, multicast, loopback).
 * FaithLast32 takes any length from 8 to 96; Rfc6052 32, 40, 48, 56, 64 and 96. */
Result<FaithPrefix> make_prefix(const Prefix6 &prefix, Layout layout);

/* Why an address inside a prefix carries no usable IPv4 address. */
enum class Embedding { Good, BadOctet8 };

struct Extracted {
    Ip4 address;
    Embedding embedding = Embedding::Good;
};

Extracted extract(const FaithPrefix &prefix, const Ip6 &address);
Ip6 embed(const FaithPrefix &prefix, Ip4 address);

/* Longest prefix that contains the address; null when none does. */
const FaithPrefix *find(std::span<const FaithPrefix> prefixes, const Ip6 &address);

/* 64:ff9b::/96, the default and the one that R23 limits to global IPv4. */
FaithPrefix well_known();
bool is_well_known(const FaithPrefix &prefix);

std::string_view layout_name(Layout layout); /* "faith", "rfc6052" */

} // namespace faith::prefix
