/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading the configuration again: what may change under live sessions, what would change,
 * and the same done on the pinned maps when no daemon runs. The daemon's own reload is in
 * gateway_live.cc; both end in AclPublisher.
 */
#pragma once

#include "acl/diff.h"
#include "daemon/instance.h"
#include "daemon/network.h"
#include "daemon/plan.h"
#include "datapath/dataplane.h"

#include <nlohmann/json.hpp>

#include <set>

namespace faith::daemon {

using Json = nlohmann::json;

/* Invalid, naming it, when the files ask for something that only `load` can do. */
Status refuse_unchangeable(const Plan &before, const Plan &next);

/* What follows from a plan for the maps. */
datapath::Settings settings_of(const Plan &plan);
datapath::TargetLists targets_of(const Plan &plan, const Network &network);
std::vector<datapath::CapturePrefix> capture_of(const Plan &plan);

/* The answer to a reload request: {"before", "after", "summary", "changes", "warnings",
 * "milliseconds", "revoked" or "affected" when asked for}. */
Json describe_reload(const std::vector<acl::Rule> &before, const std::vector<acl::Rule> &after,
                     std::uint32_t generation_before, std::uint32_t generation_after);

/* Without a daemon: under the instance lock, on the pinned maps. NotLoaded when nothing is
 * pinned either. */
Result<Json> reload_pinned(const Instance &instance, bool dry_run);

} // namespace faith::daemon
