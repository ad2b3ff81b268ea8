/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/tunnel.h"

#include "faith/names.h"
#include "prefix/site.h"
#include "sys/sysctl.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace faith::daemon {

namespace {

/* Joined segments and their outer header must fit an IPv4 length. */
constexpr std::uint32_t longest_gso = 65535 - outer_header;
/* A veth loses what comes in longer than its MTU, and a far end may send more than we do: at
 * least 1500 bytes must be taken (RFC 4213 3.6), and we take whatever IPv4 can carry. What we
 * send is bounded by the MTU that IPv6 has of its own. */
constexpr std::uint32_t device_mtu = 65535;
/* Any other default route is better than the one by a border relay. */
constexpr std::uint32_t default_route_metric = 4096;

/* TCP without options in a packet of that length (RFC 9293 3.7.1). */
std::uint16_t mss_of(std::uint16_t mtu) { return static_cast<std::uint16_t>(mtu - 40 - 20); }

std::uint8_t ecn_of(config::Ecn mode) {
    switch (mode) {
    case config::Ecn::Copy:
        return FGW_ECN_COPY;
    case config::Ecn::Rfc6040:
        return FGW_ECN_RFC6040;
    case config::Ecn::Compatibility:
        return FGW_ECN_COMPATIBILITY;
    }
    return FGW_ECN_COPY;
}

void set_6to4(const config::Stf &stf, Tunnel &tunnel) {
    tunnel.shared = prefix::six_to_four();
    tunnel.address = *stf.address;
    tunnel.peer_len = static_cast<std::uint8_t>(stf.address->length - tunnel.shared.length);
    tunnel.flags |= FGW_STF_6TO4;
    if (stf.permit_rfc1918)
        tunnel.flags |= FGW_STF_PRIVATE_OUTER;
}

void set_6rd(const config::Sixrd &sixrd, Tunnel &tunnel) {
    tunnel.shared = sixrd.prefix;
    tunnel.v4_mask_len = sixrd.ipv4_mask_len;
    tunnel.flags |= FGW_STF_PRIVATE_OUTER; /* a domain may use any addresses (S18) */
    if (!sixrd.border_relay || *sixrd.border_relay == sixrd.ipv4)
        tunnel.flags |= FGW_STF_RELAYS;
    else
        tunnel.border_relay = sixrd.border_relay;
}

template <std::size_t N, class From>
void copy_bytes(const From &from, __u8 (&to)[N]) {
    static_assert(std::tuple_size_v<From> == N);
    std::copy(from.begin(), from.end(), to);
}

fgw_stf stf_of(const Tunnel &tunnel, const sys::Interface &uplink, const sys::Interface &device,
               const sys::Interface &peer) {
    fgw_stf stf{};
    copy_bytes(tunnel.shared.address.bytes, stf.prefix);
    copy_bytes(tunnel.own.bytes(), stf.address);
    copy_bytes(tunnel.border_relay.value_or(Ip4{}).bytes(), stf.border_relay);
    stf.prefix_len = tunnel.shared.length;
    stf.v4_mask_len = tunnel.v4_mask_len;
    stf.peer_len = tunnel.peer_len;
    stf.ttl = tunnel.ttl;
    stf.ecn = tunnel.ecn;
    stf.mtu = tunnel.mtu;
    stf.mss = tunnel.mss;
    stf.flags = tunnel.flags;
    stf.uplink = uplink.index;
    stf.device = device.index;
    stf.peer = peer.index;
    copy_bytes(device.mac, stf.device_mac);
    copy_bytes(peer.mac, stf.peer_mac);
    return stf;
}

fgw_stf_key key_of(std::uint32_t ifindex, Ip4 address) {
    fgw_stf_key key{.ifindex = ifindex, .address = {}};
    copy_bytes(address.bytes(), key.address);
    return key;
}

std::uint32_t mask_of(std::uint8_t length) {
    return length == 0 ? 0 : 0xffffffffU << (32 - length);
}

bool is_tunnel_device(const sys::Interface &interface) {
    return interface.alias == FGW_STF_ALIAS || interface.alias == FGW_STF_PEER_ALIAS;
}

/* bpf_fib_lookup() answers for forwarding interfaces only (bpf/lib/route.h). The peer needs
 * no IPv6 of its own: what it said would only be taken for traffic of the tunnel. */
Status set_sysctls(const Tunnel &tunnel) {
    TRY(sys::set_interface_sysctl(sys::Family::Ip6, tunnel.name, "forwarding", 1));
    TRY(sys::set_interface_sysctl(sys::Family::Ip4, tunnel.peer, "forwarding", 1));
    return sys::set_interface_sysctl(sys::Family::Ip6, tunnel.peer, "disable_ipv6", 1);
}

Error taken(const Tunnel &tunnel, Error error) {
    if (error.sys_errno == EEXIST)
        error.text +=
            "; is there another interface called " + tunnel.name + " or " + tunnel.peer + "?";
    return error;
}

} // namespace

Tunnel make_tunnel(const config::Stf &stf) {
    Tunnel tunnel;
    tunnel.name = stf.name;
    tunnel.peer = stf.name + FGW_STF_PEER_SUFFIX;
    tunnel.uplink = stf.uplink;
    tunnel.own = config::own_ip4(stf);
    tunnel.ecn = ecn_of(stf.ecn);
    tunnel.ttl = stf.ttl;
    tunnel.mtu = stf.mtu;
    if (stf.mss_clamp)
        tunnel.mss = *stf.mss_clamp != 0 ? *stf.mss_clamp : mss_of(stf.mtu);
    if (stf.ecn_log)
        tunnel.flags |= FGW_STF_ECN_LOG;
    if (stf.pmtu_discovery)
        tunnel.flags |= FGW_STF_PMTU;
    if (stf.input)
        tunnel.flags |= FGW_STF_INPUT;
    if (stf.ingress_filter)
        tunnel.flags |= FGW_STF_INGRESS;
    if (stf.permit_rfc1918)
        tunnel.flags |= FGW_STF_PRIVATE_6TO4;
    if (stf.fast_path)
        tunnel.flags |= FGW_STF_FAST;
    if (stf.sixrd)
        set_6rd(*stf.sixrd, tunnel);
    else
        set_6to4(stf, tunnel);
    tunnel.site = prefix::site_prefix(tunnel.shared, tunnel.v4_mask_len, tunnel.own);
    if (stf.sixrd)
        tunnel.address = {.address = prefix::host_in(tunnel.site, 1),
                          .length = tunnel.shared.length};
    return tunnel;
}

std::vector<Tunnel> make_tunnels(const std::vector<config::Stf> &tunnels) {
    std::vector<Tunnel> made;
    std::transform(tunnels.begin(), tunnels.end(), std::back_inserter(made), make_tunnel);
    return made;
}

bool has_address(const Tunnel &tunnel, const Network &network) {
    return std::any_of(
        network.addresses4.begin(), network.addresses4.end(),
        [&](const sys::Address4 &address) { return address.prefix.address == tunnel.own; });
}

std::string mtu_obstacle(const Tunnel &tunnel, std::uint32_t uplink_mtu) {
    if (uplink_mtu >= tunnel.mtu + outer_header)
        return "";
    std::string text = "MTU " + std::to_string(tunnel.mtu) +
                       " and an outer header of 20 bytes do not fit the MTU of " + tunnel.uplink +
                       ", " + std::to_string(uplink_mtu);
    if (uplink_mtu < least_ip6_mtu + outer_header)
        text +=
            ", which leaves less than the 1280 that IPv6 needs: every full packet is cut in two";
    return text;
}

StfEntries stf_entries(const std::vector<Tunnel> &tunnels, const Network &network) {
    StfEntries entries;
    for (const Tunnel &tunnel : tunnels) {
        const sys::Interface *uplink = network.by_name(tunnel.uplink);
        const sys::Interface *device = network.by_name(tunnel.name);
        const sys::Interface *peer = network.by_name(tunnel.peer);
        const bool there = uplink != nullptr && device != nullptr && peer != nullptr;
        /* Down means down (S9, S22). */
        if (!there || !device->up || !has_address(tunnel, network))
            continue;
        const fgw_stf stf = stf_of(tunnel, *uplink, *device, *peer);
        entries.emplace_back(key_of(uplink->index, tunnel.own), stf);
        entries.emplace_back(key_of(peer->index, Ip4{}), stf);
        if ((tunnel.flags & FGW_STF_FAST) != 0)
            entries.emplace_back(key_of(device->index, Ip4{}), stf);
    }
    return entries;
}

Ip4Entries ip4_entries(const std::vector<Tunnel> &tunnels, const Network &network) {
    std::map<Ip4, std::uint32_t> kinds;
    for (const sys::Address4 &address : network.addresses4) {
        const std::uint8_t length = address.prefix.length;
        kinds[address.prefix.address] |= FGW_IP4_OWN;
        if (address.broadcast.value != 0)
            kinds[address.broadcast] |= FGW_IP4_BROADCAST;
        /* The kernel treats it as one whatever the address was given with. */
        if (length < 31)
            kinds[Ip4{.value = address.prefix.address.value | ~mask_of(length)}] |=
                FGW_IP4_BROADCAST;
    }
    for (const Tunnel &tunnel : tunnels)
        if ((tunnel.flags & FGW_STF_6TO4) != 0 && has_address(tunnel, network))
            kinds[tunnel.own] |= FGW_IP4_SITE;
    Ip4Entries entries;
    for (const auto &[address, kind] : kinds) {
        fgw_ip4_key key{};
        copy_bytes(address.bytes(), key.address);
        entries.emplace_back(key, fgw_ip4_val{.kinds = kind});
    }
    return entries;
}

Status make_device(const Tunnel &tunnel) {
    Status added = sys::add_pair({.device = tunnel.name,
                                  .device_alias = FGW_STF_ALIAS,
                                  .peer = tunnel.peer,
                                  .peer_alias = FGW_STF_PEER_ALIAS,
                                  .mtu = device_mtu,
                                  .longest_gso = longest_gso});
    if (!added)
        return taken(tunnel, std::move(added).error());
    TRY(set_sysctls(tunnel));
    TRY_ASSIGN(const Network network, read_network());
    const sys::Interface *device = network.by_name(tunnel.name);
    const sys::Interface *peer = network.by_name(tunnel.peer);
    if (device == nullptr || peer == nullptr)
        return Error{.kind = Errc::System,
                     .sys_errno = ENODEV,
                     .text = "interface " + tunnel.name + " is gone already"};
    TRY(sys::set_up(peer->index));
    TRY(sys::set_up(device->index));
    TRY(set_mtu(tunnel));
    TRY(sys::add_address6(device->index, tunnel.address));
    /* What of the site no network of ours has must not go back into the tunnel (R18). */
    TRY(sys::add_blackhole6(tunnel.site, FGW_ROUTE_PROTOCOL));
    if (!tunnel.border_relay)
        return Ok{};
    return sys::add_device_route6(Prefix6{}, device->index, default_route_metric,
                                  FGW_ROUTE_PROTOCOL);
}

Status set_mtu(const Tunnel &tunnel) {
    return sys::set_interface_sysctl(sys::Family::Ip6, tunnel.name, "mtu", tunnel.mtu);
}

Status remove_devices() {
    TRY_ASSIGN(const std::vector<sys::Interface> interfaces, sys::list_interfaces());
    for (const sys::Interface &interface : interfaces)
        if (is_tunnel_device(interface))
            TRY(sys::remove_interface(interface.index));
    return Ok{};
}

Status remove_tunnel_routes() {
    TRY_ASSIGN(const std::vector<sys::Route6> routes, sys::list_routes6());
    for (const sys::Route6 &route : routes)
        if (route.protocol == FGW_ROUTE_PROTOCOL && route.type != RTN_LOCAL)
            TRY(sys::remove_route6(route));
    return Ok{};
}

} // namespace faith::daemon
