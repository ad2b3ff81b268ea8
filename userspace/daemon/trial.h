/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What would be decided about a connection, and by which rule, without making it: the judge
 * of the relay is asked, as he stands or as a file would make him. Pure.
 */
#pragma once

#include "daemon/policy.h"

#include <nlohmann/json.hpp>

#include <optional>

namespace faith::daemon {

using Json = nlohmann::json;

struct Trial {
    fgw_reason reason = FGW_ACL_NO_MATCH;
    const acl::Rule *rule = nullptr; /* the first that matches, also where something else
                                        denies; null when none does */
    RuleSetRef rules;                /* keeps it alive */
};

/* Under the prefix that carries the target best: one permits, if any does. */
Trial try_connection(PolicyInputs inputs, const acl::Packet &packet);

/* {file, line, text}, or null. */
Json rule_json(const acl::Rule *rule);
/* {verdict: "permit" or "deny", reason, sentence, rule, generation}; no generation: null. */
Json to_json(const Trial &trial, std::optional<std::uint32_t> generation);

} // namespace faith::daemon
