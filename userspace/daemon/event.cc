/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/event.h"

#include "daemon/reason_text.h"
#include "daemon/trial.h"
#include "daemon/witness.h"

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

namespace {

const char *hook_name(std::uint32_t hook) {
    switch (hook) {
    case FGW_HOOK_XDP:
        return "xdp";
    case FGW_HOOK_TC:
        return "tc";
    default:
        return "sk_lookup";
    }
}

} // namespace

Json event_json(const fgw_event &event, const acl::Rule *rule, const std::string &interface) {
    const Judgement judgement = judgement_of(event, rule);
    return {{"uptime_ns", event.time_ns},
            {"reason", reason_name(event.reason)},
            {"client", to_string(judgement.request.client)},
            {"client_port", event.source_port},
            {"destination", to_string(judgement.request.destination)},
            {"port", event.destination_port},
            {"target", to_string(judgement.target)},
            {"rule", rule_json(rule)},
            {"generation", event.generation},
            {"interface", interface},
            {"hook", hook_name(event.hook)},
            {"text", describe(judgement)}};
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
