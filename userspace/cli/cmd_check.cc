/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/commands.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace faith::cli {

int cmd_check(const daemon::Options &options, Output output) {
    const Result<daemon::Plan> plan = daemon::make_plan(options);
    if (!plan)
        return fail(plan.error());
    const std::vector<std::string> warnings = daemon::warnings_of(*plan, *plan->rules);
    const std::string config = plan->config_file.empty() ? "defaults" : plan->config_file;
    const std::string acl = plan->acl_file.empty() ? "default rules" : plan->acl_file;
    if (output == Output::Json) {
        const nlohmann::json report = {{"config", plan->config_file},
                                       {"prefixes", plan->prefixes.size()},
                                       {"acl", plan->acl_file},
                                       {"rules", plan->rules->rules.size()},
                                       {"warnings", warnings}};
        std::printf("%s\n", report.dump(2).c_str());
        return 0;
    }
    std::printf("%s: good, %zu %s\n", config.c_str(), plan->prefixes.size(),
                plan->prefixes.size() == 1 ? "prefix" : "prefixes");
    std::printf("%s: good, %zu %s\n", acl.c_str(), plan->rules->rules.size(),
                plan->rules->rules.size() == 1 ? "rule" : "rules");
    if (!plan->acl_file.empty() && plan->rules->rules.empty())
        std::printf("%s: no rule at all, so nothing is permitted\n", acl.c_str());
    for (const std::string &warning : warnings)
        std::printf("%s\n", warning.c_str());
    return 0;
}

} // namespace faith::cli
