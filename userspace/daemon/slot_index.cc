/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/slot_index.h"

#include "acl/image.h"

#include <algorithm>

namespace faith::daemon {

SlotIndex::SlotIndex(std::span<const std::uint32_t> slots) {
    if (slots.empty())
        return;
    rules_.assign(std::ranges::max(slots) + std::size_t{1}, acl::no_rule);
    for (std::uint32_t rule = 0; rule < slots.size(); ++rule)
        rules_[slots[rule]] = rule;
}

std::optional<std::uint32_t> SlotIndex::rule_of(std::uint32_t slot) const {
    if (slot >= rules_.size() || rules_[slot] == acl::no_rule)
        return std::nullopt;
    return rules_[slot];
}

} // namespace faith::daemon
