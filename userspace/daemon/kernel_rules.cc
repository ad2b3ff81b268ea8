/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/kernel_rules.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>

namespace faith::daemon {

namespace {

std::string without_directory(const std::string &file) { return file.substr(file.rfind('/') + 1); }

fgw_rule kernel_rule(const acl::Rule &rule) {
    fgw_rule made{};
    made.line = rule.line;
    made.limit_per_second = rule.limit_per_second.value_or(0);
    std::ranges::copy(rule.source.masked().address.bytes, made.source);
    std::ranges::copy(rule.target.masked().address.bytes(), made.target);
    made.source_len = rule.source.length;
    made.target_len = rule.target.length;
    made.permit = rule.action == acl::Action::Permit ? 1 : 0;
    made.log = rule.log ? 1 : 0;
    made.port_ranges = static_cast<std::uint32_t>(rule.ports.size());
    const std::string file = without_directory(rule.file);
    std::copy_n(file.begin(), std::min(file.size(), sizeof made.file - 1), made.file);
    return made;
}

std::vector<std::uint32_t> sorted(std::vector<std::uint32_t> slots) {
    std::ranges::sort(slots);
    return slots;
}

/* Whether the kernel has that rule in that slot already, its line included. */
bool is_there(const RuleSet &before, std::uint32_t slot, const fgw_rule &rule) {
    const std::optional<std::uint32_t> index = before.by_slot.rule_of(slot);
    if (!index)
        return false;
    const fgw_rule present = kernel_rule(before.rules[*index]);
    return std::memcmp(&present, &rule, sizeof rule) == 0; /* no padding: tests/abi */
}

} // namespace

KernelRules kernel_rules(const RuleSet &rules, const RuleSet *before, std::uint32_t generation) {
    KernelRules made{.tables = acl::lay_out(rules.image, generation), .update = {}};
    datapath::AclUpdate &update = made.update;
    update.generation = generation;
    update.blocks = made.tables.blocks;
    const std::vector<std::uint32_t> now = sorted(rules.image.slots);
    const std::vector<std::uint32_t> then =
        before == nullptr ? std::vector<std::uint32_t>() : sorted(before->image.slots);
    std::ranges::set_difference(now, then, std::back_inserter(update.fresh));
    std::ranges::set_difference(then, now, std::back_inserter(update.gone));
    for (std::size_t i = 0; i < rules.rules.size(); ++i) {
        const std::uint32_t slot = rules.image.slots[i];
        const fgw_rule rule = kernel_rule(rules.rules[i]);
        if (before != nullptr && is_there(*before, slot, rule))
            continue;
        update.slots.push_back(slot);
        update.rules.push_back(rule);
    }
    return made;
}

} // namespace faith::daemon
