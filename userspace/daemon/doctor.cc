/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/doctor.h"

#include "daemon/doctor_findings.h"
#include "daemon/fast_path.h"
#include "faith/names.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>

namespace faith::daemon {

namespace {

constexpr std::size_t most_listed = 8; /* of one kind: the rest would hide the others */
constexpr int rp_filter_strict = 1;

bool is_uplink(const Snapshot &seen, const std::string &name) {
    return std::ranges::any_of(seen.tunnels,
                               [&](const Tunnel &tunnel) { return name == tunnel.uplink; });
}

const Device &device(const Snapshot &seen, const std::string &name) {
    static const Device unknown;
    const auto found = seen.devices.find(name);
    return found == seen.devices.end() ? unknown : found->second;
}

/* Where our XDP runs or is to run, each once. */
std::set<std::string> wanted(const Snapshot &seen) {
    std::set<std::string> names(seen.interfaces.begin(), seen.interfaces.end());
    for (const Tunnel &tunnel : seen.tunnels)
        names.insert(tunnel.uplink);
    return names;
}

std::string quoted_program(const std::string &name) {
    return name.empty() ? "a program" : "the program '" + name + "'";
}

/* --- the gateway itself ------------------------------------------------------------------ */

void check_gateway(const Snapshot &seen, Findings &found) {
    if (seen.loaded && !seen.daemon)
        found.problem("gateway", "daemon",
                      "loaded, but no daemon answers: captured connections are reset",
                      "faith-gw unload; faith-gw load ...");
    if (seen.loaded && !seen.keepfaith)
        found.problem("gateway", "keepfaith", "off: nothing is captured", "faith-gw keepfaith on");
    if (!seen.broken_files.empty())
        found.problem("gateway", "configuration", "a reload would be refused: " + seen.broken_files,
                      "faith-gw check");
    if (!seen.loaded && seen.uplinks_only)
        found.note("gateway", "interfaces",
                   "not loaded, and no interface was named: those of clients are not checked",
                   "faith-gw doctor INTERFACE ...");
    const sys::Interface *lo = seen.network.by_name("lo");
    if (lo == nullptr || !lo->up)
        found.problem("gateway", "lo", "is down, and captured connections pass through it",
                      "ip link set dev lo up");
}

/* --- interfaces -------------------------------------------------------------------------- */

void check_xdp(const Snapshot &seen, const std::string &name, Findings &found) {
    const std::optional<Device::Xdp> &xdp = device(seen, name).xdp;
    if (xdp && !xdp->ours)
        found.problem("conflict", name,
                      quoted_program(xdp->name) + " of somebody else runs at XDP, and faith-gw "
                                                  "does not replace it",
                      "ip link set dev " + name + " xdp off");
    else if (seen.loaded && !xdp)
        found.problem("xdp", name, "is loaded, but our program is not there any more",
                      "faith-gw unload; faith-gw load " + name);
    else if (xdp && xdp->generic)
        found.note("xdp", name,
                   "runs generic XDP, which is slower: its driver has no native one, or its MTU "
                   "is too long for it",
                   "ethtool -i " + name + "; ip link set dev " + name + " mtu 1500");
}

void check_wanted(const Snapshot &seen, const std::string &name, Findings &found) {
    const sys::Interface *interface = seen.network.by_name(name);
    if (interface == nullptr)
        return found.problem("interface", name, "there is no such interface", "ip link");
    if (!interface->up)
        found.problem("interface", name, "is down", "ip link set dev " + name + " up");
    const sys::Interface *master = seen.network.by_index(interface->master_index);
    if (master != nullptr && master->kind == "bridge")
        found.problem("xdp", name,
                      "is a port of the bridge " + master->name +
                          ": XDP cannot know the address of its interface, so frames that are "
                          "only bridged would be judged, too",
                      "faith-gw load " + master->name);
    check_xdp(seen, name, found);
    if (is_uplink(seen, name))
        return;
    if (device(seen, name).ipv6_off)
        found.problem("sysctl", name, "IPv6 is switched off on it",
                      "sysctl -w net.ipv6.conf." + name + ".disable_ipv6=0");
    if (interface->mtu < least_ip6_mtu)
        found.problem("mtu", name,
                      "MTU " + std::to_string(interface->mtu) + ", and IPv6 needs 1280",
                      "ip link set dev " + name + " mtu 1500");
}

void check_interfaces(const Snapshot &seen, Findings &found) {
    const std::set<std::string> names = wanted(seen);
    for (const std::string &name : names)
        check_wanted(seen, name, found);
    for (const auto &[name, other] : seen.devices)
        if (other.xdp && !other.xdp->ours && !names.contains(name))
            found.note("conflict", name,
                       quoted_program(other.xdp->name) +
                           " of somebody else runs at XDP: what it takes never reaches us");
    for (const std::string &name : seen.sk_lookups)
        found.problem("conflict", "sk_lookup",
                      quoted_program(name) + " of somebody else chooses listeners here, too, "
                                             "and may take connections to a prefix",
                      "bpftool link show");
}

/* Answers of servers that come in by another interface than the way to them. */
void check_reverse_path(const Snapshot &seen, Findings &found) {
    std::set<std::uint32_t> with_ip4;
    for (const sys::Address4 &address : seen.network.addresses4)
        if (const sys::Interface *at = seen.network.by_index(address.interface_index);
            at != nullptr && at->name != "lo")
            with_ip4.insert(address.interface_index);
    if (with_ip4.size() < 2)
        return;
    for (const std::uint32_t index : with_ip4) {
        const std::string &name = seen.network.by_index(index)->name;
        if (device(seen, name).rp_filter == rp_filter_strict)
            found.note("sysctl", name,
                       "rp_filter is strict and there is more than one IPv4 interface: what "
                       "comes in here, but would be answered by another one, is dropped",
                       "sysctl -w net.ipv4.conf." + name +
                           ".rp_filter=2 (if routes are not "
                           "symmetrical)");
    }
}

/* --- routes of the prefixes -------------------------------------------------------------- */

bool is_capture(const sys::Route6 &route) {
    return route.type == RTN_LOCAL && route.table == RT_TABLE_MAIN;
}

std::string interface_of(const Snapshot &seen, const sys::Route6 &route) {
    const sys::Interface *interface = seen.network.by_index(route.interface_index);
    return interface == nullptr ? "" : " dev " + interface->name;
}

void check_prefix(const Snapshot &seen, const Prefix6 &prefix, Findings &found) {
    const std::string text = to_string(prefix);
    bool captured = false;
    std::size_t longer = 0;
    for (const sys::Route6 &route : seen.network.routes) {
        if (route.table != RT_TABLE_MAIN && route.table != RT_TABLE_LOCAL)
            continue;
        const Prefix6 to = route.destination.masked();
        if (to == prefix && is_capture(route))
            captured = true;
        else if (to == prefix)
            found.problem("routes", text,
                          "another route leads there" + interface_of(seen, route) + ", metric " +
                              std::to_string(route.metric) + ", and may win over the capture",
                          "ip -6 route del " + text + interface_of(seen, route));
        else if (to.length > prefix.length && prefix.contains(to) && ++longer <= most_listed)
            found.note("routes", to_string(to),
                       "is not captured: a longer route or an own address inside of " + text);
    }
    if (longer > most_listed)
        found.note("routes", text,
                   std::to_string(longer - most_listed) + " more routes inside of it");
    if (seen.loaded && !captured)
        found.problem("routes", text, "its route is gone, so nothing is captured",
                      "ip -6 route add local " + text + " dev lo table main proto " +
                          std::to_string(FGW_ROUTE_PROTOCOL));
    if (!seen.loaded && captured)
        found.note("routes", text,
                   "is routed as local already: left by a gateway that died, or by hand; load "
                   "deals with both");
}

/* --- the fast path ------------------------------------------------------------------------ */

/* What keeps packets of tunnels from going past the stack, and what may break them. */
void check_fast_path(const Snapshot &seen, Findings &found) {
    if (!seen.loaded || !has_fast_path(seen.tunnels))
        return;
    for (const std::string &name : wanted(seen)) {
        const std::optional<Device::Xdp> xdp = device(seen, name).xdp;
        const auto mode =
            xdp && xdp->generic ? datapath::XdpMode::Generic : datapath::XdpMode::Native;
        const std::string note = fast_path_note(name, mode, device(seen, name).driver);
        if (xdp && xdp->ours && !note.empty())
            found.note("fast path", name, note);
    }
}

/* --- DNS64 ------------------------------------------------------------------------------- */

void check_dns64(const Snapshot &seen, Findings &found) {
    if (!seen.dns64 || seen.prefixes.empty())
        return;
    const std::string wanted_prefix = to_string(seen.prefixes.front().prefix);
    if (!seen.dns64->failure.empty())
        return found.note("dns64", "resolver", seen.dns64->failure, "cat /etc/resolv.conf");
    if (seen.dns64->addresses.empty())
        return found.note("dns64", "resolver",
                          "the name server of this machine makes no addresses for names that "
                          "have only IPv4 ones; that of the clients must",
                          "unbound: module-config: \"dns64 iterator\", dns64-prefix: " +
                              wanted_prefix);
    const Ip4 known[] = {{.value = 0xc00000aa}, {.value = 0xc00000ab}}; /* RFC 7050 8.2 */
    for (const prefix::FaithPrefix &prefix : seen.prefixes)
        for (const Ip4 address : known)
            if (std::ranges::count(seen.dns64->addresses, prefix::embed(prefix, address)) != 0)
                return;
    found.problem("dns64", "resolver",
                  "the name server makes addresses as " + to_string(seen.dns64->addresses.front()) +
                      ", which are in no prefix of the gateway",
                  "one prefix for both: dns64-prefix: " + wanted_prefix);
}

} // namespace

std::vector<Finding> diagnose(const Snapshot &seen) {
    Findings found;
    check_gateway(seen, found);
    check_interfaces(seen, found);
    check_reverse_path(seen, found);
    for (const prefix::FaithPrefix &prefix : seen.prefixes)
        check_prefix(seen, prefix.prefix, found);
    for (const Tunnel &tunnel : seen.tunnels)
        check_tunnel(seen, tunnel, found);
    check_fast_path(seen, found);
    check_dns64(seen, found);
    return found.take();
}

nlohmann::json to_json(const Snapshot &seen, const std::vector<Finding> &findings) {
    nlohmann::json list = nlohmann::json::array();
    std::size_t problems = 0;
    for (const Finding &finding : findings) {
        const bool is_problem = finding.severity == Severity::Problem;
        problems += is_problem ? 1 : 0;
        list.push_back({{"severity", is_problem ? "problem" : "note"},
                        {"check", finding.check},
                        {"about", finding.about},
                        {"says", finding.says},
                        {"do", finding.remedy}});
    }
    return {{"loaded", seen.loaded},
            {"problems", problems},
            {"notes", findings.size() - problems},
            {"findings", std::move(list)},
            {"unseen", seen.unseen}};
}

} // namespace faith::daemon
