/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

#include <syslog.h>

namespace faith::log {

namespace {

constexpr const char *registered = "faith-gw"; /* among loggers of spdlog */

spdlog::sink_ptr make_sink(Target target, const std::string &ident) {
    switch (target) {
    case Target::Journal:
        return std::make_shared<spdlog::sinks::systemd_sink_mt>(ident);
    case Target::Syslog:
        return std::make_shared<spdlog::sinks::syslog_sink_mt>(ident, LOG_PID, LOG_DAEMON, false);
    case Target::Stderr:
        break;
    }
    return std::make_shared<spdlog::sinks::stderr_sink_mt>();
}

spdlog::level::level_enum level_of(Level level) {
    switch (level) {
    case Level::Error:
        return spdlog::level::err;
    case Level::Warning:
        return spdlog::level::warn;
    case Level::Info:
        return spdlog::level::info;
    case Level::Debug:
        return spdlog::level::debug;
    }
    return spdlog::level::info;
}

spdlog::logger &logger() {
    static spdlog::logger fallback(registered, make_sink(Target::Stderr, registered));
    const std::shared_ptr<spdlog::logger> chosen = spdlog::get(registered);
    return chosen ? *chosen : fallback;
}

} // namespace

void init(Target target, Level level, const std::string &ident) {
    spdlog::drop(registered);
    const auto chosen = std::make_shared<spdlog::logger>(registered, make_sink(target, ident));
    chosen->set_level(level_of(level));
    chosen->flush_on(spdlog::level::warn);
    chosen->set_pattern(target == Target::Stderr ? "%Y-%m-%d %H:%M:%S %l: %v" : "%v");
    spdlog::register_logger(chosen);
}

void error(std::string_view line) { logger().error("{}", line); }
void warning(std::string_view line) { logger().warn("{}", line); }
void info(std::string_view line) { logger().info("{}", line); }
void debug(std::string_view line) { logger().debug("{}", line); }

} // namespace faith::log
