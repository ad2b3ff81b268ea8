/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * faithd.conf -> rules. The grammar of faithd(8) with its undocumented fourth word
 * (D24, D25, D27), the added words `port`, `limit`, `log`, and none of its silence:
 * whatever is not understood is an error "FILE:LINE:COL: what is wrong", and then no
 * rule of the file counts (D26, D29).
 *
 *   line   = [ rule ] [ "#" comment ]
 *   rule   = SRC6["/"len] ("permit" | "deny") DST4["/"len] [ IPV4-SOURCE ] { added }
 *   added  = "port" RANGE{","RANGE} | "limit" N"/s" | "log"      each at most once
 *   RANGE  = PORT [ "-" PORT ]
 *
 * Words are separated by spaces and tabs, keywords are written in any case, addresses
 * and ports are numbers. A line ends in LF or CRLF, or with the file.
 *
 * A text without rules parses to no rules, and no rules permit nothing.
 */
#pragma once

#include "acl/rule.h"
#include "faith/abi.h"

#include <string_view>
#include <vector>

namespace faith::acl {

inline constexpr std::size_t max_rules = FGW_MAX_RULES;
inline constexpr std::size_t max_line_bytes = 4096; /* without the line end */
/* Room for max_rules with long words and comments; a bigger file is something else. */
inline constexpr std::size_t max_text_bytes = 32U << 20;
inline constexpr std::uint32_t max_limit_per_second = 1'000'000'000;

/* Reports up to Complaints::shown mistakes at once, one to a line. */
Result<std::vector<Rule>> parse(std::string_view text, std::string_view file);

} // namespace faith::acl
