/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What holds for IPv4 targets whatever the rules say, as the map fgw_targets has it. A
 * lookup finds only the longest entry, so each one repeats what is said of the prefixes
 * around it: 10.1.2.3, an own address, is private as 10.0.0.0/8 is.
 */
#pragma once

#include "base/addr.h"
#include "datapath/object.h"

#include <span>
#include <utility>
#include <vector>

namespace faith::datapath {

struct TargetLists {
    std::vector<Prefix4> never;
    std::vector<Ip4> own;
    std::vector<Prefix4> not_global;
};

using TargetEntry = std::pair<fgw_target_key, fgw_target_val>;

/* By address, outer before inner; pure. */
std::vector<TargetEntry> make_target_entries(const TargetLists &lists);

/* Makes the map hold exactly these. At no moment is a target open that both the lists
 * before and these close. */
Status write_targets(const Maps &maps, const TargetLists &lists);

} // namespace faith::datapath
