/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What faithd reads and what it says about it. */
#include "acl/parse.h"
#include "daemon/faithd.h"
#include "daemon/plan.h"
#include "daemon/reason_text.h"
#include "prefix/target.h"
#include "sys/file.h"

#include <cerrno>

namespace faith::daemon {

namespace {

/* Whatever the dataplane permits. */
acl::Rule permit_all() {
    acl::Rule rule;
    rule.source = Prefix6{.address = {}, .length = 0};
    rule.action = acl::Action::Permit;
    rule.target = Prefix4{.address = {}, .length = 0};
    rule.file = "default";
    return rule;
}

/* `limit` is counted in the kernel, for the list of the dataplane. */
std::vector<std::string> limits_without_effect(const std::vector<acl::Rule> &rules) {
    std::vector<std::string> warnings;
    for (const acl::Rule &rule : rules)
        if (rule.limit_per_second)
            warnings.push_back(acl::origin(rule) + ": limit counts only in the list that "
                                                   "faith-gw load reads");
    return warnings;
}

} // namespace

Result<FaithdRules> read_faithd_rules(const FaithdOptions &options) {
    const std::string file = options.rules_file.value_or(fallback_acl);
    std::vector<acl::Rule> rules;
    Result<std::string> text = sys::read_file(file, acl::max_text_bytes);
    if (!text && text.error().sys_errno == ENOENT && !options.rules_file) {
        TRY_ASSIGN(RuleSetRef all, make_rule_set({permit_all()}, {}));
        return FaithdRules{.rules = std::move(all), .file = {}};
    }
    if (!text)
        return invalid("could not load config file: " + text.error().text);
    TRY_ASSIGN(rules, acl::parse(*text, file));
    std::vector<std::string> warnings = limits_without_effect(rules);
    TRY_ASSIGN(const RuleSetRef made, make_rule_set(std::move(rules), prefix::built_in_never()));
    auto set = std::make_shared<RuleSet>(*made);
    set->warnings.insert(set->warnings.end(), warnings.begin(), warnings.end());
    return FaithdRules{.rules = std::move(set), .file = file};
}

std::string describe_for_faithd(const Judgement &judgement, const std::string &service) {
    const std::string from = " from " + to_string(judgement.request.client) + " to " +
                             to_string(judgement.request.destination);
    if (judgement.reason == FGW_NOT_CAPTURED)
        return "no local service for " + service + from;
    const std::string target = to_string(judgement.target);
    std::string why = judgement.rule == nullptr ? std::string(reason_sentence(judgement.reason))
                                                : acl::origin(*judgement.rule);
    if (judgement.reason == FGW_ACL_PERMIT)
        return "translating to " + target + from + " (" + why + ")";
    std::string line = "translation to " + target + " not permitted";
    if (judgement.rule != nullptr)
        line += " for " + to_string(judgement.rule->source);
    return line + from + " (" + why + ")";
}

} // namespace faith::daemon
