/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A list of rules and the tables it compiles to, made once and shared by every policy
 * until the rules change: asking costs the same for ten rules as for a hundred thousand.
 */
#pragma once

#include "acl/lookup.h"
#include "acl/rule.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace faith::daemon {

struct RuleSet {
    std::vector<acl::Rule> rules;
    acl::Lookup lookup;
    std::vector<std::string> warnings; /* "faithd.conf:7: this rule can never match ..." */
};
using RuleSetRef = std::shared_ptr<const RuleSet>;

/* `never` are the targets that no rule opens; a rule that tries is warned of. */
Result<RuleSetRef> make_rule_set(std::vector<acl::Rule> rules, std::span<const Prefix4> never);

} // namespace faith::daemon
