/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A list of rules and the tables it compiles to, made once and shared by every policy
 * until the rules change: asking costs the same for ten rules as for a hundred thousand.
 */
#pragma once

#include "acl/image.h"
#include "acl/lookup.h"
#include "acl/rule.h"
#include "daemon/slot_index.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace faith::daemon {

struct RuleSet {
    std::vector<acl::Rule> rules;
    acl::Image image;
    acl::Lookup lookup;                /* of the image */
    std::vector<std::string> warnings; /* "faithd.conf:7: this rule can never match ..." */
    SlotIndex by_slot{};               /* what a verdict of the kernel names */
};
using RuleSetRef = std::shared_ptr<const RuleSet>;

/* `never` are the targets that no rule opens; a rule that tries is warned of. `before` is
 * the set in force, null when there is none: its rules keep their slots. */
Result<RuleSetRef> make_rule_set(std::vector<acl::Rule> rules, std::span<const Prefix4> never,
                                 const RuleSet *before = nullptr);

} // namespace faith::daemon
