/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is in force, read back from the pinned maps and from the rules saved beside them: the
 * same answer with a daemon and without one, and no daemon is held up by it.
 */
#pragma once

#include "daemon/instance.h"
#include "daemon/policy.h"
#include "daemon/slot_index.h"
#include "datapath/pins.h"

#include <cstdint>
#include <vector>

namespace faith::daemon {

struct LiveRules {
    std::uint32_t generation = 0;
    std::vector<acl::Rule> rules;
    std::vector<std::uint32_t> slots; /* of each rule */
    SlotIndex by_slot;
};
Result<LiveRules> read_live_rules(const Instance &instance, const datapath::Maps &maps);

struct RulesWithHits {
    LiveRules live;
    std::vector<std::uint64_t> hits; /* of each rule, all of the one generation */
};
Result<RulesWithHits> read_hits(const Instance &instance, const datapath::Maps &maps);

Result<std::vector<prefix::FaithPrefix>> read_prefixes(const datapath::Maps &maps);

/* Everything that a verdict depends on; what only the relay needs is left at its defaults. */
Result<PolicyInputs> read_policy(const Instance &instance, const datapath::Maps &maps);

} // namespace faith::daemon
