/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * First match wins, no match denies (D27, D28). This walk of the list is the oracle:
 * obvious and slow, it stays the definition of what any faster form must answer.
 */
#pragma once

#include "acl/rule.h"

#include <span>

namespace faith::acl {

struct Packet {
    Ip6 source;
    Ip4 target;
    std::uint16_t port = 0; /* destination port, host byte order */
};

struct Verdict {
    Action action = Action::Deny;
    const Rule *rule = nullptr; /* the deciding one; null when none matched */
};

Verdict evaluate(std::span<const Rule> rules, const Packet &packet);

} // namespace faith::acl
