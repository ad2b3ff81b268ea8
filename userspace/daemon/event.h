/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel tells of a denied connection, with the rule that its verdict names, or of a
 * tunnel's packet with marks that no path makes. Pure. */
#pragma once

#include "daemon/control.h"
#include "daemon/policy.h"
#include "daemon/slot_index.h"
#include "faith/abi.h"

#include <span>

namespace faith::daemon {

/* Null when no rule decided, or when the rules are not those of the event. */
const acl::Rule *deciding_rule(std::uint32_t verdict, std::span<const acl::Rule> rules,
                               const SlotIndex &by_slot);

/* For the witness: the same line as for a refusal of the relay. */
Judgement judgement_of(const fgw_event &event, const acl::Rule *rule);

bool is_of_tunnel(const fgw_event &event);

/* Peer, addresses and marks, for the log (RFC 6040 4.2). */
std::string describe_marks(const fgw_event &event);

/* One line of `events --json`. The interface is named by its index if it has no name. */
Json event_json(const fgw_event &event, const acl::Rule *rule, const std::string &interface);

} // namespace faith::daemon
