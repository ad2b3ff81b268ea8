/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guard once more, slow and obvious: takes the frame apart first, judges afterwards,
 * shares no line with bpf/lib. The programs are compared with it over many packets.
 */
#pragma once

#include "base/addr.h"
#include "packet.h"

#include "faith/reasons.h"

#include <string>
#include <vector>

namespace faith::test {

struct GuardRules {
    std::vector<Prefix6> capture;
    std::vector<Prefix6> exempt;
    bool keepfaith = true;
};

fgw_reason guard_oracle(const GuardRules &rules, const Bytes &frame);

/* "DROP_UDP", for messages and for names in golden files. */
std::string reason_name(std::uint64_t reason);

} // namespace faith::test
