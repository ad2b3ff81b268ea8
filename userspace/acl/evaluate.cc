/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/evaluate.h"

#include <algorithm>

namespace faith::acl {

namespace {

bool port_matches(const Rule &rule, std::uint16_t port) {
    return rule.ports.empty() ||
           std::any_of(rule.ports.begin(), rule.ports.end(), [port](const PortRange &range) {
               return range.first <= port && port <= range.last;
           });
}

} // namespace

Verdict evaluate(std::span<const Rule> rules, const Packet &packet) {
    for (const Rule &rule : rules)
        if (rule.source.contains(packet.source) && rule.target.contains(packet.target) &&
            port_matches(rule, packet.port))
            return {.action = rule.action, .rule = &rule};
    return {.action = Action::Deny, .rule = nullptr};
}

} // namespace faith::acl
