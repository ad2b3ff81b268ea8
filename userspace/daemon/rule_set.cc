/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/rule_set.h"

#include "acl/compile.h"

namespace faith::daemon {

Result<RuleSetRef> make_rule_set(std::vector<acl::Rule> rules, std::span<const Prefix4> never,
                                 const RuleSet *before) {
    acl::CompileOptions options;
    options.never = never;
    if (before != nullptr)
        options.previous = {.rules = before->rules, .slots = before->image.slots};
    TRY_ASSIGN(acl::Compiled compiled, acl::compile(rules, options));
    std::vector<std::string> warnings;
    for (acl::Warning &warning : compiled.warnings)
        warnings.push_back(std::move(warning.text));
    acl::Lookup lookup(compiled.image);
    SlotIndex by_slot(compiled.image.slots);
    return RuleSetRef(std::make_shared<const RuleSet>(RuleSet{
        .rules = std::move(rules),
        .image = std::move(compiled.image),
        .lookup = std::move(lookup),
        .warnings = std::move(warnings),
        .by_slot = std::move(by_slot),
    }));
}

} // namespace faith::daemon
