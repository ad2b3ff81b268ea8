/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/reload.h"

#include "daemon/kernel_rules.h"
#include "daemon/state.h"
#include "daemon/tunnel.h"
#include "faith/names.h"
#include "prefix/target.h"

#include <algorithm>
#include <cstring>

namespace faith::daemon {

namespace {

fgw_deny deny_of(config::Deny deny) {
    switch (deny) {
    case config::Deny::Reset:
        break;
    case config::Deny::Silent:
        return FGW_DENY_SILENT;
    case config::Deny::Prohibited:
        return FGW_DENY_PROHIBITED;
    }
    return FGW_DENY_RESET;
}

constexpr const char *prefixes_key = "[faith] prefixes";

Error refuse_change(const Plan &next, const char *what) {
    return invalid(next.config_file + ": " + what +
                   " cannot change while sessions run; unload, then load");
}

/* Links are pinned by the index of their interface. */
std::set<std::uint32_t> pinned_interfaces(const datapath::Pins &pins) {
    std::set<std::uint32_t> indexes;
    for (const std::string &name : pins.link_names())
        if (name.starts_with(FGW_PIN_XDP_LINK))
            indexes.insert(static_cast<std::uint32_t>(
                std::strtoul(name.c_str() + std::strlen(FGW_PIN_XDP_LINK), nullptr, 10)));
    return indexes;
}

/* The rules in force as the dead daemon left them, with the slots they have. */
Result<RuleSet> rules_left(const Instance &instance, std::uint32_t generation) {
    Result<SavedRules> saved = load_rules(instance, generation);
    if (!saved)
        return std::move(saved).error().wrap("the rules in force are not known");
    acl::Image image;
    image.slots = std::move(saved->slots);
    SlotIndex by_slot(image.slots);
    return RuleSet{.rules = std::move(saved->rules),
                   .image = std::move(image),
                   .lookup = acl::Lookup(acl::Image{}),
                   .warnings = {},
                   .by_slot = std::move(by_slot)};
}

} // namespace

Status refuse_unchangeable(const Plan &before, const Plan &next) {
    if (before.prefixes != next.prefixes)
        return refuse_change(next, prefixes_key);
    if (before.config.relay.workers != next.config.relay.workers)
        return refuse_change(next, "[relay] workers");
    if (make_tunnels(before.config.tunnels) != make_tunnels(next.config.tunnels))
        return refuse_change(next, "[[stf]]");
    return Ok{};
}

datapath::Settings settings_of(const Plan &plan) {
    datapath::Settings settings;
    for (const config::PortRange &range : plan.config.faith.ports)
        settings.ports.push_back({.first = range.first, .last = range.last});
    settings.deny = deny_of(plan.config.faith.deny);
    settings.source_rate = plan.config.relay.max_rate_per_source;
    return settings;
}

datapath::TargetLists targets_of(const Plan &plan, const Network &network) {
    const std::span<const Prefix4> not_global = prefix::not_global();
    return {.never = never_targets(plan.config.faith),
            .own = own_addresses4(network),
            .not_global = {not_global.begin(), not_global.end()}};
}

std::vector<datapath::CapturePrefix> capture_of(const Plan &plan) {
    std::vector<datapath::CapturePrefix> capture;
    for (const prefix::FaithPrefix &prefix : plan.prefixes)
        capture.push_back({.prefix = prefix.prefix,
                           .layout = prefix.layout == prefix::Layout::Rfc6052 ? FGW_LAYOUT_RFC6052
                                                                              : FGW_LAYOUT_FAITH,
                           .global_only = prefix::is_well_known(prefix)});
    return capture;
}

Json describe_reload(const std::vector<acl::Rule> &before, const std::vector<acl::Rule> &after,
                     std::uint32_t generation_before, std::uint32_t generation_after) {
    const acl::Diff diff = acl::diff(before, after);
    return {{"before", generation_before},
            {"after", generation_after},
            {"summary", acl::summary(diff)},
            {"changes", acl::lines(diff, before, after)}};
}

Result<Json> reload_pinned(const Instance &instance, bool dry_run) {
    TRY_ASSIGN(sys::FileLock lock, lock_instance(instance));
    const datapath::Pins pins(instance.netns_inode);
    Result<datapath::PinnedMaps> found = datapath::open_pinned_maps(pins);
    if (!found) { /* a lock of nobody's is not left behind */
        if (found.error().kind == Errc::NotLoaded)
            remove_instance(instance, std::move(lock));
        return std::move(found).error();
    }
    const datapath::PinnedMaps pinned = *std::move(found);
    datapath::AclPublisher publisher(pinned.maps);
    TRY_ASSIGN(const std::uint32_t generation, publisher.generation());
    TRY_ASSIGN(const RuleSet before, rules_left(instance, generation));
    TRY_ASSIGN(const Options options, load_options(instance));
    TRY_ASSIGN(const Plan plan, make_plan(options, &before));
    /* The routes of other prefixes are not there, and those of these would stay: the stack
     * would answer for what is no longer captured. */
    TRY_ASSIGN(const bool same, datapath::captures_exactly(pinned.maps, capture_of(plan)));
    if (!same)
        return refuse_change(plan, prefixes_key);
    TRY_ASSIGN(const Network network, read_network());
    TRY_ASSIGN(const RuleSetRef rules,
               effective_rules(plan, networks_on(network, pinned_interfaces(pins)), &before));
    Json report = describe_reload(before.rules, rules->rules, generation, generation + 1);
    report["warnings"] = warnings_of(plan, *rules);
    if (dry_run)
        return report;

    const KernelRules kernel = kernel_rules(*rules, &before, generation + 1);
    TRY(publisher.prepare(kernel.update));
    TRY(save_rules(instance, *rules, generation + 1));
    TRY(datapath::write_targets(pinned.maps, targets_of(plan, network)));
    TRY(datapath::write_settings(pinned.maps, settings_of(plan)));
    TRY(datapath::write_prefixes(pinned.maps, capture_of(plan),
                                 exemptions(network, plan.prefixes)));
    TRY(publisher.commit(kernel.update));
    forget_rules(instance, generation);
    return report;
}

} // namespace faith::daemon
