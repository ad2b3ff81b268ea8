/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a reload changes, for people: rules that came, went, or stand in another order. */
#pragma once

#include "acl/rule.h"

#include <span>
#include <string>
#include <vector>

namespace faith::acl {

struct Diff {
    std::vector<std::uint32_t> added;   /* index in the new list */
    std::vector<std::uint32_t> removed; /* index in the old list */
    std::vector<std::uint32_t> moved;   /* index in the new list: the same rule, but others
                                           that stood before it now stand behind it */
    std::size_t unchanged = 0;          /* the moved ones included */

    bool empty() const { return added.empty() && removed.empty() && moved.empty(); }
};

Diff diff(std::span<const Rule> from, std::span<const Rule> to);

/* "+3 -1 rules", "+0 -0 rules, 2 moved" */
std::string summary(const Diff &diff);
/* "- faithd.conf:4: RULE" for each that went, then "+ ..." for what came and "~ ..." for
 * what moved. */
std::vector<std::string> lines(const Diff &diff, std::span<const Rule> from,
                               std::span<const Rule> to);

} // namespace faith::acl
