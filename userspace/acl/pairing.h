/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which rules of a new list are those of the old one, wherever they stand. */
#pragma once

#include "acl/rule.h"

#include <span>
#include <vector>

namespace faith::acl {

/* For each rule of the new list, the index of the rule of the old list that means the
 * same, or no_rule. Each old rule is given once; duplicates pair up in order. */
std::vector<std::uint32_t> pair_rules(std::span<const Rule> from, std::span<const Rule> to);

} // namespace faith::acl
