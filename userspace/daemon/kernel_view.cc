/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/kernel_view.h"

#include "daemon/state.h"
#include "datapath/acl_publisher.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace faith::daemon {

namespace {

/* A reload may come between two reads; one after another in no time does not happen. */
constexpr int attempts = 10;

Prefix6 prefix_of(const fgw_prefix_key &key) {
    Prefix6 prefix{.address = {}, .length = static_cast<std::uint8_t>(key.prefix_len)};
    std::copy(std::begin(key.addr), std::end(key.addr), prefix.address.bytes.begin());
    return prefix;
}

/* The layout tells the two readings of a length apart. */
prefix::FaithPrefix captured(const fgw_prefix_key &key, const fgw_prefix_val &value) {
    return {.prefix = prefix_of(key),
            .layout = value.layout == FGW_LAYOUT_RFC6052 ? prefix::Layout::Rfc6052
                                                         : prefix::Layout::FaithLast32};
}

Error changes_all_the_time() {
    return Error{.kind = Errc::Busy,
                 .sys_errno = 0,
                 .text = "the rules are being reloaded again and again; try once more"};
}

Status read_targets(const datapath::Maps &maps, PolicyInputs &inputs) {
    TRY_ASSIGN(const auto entries, maps.targets.entries());
    for (const auto &[key, value] : entries) {
        const Prefix4 prefix{.address = Ip4::from_bytes(key.addr),
                             .length = static_cast<std::uint8_t>(key.prefix_len)};
        if (value.never)
            inputs.never.push_back(prefix);
        if (value.own)
            inputs.own_addresses.push_back(prefix.address);
    }
    return Ok{};
}

} // namespace

Result<LiveRules> read_live_rules(const Instance &instance, const datapath::Maps &maps) {
    for (int attempt = 0; attempt < attempts; ++attempt) {
        TRY_ASSIGN(const std::uint32_t generation, datapath::AclPublisher(maps).generation());
        Result<SavedRules> saved = load_rules(instance, generation);
        if (saved) {
            SlotIndex by_slot(saved->slots);
            return LiveRules{.generation = generation,
                             .rules = std::move(saved->rules),
                             .slots = std::move(saved->slots),
                             .by_slot = std::move(by_slot)};
        }
        if (saved.error().sys_errno != ENOENT)
            return std::move(saved).error();
    }
    return Error{.kind = Errc::System,
                 .sys_errno = ENOENT,
                 .text = "the rules in force are not known: no list in " + instance.directory()};
}

Result<RulesWithHits> read_hits(const Instance &instance, const datapath::Maps &maps) {
    for (int attempt = 0; attempt < attempts; ++attempt) {
        RulesWithHits read;
        TRY_ASSIGN(read.live, read_live_rules(instance, maps));
        TRY_ASSIGN(read.hits, maps.hits.sums_of(read.live.slots));
        TRY_ASSIGN(const std::uint32_t generation, datapath::AclPublisher(maps).generation());
        if (generation == read.live.generation) // else a slot may stand for another rule
            return read;
    }
    return changes_all_the_time();
}

Result<std::vector<prefix::FaithPrefix>> read_prefixes(const datapath::Maps &maps) {
    TRY_ASSIGN(const auto entries, maps.prefixes.entries());
    std::vector<prefix::FaithPrefix> prefixes;
    for (const auto &[key, value] : entries)
        if (value.kind == FGW_PREFIX_CAPTURE)
            prefixes.push_back(captured(key, value));
    return prefixes;
}

Result<PolicyInputs> read_policy(const Instance &instance, const datapath::Maps &maps) {
    PolicyInputs inputs{};
    TRY_ASSIGN(inputs.prefixes, read_prefixes(maps));
    TRY_ASSIGN(const auto entries, maps.prefixes.entries());
    for (const auto &[key, value] : entries)
        if (value.kind == FGW_PREFIX_EXEMPT)
            inputs.exempt.push_back(prefix_of(key));
    TRY(read_targets(maps, inputs));
    TRY_ASSIGN(LiveRules live, read_live_rules(instance, maps));
    inputs.generation = live.generation;
    TRY_ASSIGN(inputs.rules, make_rule_set(std::move(live.rules), {}));
    return inputs;
}

} // namespace faith::daemon
