/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command of a local service: the program that serves connections to the gateway's own
 * addresses, as words. The first is the program's path, the others are its arguments with
 * argv[0] among them, as faithd(8) takes them.
 */
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <span>
#include <string>

namespace faith::config {

/* The path alone gives argv[0] its last part: old daemons die without any argv (D5). */
Result<Local> parse_local(std::span<const std::string> words);

} // namespace faith::config
