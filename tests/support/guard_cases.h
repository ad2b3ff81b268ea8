/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one table of packets for every guard: what each is, and the reason it gets. */
#pragma once

#include "guard_oracle.h"
#include "packet.h"

#include <vector>

namespace faith::test {

/* The prefix 2001:db8:f::/96, with a hole in it, and an address captured in the hole. */
const GuardRules &guard_rules();

struct GuardCase {
    const char *name;
    Packet packet;
    fgw_reason reason;

    /* It concerns a prefix: with keepfaith off it would be dropped for that. */
    bool is_to_prefix() const;
};
const std::vector<GuardCase> &guard_cases();

/* In the prefix, captured inside of the hole, in the hole, outside. */
std::vector<Ip6> guard_destinations();

} // namespace faith::test
