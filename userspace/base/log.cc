/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/log.h"

#include "base/systemd.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <syslog.h>

#include <mutex>

namespace faith::log {

namespace {

constexpr const char *registered = "faith-gw"; /* among loggers of spdlog */

int priority_of(spdlog::level::level_enum level) {
    switch (level) {
    case spdlog::level::err:
        return LOG_ERR;
    case spdlog::level::warn:
        return LOG_WARNING;
    case spdlog::level::debug:
        return LOG_DEBUG;
    default:
        return LOG_INFO;
    }
}

/* spdlog's own systemd_sink would have us linked with libsystemd. */
class JournalSink : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit JournalSink(std::string ident) : ident_(std::move(ident)) {}

protected:
    void sink_it_(const spdlog::details::log_msg &message) override {
        const Status written =
            systemd::journal(priority_of(message.level), ident_,
                             std::string_view(message.payload.data(), message.payload.size()));
        if (!written) // spdlog says it on standard error, at most once a second
            spdlog::throw_spdlog_ex(written.error().text);
    }
    void flush_() override {}

private:
    const std::string ident_;
};

spdlog::sink_ptr make_sink(Target target, const std::string &ident) {
    switch (target) {
    case Target::Journal:
        return std::make_shared<JournalSink>(ident);
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
    const Status journal = target == Target::Journal ? systemd::has_journal() : Status(Ok{});
    if (!journal)
        target = Target::Stderr; // a unit's goes to the journal as well
    spdlog::drop(registered);
    const auto chosen = std::make_shared<spdlog::logger>(registered, make_sink(target, ident));
    chosen->set_level(level_of(level));
    chosen->flush_on(spdlog::level::warn);
    chosen->set_pattern(target == Target::Stderr ? "%Y-%m-%d %H:%M:%S %l: %v" : "%v");
    spdlog::register_logger(chosen);
    if (!journal)
        warning(journal.error().text);
}

void error(std::string_view line) { logger().error("{}", line); }
void warning(std::string_view line) { logger().warn("{}", line); }
void info(std::string_view line) { logger().info("{}", line); }
void debug(std::string_view line) { logger().debug("{}", line); }

} // namespace faith::log
