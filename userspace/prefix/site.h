/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The IPv6 prefix of a site behind a tunnel: the prefix that all sites share, then the bits
 * of the site's IPv4 address that they do not share (RFC 3056 2, RFC 5969 4). 6to4 is the
 * shared prefix 2002::/16 with all 32 bits. What packets get is bpf/lib/stf.h's.
 */
#pragma once

#include "base/addr.h"

#include <optional>

namespace faith::prefix {

/* v4_mask_len 0..32; prefix.length + 32 - v4_mask_len is at most 128. */
Prefix6 site_prefix(const Prefix6 &shared, std::uint8_t v4_mask_len, Ip4 site);

/* The way back: the IPv4 address of the site that an address is in, nothing for one outside of
 * `shared`. The bits that are not embedded are those of `own`. */
std::optional<Ip4> site_of(const Prefix6 &shared, std::uint8_t v4_mask_len, Ip4 own,
                           const Ip6 &address);

/* 2002::/16. */
Prefix6 six_to_four();

/* The address of a host in it: 1 is the first one. */
Ip6 host_in(const Prefix6 &prefix, std::uint8_t host);

} // namespace faith::prefix
