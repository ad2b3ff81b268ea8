/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any text is rules or errors with a place; rules print back to the same rules, and the
 * list without a mistake is as long as its lines. */
#include "acl/evaluate.h"
#include "acl/parse.h"
#include "tests/fuzz/fuzz.h"

using namespace faith;
using fuzz::promise;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Result<std::vector<acl::Rule>> rules = acl::parse(fuzz::text_of(data, size), "f");
    if (!rules) {
        fuzz::promise_error(rules.error().text);
        return 0;
    }
    std::string printed;
    std::uint32_t last_line = 0;
    for (const acl::Rule &rule : *rules) {
        printed += acl::to_string(rule) + "\n";
        promise(rule.line > last_line, "rules come in the order of their lines");
        promise(!rule.limit_per_second || (*rule.limit_per_second >= 1 &&
                                           *rule.limit_per_second <= acl::max_limit_per_second),
                "a limit is one that a bucket can keep");
        last_line = rule.line;
    }
    Result<std::vector<acl::Rule>> again = acl::parse(printed, "f");
    promise(again.has_value(), "what is printed parses");
    promise(again->size() == rules->size(), "as many rules");
    for (std::size_t i = 0; i < rules->size(); i++)
        promise((*again)[i].same_meaning((*rules)[i]), "the same rules");

    /* Each rule decides about its own first address and port, or an earlier one does. */
    for (const acl::Rule &rule : *rules) {
        const acl::Verdict verdict = acl::evaluate(
            *rules, {.source = rule.source.masked().address,
                     .target = rule.target.masked().address,
                     .port = rule.ports.empty() ? std::uint16_t{1} : rule.ports.front().first});
        promise(verdict.rule != nullptr && verdict.rule <= &rule, "first match");
    }
    return 0;
}
