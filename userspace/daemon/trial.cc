/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/trial.h"

#include "acl/evaluate.h"
#include "daemon/reason_text.h"

#include <variant>

namespace faith::daemon {

namespace {

fgw_reason reason_of(const relay::Decision &decision) {
    const relay::Refuse *refused = std::get_if<relay::Refuse>(&decision);
    return refused == nullptr ? FGW_ACL_PERMIT : refused->reason;
}

} // namespace

Trial try_connection(PolicyInputs inputs, const acl::Packet &packet) {
    Trial trial;
    trial.rules = inputs.rules;
    trial.rule = acl::evaluate(trial.rules->rules, packet).rule;
    if (packet.source.is_v4_mapped()) { // the worker looks before it asks the judge
        trial.reason = FGW_CLIENT_NOT_IP6;
        return trial;
    }
    const std::vector<prefix::FaithPrefix> prefixes = inputs.prefixes;
    const relay::PolicyRef policy = make_policy(std::move(inputs));
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        const fgw_reason reason =
            reason_of(policy->judge({.client = packet.source,
                                     .destination = prefix::embed(prefixes[i], packet.target),
                                     .port = packet.port}));
        if (i == 0 || reason == FGW_ACL_PERMIT)
            trial.reason = reason;
    }
    return trial;
}

Json rule_json(const acl::Rule *rule) {
    if (rule == nullptr)
        return nullptr;
    return {{"file", rule->file}, {"line", rule->line}, {"text", to_string(*rule)}};
}

Json to_json(const Trial &trial, std::optional<std::uint32_t> generation) {
    return {{"verdict", trial.reason == FGW_ACL_PERMIT ? "permit" : "deny"},
            {"reason", reason_name(trial.reason)},
            {"sentence", reason_sentence(trial.reason)},
            {"rule", rule_json(trial.rule)},
            {"generation", generation ? Json(*generation) : Json(nullptr)}};
}

} // namespace faith::daemon
