/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/network.h"

#include "faith/names.h"

#include <linux/rtnetlink.h>

#include <algorithm>

namespace faith::daemon {

const sys::Interface *Network::by_name(const std::string &name) const {
    const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                    [&](const sys::Interface &i) { return i.name == name; });
    return found == interfaces.end() ? nullptr : &*found;
}

const sys::Interface *Network::by_index(std::uint32_t index) const {
    const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                    [&](const sys::Interface &i) { return i.index == index; });
    return found == interfaces.end() ? nullptr : &*found;
}

Result<Network> read_network() {
    Network network;
    TRY_ASSIGN(network.interfaces, sys::list_interfaces());
    TRY_ASSIGN(network.addresses4, sys::list_addresses4());
    TRY_ASSIGN(network.addresses6, sys::list_addresses6());
    TRY_ASSIGN(network.routes, sys::list_routes6());
    return network;
}

std::vector<Prefix6> exemptions(const Network &network,
                                const std::vector<prefix::FaithPrefix> &prefixes) {
    std::vector<Prefix6> exempt;
    for (const sys::Route6 &route : network.routes) {
        const bool followed = route.table == RT_TABLE_MAIN || route.table == RT_TABLE_LOCAL;
        if (!followed || route.protocol == FGW_ROUTE_PROTOCOL)
            continue;
        const bool inside =
            std::any_of(prefixes.begin(), prefixes.end(), [&](const prefix::FaithPrefix &p) {
                return route.destination.length > p.prefix.length &&
                       p.prefix.contains(route.destination);
            });
        const bool is_prefix =
            std::any_of(prefixes.begin(), prefixes.end(), [&](const prefix::FaithPrefix &p) {
                return p.prefix == route.destination.masked();
            });
        if (inside && !is_prefix)
            exempt.push_back(route.destination.masked());
    }
    std::sort(exempt.begin(), exempt.end());
    exempt.erase(std::unique(exempt.begin(), exempt.end()), exempt.end());
    return exempt;
}

std::vector<Ip4> own_addresses4(const Network &network) {
    std::vector<Ip4> own;
    for (const sys::Address4 &address : network.addresses4)
        own.push_back(address.prefix.address);
    return own;
}

bool is_own(const std::vector<sys::Address6> &addresses, const sys::Endpoint6 &end) {
    return std::any_of(addresses.begin(), addresses.end(), [&](const sys::Address6 &own) {
        return own.prefix.address == end.address &&
               (!end.address.is_link_local() || own.interface_index == end.scope);
    });
}

Result<bool> is_own_now(const sys::Endpoint6 &end) {
    TRY_ASSIGN(const std::vector<sys::Address6> addresses, sys::list_addresses6());
    return is_own(addresses, end);
}

std::vector<Prefix6> networks_on(const Network &network, const std::set<std::uint32_t> &indexes) {
    std::vector<Prefix6> networks;
    for (const sys::Address6 &address : network.addresses6)
        if (indexes.contains(address.interface_index))
            networks.push_back(address.prefix.masked());
    std::sort(networks.begin(), networks.end());
    networks.erase(std::unique(networks.begin(), networks.end()), networks.end());
    return networks;
}

} // namespace faith::daemon
