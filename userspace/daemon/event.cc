/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/event.h"

#include <algorithm>
#include <iterator>

namespace faith::daemon {

namespace {

Ip6 address_of(const __u8 (&bytes)[16]) {
    Ip6 address;
    std::copy(std::begin(bytes), std::end(bytes), address.bytes.begin());
    return address;
}

} // namespace

const acl::Rule *deciding_rule(std::uint32_t verdict, std::span<const acl::Rule> rules,
                               const SlotIndex &by_slot) {
    const std::optional<std::uint32_t> rule = by_slot.rule_of(verdict & FGW_VERDICT_SLOT);
    return rule && *rule < rules.size() ? &rules[*rule] : nullptr;
}

Judgement judgement_of(const fgw_event &event, const acl::Rule *rule) {
    return Judgement{.request = {.client = address_of(event.source),
                                 .destination = address_of(event.destination),
                                 .port = event.destination_port},
                     .reason = static_cast<fgw_reason>(event.reason),
                     .target = Ip4::from_bytes(event.target),
                     .rule = rule};
}

} // namespace faith::daemon
