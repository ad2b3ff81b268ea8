/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tunnels: from [[stf]] and the network as it is now to devices, routes and map entries.
 * What is wanted is pure; making it is a few functions on top.
 *
 * A tunnel's device, stf0, is one half of a veth pair. Its other half is hidden: programs
 * take whatever comes there into the tunnel, and put there what comes out of it.
 */
#pragma once

#include "base/addr.h"
#include "base/result.h"
#include "config/config.h"
#include "daemon/network.h"
#include "faith/abi.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace faith::daemon {

/* Octets. */
constexpr std::uint32_t outer_header = 20;
constexpr std::uint32_t least_ip6_mtu = 1280; /* RFC 8200 5 */

struct Tunnel {
    std::string name;
    std::string peer;
    std::string uplink;
    Prefix6 shared; /* of all sites: 2002::/16, or the 6rd prefix */
    std::uint8_t v4_mask_len = 0;
    Ip4 own;
    std::optional<Ip4> border_relay; /* somebody else's */
    std::uint8_t peer_len = 0;       /* peers share this many bits of `own` (S9) */
    Prefix6 address;                 /* of the device; its route is what is on-link (S27) */
    Prefix6 site;                    /* ours */
    std::uint32_t flags = 0;         /* enum fgw_stf_flag */
    std::uint8_t ecn = 0;            /* enum fgw_ecn */
    std::uint8_t ttl = 0;
    std::uint16_t mtu = 0;
    std::uint16_t mss = 0; /* 0: TCP is left alone */
    bool operator==(const Tunnel &) const = default;
};

Tunnel make_tunnel(const config::Stf &stf);
std::vector<Tunnel> make_tunnels(const std::vector<config::Stf> &tunnels);

/* Whether its IPv4 address is on any interface: without it a tunnel claims and sends nothing
 * (S3). */
bool has_address(const Tunnel &tunnel, const Network &network);

/* Why full packets of a tunnel do not go out by its uplink in one piece, "" when they do. */
std::string mtu_obstacle(const Tunnel &tunnel, std::uint32_t uplink_mtu);

/* The entries of fgw_stf for the tunnels whose devices and address are there. */
using StfEntries = std::vector<std::pair<fgw_stf_key, fgw_stf>>;
StfEntries stf_entries(const std::vector<Tunnel> &tunnels, const Network &network);

/* The entries of fgw_ip4. */
using Ip4Entries = std::vector<std::pair<fgw_ip4_key, fgw_ip4_val>>;
Ip4Entries ip4_entries(const std::vector<Tunnel> &tunnels, const Network &network);

/* The device with its address and routes; fails when its name is taken. */
Status make_device(const Tunnel &tunnel);

/* The longest IPv6 packet the device sends. The kernel forgets it when the device goes down or
 * its own MTU changes. */
Status set_mtu(const Tunnel &tunnel);

/* Every device of a tunnel, and every route that we added besides the capture routes. */
Status remove_devices();
Status remove_tunnel_routes();

} // namespace faith::daemon
