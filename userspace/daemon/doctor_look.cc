/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/doctor_look.h"

#include "daemon/control.h"
#include "daemon/kernel_view.h"
#include "daemon/state.h"
#include "datapath/occupants.h"
#include "faith/names.h"
#include "sys/ethtool.h"
#include "sys/resolver.h"
#include "sys/sysctl.h"

#include <algorithm>

namespace faith::daemon {

namespace {

constexpr sys::Millis status_patience{5000};
constexpr int dns_seconds = 2; /* for each name server, of which there are at most three */

int sysctl_of(sys::Family family, const std::string &interface, const std::string &key) {
    const Result<int> value = sys::interface_sysctl(family, interface, key);
    return value ? *value : 0; // no such family here: as if it were off
}

Device look_at(const sys::Interface &interface) {
    Device device;
    device.forwards6 = sysctl_of(sys::Family::Ip6, interface.name, "forwarding") != 0;
    device.ipv6_off = sysctl_of(sys::Family::Ip6, interface.name, "disable_ipv6") != 0;
    device.driver = sys::driver_of(interface.name);
    device.rp_filter = std::max(sysctl_of(sys::Family::Ip4, interface.name, "rp_filter"),
                                sysctl_of(sys::Family::Ip4, "all", "rp_filter"));
    const auto occupant = datapath::find_occupant(interface.index);
    if (occupant && occupant->id != 0)
        device.xdp = Device::Xdp{.name = occupant->name,
                                 .ours = occupant->name == FGW_PROG_XDP,
                                 .generic = occupant->mode == datapath::XdpMode::Generic};
    return device;
}

void look_for_lookups(const Instance &instance, Snapshot &seen) {
    Result<std::vector<std::string>> programs = datapath::sk_lookup_programs(instance.netns_inode);
    if (!programs) {
        seen.unseen.push_back("sk_lookup programs of others (" + programs.error().text + ")");
        return;
    }
    seen.sk_lookups = *std::move(programs);
    std::erase(seen.sk_lookups, FGW_PROG_SK_LOOKUP);
}

/* Without the privilege to ask for names, nobody knows whose an XDP program is. */
void forget_nameless(Snapshot &seen) {
    std::string names;
    for (auto &[name, device] : seen.devices)
        if (device.xdp && device.xdp->name.empty()) {
            names += (names.empty() ? "" : ", ") + name;
            device.xdp->ours = true; // not to be called a stranger
        }
    if (!names.empty())
        seen.unseen.push_back("whose XDP program is on " + names + " (needs root)");
}

Status take_plan(const Options &options, Snapshot &seen) {
    TRY_ASSIGN(const Plan plan, make_plan(options));
    seen.prefixes = plan.prefixes;
    seen.tunnels = make_tunnels(plan.config.tunnels);
    return Ok{};
}

/* A loaded gateway: what it says itself, or what it left. True when there is one. */
Result<bool> take_loaded(const Instance &instance, Snapshot &seen) {
    Result<Answer> live = ask_daemon(instance.socket(), {{"do", "status"}}, status_patience);
    Result<datapath::PinnedMaps> pinned =
        datapath::open_pinned_maps(datapath::Pins(instance.netns_inode));
    if (!live && !pinned) {
        if (live.error().kind == Errc::NotLoaded && pinned.error().kind == Errc::NotLoaded)
            return false;
        seen.unseen.push_back("whether a gateway is loaded (" + pinned.error().text + ")");
        return false;
    }
    seen.loaded = true;
    seen.daemon = live.has_value();
    if (pinned) {
        TRY_ASSIGN(const auto config, pinned->maps.config.find(0));
        seen.keepfaith = config && config->keepfaith != 0;
        TRY_ASSIGN(seen.prefixes, read_prefixes(pinned->maps));
    }
    if (live)
        for (const Json &interface : live->value.value("interfaces", Json::array()))
            seen.interfaces.push_back(interface.value("name", ""));
    return true;
}

void take_saved_plan(const Instance &instance, Snapshot &seen) {
    const std::vector<prefix::FaithPrefix> live = seen.prefixes;
    const Result<Options> saved = load_options(instance);
    if (const Status read = saved ? take_plan(*saved, seen) : Status(saved.error()); !read)
        seen.broken_files = read.error().text;
    seen.prefixes = live;
}

void look_for_ways(Snapshot &seen) {
    for (NextHop &hop : next_hops_of(seen.tunnels, seen.network)) {
        Result<std::optional<std::uint32_t>> way = sys::way_to4(hop.address, hop.from);
        if (!way) {
            seen.unseen.push_back("the way to " + to_string(hop.address) + " (" + way.error().text +
                                  ")");
            continue;
        }
        hop.interface_index = *way;
        seen.next_hops.push_back(std::move(hop));
    }
}

Dns64 ask_dns64() {
    Result<std::vector<Ip6>> answer = sys::resolve6("ipv4only.arpa", dns_seconds);
    if (!answer)
        return {.addresses = {}, .failure = answer.error().text};
    return {.addresses = *std::move(answer), .failure = ""};
}

} // namespace

Result<Snapshot> look(const LookOptions &options) {
    Snapshot seen;
    TRY_ASSIGN(const Instance instance, Instance::here());
    TRY_ASSIGN(const bool loaded, take_loaded(instance, seen));
    if (loaded) {
        take_saved_plan(instance, seen);
    } else {
        TRY(take_plan(options.options, seen));
        seen.interfaces = options.options.interfaces;
        seen.uplinks_only = seen.interfaces.empty();
    }
    TRY_ASSIGN(seen.network, read_network());
    for (const sys::Interface &interface : seen.network.interfaces)
        seen.devices.emplace(interface.name, look_at(interface));
    forget_nameless(seen);
    look_for_lookups(instance, seen);
    look_for_ways(seen);
    if (options.ask_dns)
        seen.dns64 = ask_dns64();
    return seen;
}

} // namespace faith::daemon
