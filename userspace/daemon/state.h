/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a running gateway leaves in its run directory for whoever comes after a daemon that
 * died: how it was loaded, and the rules in force with their slots. With these, `reload`,
 * `acl show` and `acl test` work on the pinned maps alone.
 *
 * The rules of each generation are a file of their own, written before the generation is
 * in force and removed when it no longer is. So the file that the generation word names is
 * always there and whole.
 */
#pragma once

#include "daemon/instance.h"
#include "daemon/plan.h"
#include "daemon/rule_set.h"

#include <string>
#include <string_view>
#include <vector>

namespace faith::daemon {

struct SavedRules {
    std::vector<acl::Rule> rules;
    std::vector<std::uint32_t> slots;
};

/* One line a rule: "SLOT FILE-NUMBER LINE RULE", below a line for each file. Pure. */
std::string print_rules(const RuleSet &rules);
Result<SavedRules> read_rules(std::string_view text);

Status save_rules(const Instance &instance, const RuleSet &rules, std::uint32_t generation);
Result<SavedRules> load_rules(const Instance &instance, std::uint32_t generation);
void forget_rules(const Instance &instance, std::uint32_t generation);

/* Only what a reload needs: files, prefixes, permits. */
Status save_options(const Instance &instance, const Options &options);
Result<Options> load_options(const Instance &instance);

/* Every file of these; the directory is removed only when it is empty. */
void remove_state(const Instance &instance);

} // namespace faith::daemon
