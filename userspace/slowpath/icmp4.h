/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an ICMPv4 error says about a packet of ours (RFC 792), and the path MTU in it (RFC 1191).
 * Anybody can send one: whoever acts on it looks first whether we may have sent what is quoted.
 * Pure.
 */
#pragma once

#include "slowpath/ip4.h"

namespace faith::slowpath {

struct Icmp4Error {
    bool too_long = false;      /* "fragmentation needed", else: it did not arrive */
    std::uint16_t next_mtu = 0; /* of the link it did not fit; 0: an old router does not say */
    Header4 quoted;
    bool unsplittable = false; /* the quoted packet had DF */
    Bytes inner;               /* what of its payload is quoted */
};

/* A whole packet with its IPv4 header. Nothing: it is none, or its checksum is wrong. */
std::optional<Icmp4Error> read_icmp4_error(Bytes packet);

/* The path MTU that it tells: what the router said, or the next plateau below the packet's own
 * length (RFC 1191 7.1). Nothing: it contradicts itself, for a router cuts what it may cut and
 * passes on what fits. */
std::optional<std::uint16_t> path_mtu(const Icmp4Error &error);

} // namespace faith::slowpath
