/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/doctor_findings.h"
#include "faith/names.h"
#include "prefix/site.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>

namespace faith::daemon {

namespace {

bool is_of_tunnel(const Snapshot &seen, const std::string &name) {
    return std::ranges::any_of(seen.tunnels, [&](const Tunnel &tunnel) {
        return name == tunnel.name || name == tunnel.peer;
    });
}

void check_tunnel_mtu(const Tunnel &tunnel, const sys::Interface &uplink, Findings &found) {
    if (mtu_obstacle(tunnel, uplink.mtu).empty())
        return;
    std::string remedy =
        "ip link set dev " + uplink.name + " mtu " + std::to_string(tunnel.mtu + outer_header);
    if (uplink.mtu >= least_ip6_mtu + outer_header)
        remedy += ", or mtu = " + std::to_string(uplink.mtu - outer_header) + " in [[stf]]";
    found.problem("mtu", tunnel.name, mtu_obstacle(tunnel, uplink.mtu), remedy);
}

/* Once loaded: the device, and the three routes that make_device() added. */
void check_tunnel_device(const Snapshot &seen, const Tunnel &tunnel, Findings &found) {
    const sys::Interface *stf = seen.network.by_name(tunnel.name);
    if (stf == nullptr)
        return found.problem("tunnel", tunnel.name, "its device is gone",
                             "faith-gw unload; faith-gw load ...");
    if (!stf->up)
        found.problem("tunnel", tunnel.name, "is down: nothing goes in or out",
                      "ip link set dev " + tunnel.name + " up");
    const Prefix6 on_link = tunnel.address.masked();
    const auto leads = [&](const Prefix6 &to, const auto &fits) {
        return std::ranges::any_of(seen.network.routes, [&](const sys::Route6 &route) {
            return route.table == RT_TABLE_MAIN && route.destination.masked() == to && fits(route);
        });
    };
    const auto by_device = [&](const sys::Route6 &r) { return r.interface_index == stf->index; };
    /* A link that flaps takes its address along, and that the route. */
    const bool has_address6 =
        std::ranges::any_of(seen.network.addresses6, [&](const sys::Address6 &address) {
            return address.interface_index == stf->index &&
                   address.prefix.address == tunnel.address.address;
        });
    if (stf->up && !has_address6)
        found.problem("tunnel", tunnel.name,
                      "its address " + to_string(tunnel.address) +
                          " is gone, and with it the route",
                      "ip -6 address add " + to_string(tunnel.address) + " dev " + tunnel.name);
    else if (stf->up && !leads(on_link, by_device))
        found.problem("tunnel", tunnel.name, "no route leads to the other sites",
                      "ip -6 route add " + to_string(on_link) + " dev " + tunnel.name);
    if (leads(on_link, [&](const sys::Route6 &r) { return !by_device(r); }))
        found.problem("tunnel", tunnel.name,
                      "another route to " + to_string(on_link) +
                          " competes with that of the "
                          "tunnel",
                      "ip -6 route show " + to_string(on_link));
    if (!leads(tunnel.site, [](const sys::Route6 &r) { return r.type == RTN_BLACKHOLE; }))
        found.note("tunnel", tunnel.name,
                   "what of the own site " + to_string(tunnel.site) +
                       " no network has would go back into the tunnel",
                   "ip -6 route add blackhole " + to_string(tunnel.site) + " proto " +
                       std::to_string(FGW_ROUTE_PROTOCOL));
    if (tunnel.border_relay && stf->up &&
        !leads(Prefix6{}, [](const sys::Route6 &) { return true; }))
        found.problem("tunnel", tunnel.name, "no default route leads to the border relay",
                      "ip -6 route add default dev " + tunnel.name);
}

/* Packets to a next hop are sent by the uplink whatever the routing tables say, and looked for a
 * router there; those from it are taken only where the way back is the uplink (S16). */
void check_next_hop(const Snapshot &seen, const Tunnel &tunnel, const NextHop &hop,
                    Findings &found) {
    const std::string address = to_string(hop.address);
    const std::string whose =
        (tunnel.border_relay == hop.address ? "its border relay " : "its next hop ") + address;
    const std::string route = "ip route add " + address + " via ROUTER dev " + tunnel.uplink;
    if (!hop.interface_index)
        return found.problem("routes", tunnel.name, "no IPv4 route leads to " + whose, route);
    const sys::Interface *by = seen.network.by_index(*hop.interface_index);
    if (by == nullptr || by->name == tunnel.uplink)
        return;
    if (by->name == "lo")
        return found.problem("routes", tunnel.name,
                             whose + " is an address of the gateway itself: it sends nothing there",
                             "ip -6 route show dev " + tunnel.name);
    const std::string says =
        "the way to " + whose + " is " + by->name + ", not the uplink " + tunnel.uplink;
    if ((tunnel.flags & FGW_STF_INGRESS) != 0)
        found.problem("routes", tunnel.name, says + ": the ingress filter drops what comes from it",
                      route + ", or uplink = \"" + by->name + "\" in [[stf]]");
    else
        found.note("routes", tunnel.name, says, route);
}

/* Whether anybody but the gateway can use it. */
void check_site(const Snapshot &seen, const Tunnel &tunnel, Findings &found) {
    const bool has_network =
        std::ranges::any_of(seen.network.addresses6, [&](const sys::Address6 &address) {
            const sys::Interface *at = seen.network.by_index(address.interface_index);
            return at != nullptr && !is_of_tunnel(seen, at->name) &&
                   tunnel.site.contains(address.prefix.address);
        });
    if (!has_network)
        return found.note("tunnel", tunnel.name,
                          "no interface has a network of the site " + to_string(tunnel.site) +
                              ": only the gateway itself is reachable");
    const bool forwards = std::ranges::any_of(seen.devices, [&](const auto &entry) {
        return entry.second.forwards6 && !is_of_tunnel(seen, entry.first);
    });
    if (!forwards)
        found.problem("sysctl", tunnel.name,
                      "no other interface forwards IPv6, so the hosts of the site cannot use it",
                      "sysctl -w net.ipv6.conf.all.forwarding=1");
}

} // namespace

std::vector<NextHop> next_hops_of(const std::vector<Tunnel> &tunnels, const Network &network) {
    std::vector<NextHop> hops;
    for (const Tunnel &tunnel : tunnels) {
        if (!has_address(tunnel, network))
            continue;
        std::set<Ip4> addresses;
        if (tunnel.border_relay)
            addresses.insert(*tunnel.border_relay);
        const sys::Interface *stf = network.by_name(tunnel.name);
        for (const sys::Route6 &route : network.routes) {
            if (stf == nullptr || route.interface_index != stf->index || !route.gateway)
                continue;
            if (const auto site =
                    prefix::site_of(tunnel.shared, tunnel.v4_mask_len, tunnel.own, *route.gateway))
                addresses.insert(*site);
        }
        for (const Ip4 address : addresses)
            hops.push_back({.tunnel = tunnel.name,
                            .from = tunnel.own,
                            .address = address,
                            .interface_index = std::nullopt});
    }
    return hops;
}

void check_tunnel(const Snapshot &seen, const Tunnel &tunnel, Findings &found) {
    const sys::Interface *uplink = seen.network.by_name(tunnel.uplink);
    if (uplink == nullptr)
        return; // said of the interface
    check_tunnel_mtu(tunnel, *uplink, found);
    if (!has_address(tunnel, seen.network))
        found.problem("tunnel", tunnel.name,
                      "its IPv4 address " + to_string(tunnel.own) +
                          " is on no interface: it takes and sends nothing",
                      "ip address add " + to_string(tunnel.own) + "/24 dev " + tunnel.uplink);
    if (seen.loaded)
        check_tunnel_device(seen, tunnel, found);
    for (const NextHop &hop : seen.next_hops)
        if (hop.tunnel == tunnel.name)
            check_next_hop(seen, tunnel, hop, found);
    check_site(seen, tunnel, found);
    for (const sys::Interface &other : seen.network.interfaces)
        if (other.kind == "sit" && other.up && other.local == tunnel.own)
            found.problem("conflict", other.name,
                          "a tunnel device of the kernel has the same end as " + tunnel.name +
                              ", " + to_string(tunnel.own),
                          "ip link del dev " + other.name);
}

} // namespace faith::daemon
