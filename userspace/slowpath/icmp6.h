/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMPv6 errors about packets that a tunnel could not deliver (RFC 4443): whether one may be
 * sent, what it looks like, and how many. Pure.
 */
#pragma once

#include "base/addr.h"
#include "slowpath/ip4.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace faith::slowpath {

struct Header6 {
    std::size_t length = 0; /* of the packet, as it says */
    Ip6 source;
    Ip6 destination;
};

/* Nothing when it is no IPv6 header or not all of it is there. The rest may be cut. */
std::optional<Header6> read_header6(Bytes packet);

enum class Problem {
    Unreachable, /* type 1 code 3, address unreachable: whatever went wrong inside (RFC 2473 8) */
    TooBig,      /* type 2 */
};

/* RFC 4443 2.4 (e): never about an ICMPv6 error or a redirect, a packet to many (but for its
 * length), or a source that is no host. Nor when the quote ends before it is sure. */
bool may_be_told(Bytes packet, Problem problem);

/* The error, for a socket that adds IPv6 header and checksum. With as much of the packet as
 * fits the least MTU. */
std::vector<std::uint8_t> icmp6_error(Bytes packet, Problem problem, std::uint32_t mtu);

/* So many in a second to one /64 and to all; what was not used is saved up for one second. */
class Moderation {
public:
    using Millis = std::chrono::milliseconds;
    bool allows(const Ip6 &to, Millis now);

private:
    using Network = std::array<std::uint8_t, 8>;
    using Micros = std::chrono::microseconds;
    std::map<Network, Micros> full_at_; /* buckets that are not full */
    Micros all_full_at_{0};
};

} // namespace faith::slowpath
