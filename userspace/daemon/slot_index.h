/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the slot that a verdict word names to the rule it stands for. Pure. */
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace faith::daemon {

class SlotIndex {
public:
    SlotIndex() = default;
    explicit SlotIndex(std::span<const std::uint32_t> slots); /* of each rule, acl::Image */

    /* Index in the list of rules; nothing for a slot that none has. */
    std::optional<std::uint32_t> rule_of(std::uint32_t slot) const;

private:
    std::vector<std::uint32_t> rules_; /* by slot */
};

} // namespace faith::daemon
