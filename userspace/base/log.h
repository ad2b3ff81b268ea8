/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Logging for daemon and cli, the only rooms that log. log.cc alone includes spdlog. */
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace faith::log {

enum class Level { Error, Warning, Info, Debug };
enum class Target { Journal, Stderr, Syslog };

/* Syslog facility daemon (D10). Before init(), lines go to stderr. */
void init(Target target, Level level, const std::string &ident = "faith-gw");

void error(std::string_view line);
void warning(std::string_view line);
void info(std::string_view line);
void debug(std::string_view line);

} // namespace faith::log
