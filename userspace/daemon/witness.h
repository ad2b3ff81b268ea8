/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Puts judgements into the log: refusals, and permissions by rules that say `log`. At
 * most so many lines a second; what was left out is said in the next line. Called from
 * worker threads, never for a connection that a rule without `log` permits.
 */
#pragma once

#include "daemon/policy.h"

#include <functional>
#include <string>

namespace faith::daemon {

inline constexpr std::uint32_t witness_lines_per_second = 10;

std::string describe(const Judgement &judgement);

using Wording = std::function<std::string(const Judgement &)>;
std::function<void(const Judgement &)> make_witness(Wording wording = describe);

} // namespace faith::daemon
