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

/* By the names of RFC 3168 5. */
const char *mark_name(std::uint8_t mark) {
    static constexpr const char *names[] = {"Not-ECT", "ECT(1)", "ECT(0)", "CE"};
    return names[mark & 3];
}

} // namespace

bool is_of_tunnel(const fgw_event &event) { return event.reason >= FGW_FIRST_STF; }

std::string describe_marks(const fgw_event &event) {
    return "tunnel packet of " + to_string(Ip4::from_bytes(event.target)) + ", from " +
           to_string(address_of(event.source)) + " to " + to_string(address_of(event.destination)) +
           ", marked " + mark_name(event.inner_mark) + " inside and " +
           mark_name(event.outer_mark) + " outside: " + reason_sentence(event.reason);
}

Json event_json(const fgw_event &event, const acl::Rule *rule, const std::string &interface) {
    if (is_of_tunnel(event))
        return {{"uptime_ns", event.time_ns},
                {"reason", reason_name(event.reason)},
                {"peer", to_string(Ip4::from_bytes(event.target))},
                {"source", to_string(address_of(event.source))},
                {"destination", to_string(address_of(event.destination))},
                {"inner_mark", mark_name(event.inner_mark)},
                {"outer_mark", mark_name(event.outer_mark)},
                {"interface", interface},
                {"hook", hook_name(event.hook)},
                {"text", describe_marks(event)}};
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
