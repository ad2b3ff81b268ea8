/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * faithd.conf -> rules. The grammar of faithd(8) with its undocumented fourth word
 * (D24, D25, D27), the added words `port`, `limit`, `log`, and none of its silence:
 * whatever is not understood is an error "FILE:LINE:COL: what is wrong", and then no
 * rule of the file counts (D26, D29).
 */
#pragma once

#include "acl/rule.h"

#include <string_view>
#include <vector>

namespace faith::acl {

inline constexpr std::size_t max_rules = 200'000;
inline constexpr std::size_t max_line_bytes = 4096;

Result<std::vector<Rule>> parse(std::string_view text, std::string_view file);

} // namespace faith::acl
