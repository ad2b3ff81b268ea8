/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the network namespace looks like now, and what follows from it for us. Reading
 * is one function; what follows is pure.
 */
#pragma once

#include "base/addr.h"
#include "prefix/prefix.h"
#include "sys/rtnl.h"
#include "sys/socket.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace faith::daemon {

struct Network {
    std::vector<sys::Interface> interfaces;
    std::vector<sys::Address4> addresses4;
    std::vector<sys::Address6> addresses6;
    std::vector<sys::Route6> routes;

    const sys::Interface *by_name(const std::string &name) const;
    const sys::Interface *by_index(std::uint32_t index) const;
};

Result<Network> read_network();

/* What longest match takes out of the prefixes again (F2, F3): own addresses, which are
 * host routes in table local, and longer routes in table main. */
std::vector<Prefix6> exemptions(const Network &network,
                                const std::vector<prefix::FaithPrefix> &prefixes);

/* The IPv4 addresses of the gateway, which it never relays to (D21). */
std::vector<Ip4> own_addresses4(const Network &network);

/* Whether a connection's own end, as accepted, is an address of the gateway (D15): a
 * link-local one is, on its interface alone (D18). */
bool is_own(const std::vector<sys::Address6> &addresses, const sys::Endpoint6 &end);
/* The same with the addresses of this very moment: between the kernel's change and the news
 * of it a connection may have come. */
Result<bool> is_own_now(const sys::Endpoint6 &end);

/* IPv6 networks on these interfaces, host bits cleared. */
std::vector<Prefix6> networks_on(const Network &network, const std::set<std::uint32_t> &indexes);

} // namespace faith::daemon
