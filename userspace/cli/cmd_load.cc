/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * load: plan, then either ask the daemon that already runs to take further interfaces,
 * or become a daemon. The child builds everything and reports once, "ready" or the
 * error, so that the starter's exit code is the truth (D7).
 */
#include "cli/commands.h"

#include "base/log.h"
#include "base/systemd.h"
#include "daemon/gateway.h"
#include "sys/process.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

namespace faith::cli {

namespace {

constexpr sys::Millis load_patience{60'000};
constexpr sys::Millis coming_up{5'000};

log::Level level_of(config::LogLevel level) {
    switch (level) {
    case config::LogLevel::Error:
        return log::Level::Error;
    case config::LogLevel::Warning:
        return log::Level::Warning;
    case config::LogLevel::Info:
        return log::Level::Info;
    case config::LogLevel::Debug:
        return log::Level::Debug;
    }
    return log::Level::Info;
}

/* "auto": the journal when systemd connected us to it, the terminal in the foreground,
 * syslog for a daemon. */
log::Target target_of(config::LogTarget target, bool foreground) {
    switch (target) {
    case config::LogTarget::Journal:
        return log::Target::Journal;
    case config::LogTarget::Stderr:
        return log::Target::Stderr;
    case config::LogTarget::Syslog:
        return log::Target::Syslog;
    case config::LogTarget::Auto:
        break;
    }
    if (std::getenv("JOURNAL_STREAM") != nullptr)
        return log::Target::Journal;
    return foreground ? log::Target::Stderr : log::Target::Syslog;
}

std::string listed(const std::vector<std::string> &words) {
    std::string line;
    for (const std::string &word : words)
        line += (line.empty() ? "" : ", ") + word;
    return line;
}

/* A gateway runs already, and did what was asked. */
int report_joined(const daemon::Json &answer) {
    const auto names = [&](const char *key) {
        return listed(answer.value(key, std::vector<std::string>()));
    };
    if (const std::string present = names("present"); !present.empty())
        std::printf("already loaded on %s\n", present.c_str());
    if (const std::string added = names("added"); !added.empty())
        std::printf("loaded on %s\n", added.c_str());
    if (names("present").empty() && names("added").empty())
        std::printf("already loaded\n");
    return 0;
}

/* What the starter hears: "ready" and notes, or the exit code and the error. */
std::string ready_report(const daemon::Gateway &gateway) {
    std::string report = "ready\n";
    for (const std::string &note : gateway.notes())
        report += note + "\n";
    return report;
}

std::string error_report(const Error &error) {
    return std::string(error.kind == Errc::Invalid ? "invalid" : "failed") + "\n" + error.text;
}

int hear(const std::string &report, const daemon::Options &options) {
    const std::size_t newline = report.find('\n');
    const std::string verdict = report.substr(0, newline);
    const std::string rest = newline == std::string::npos ? "" : report.substr(newline + 1);
    if (verdict == "ready") {
        const std::string where =
            options.tunnels_alone ? "its tunnels alone" : listed(options.interfaces);
        std::printf("loaded on %s\n%s", where.c_str(), rest.c_str());
        return 0;
    }
    if (verdict == "invalid" || verdict == "failed")
        return fail(Error{.kind = verdict == "invalid" ? Errc::Invalid : Errc::System,
                          .sys_errno = 0,
                          .text = rest});
    return fail(Error{.kind = Errc::System,
                      .sys_errno = 0,
                      .text = "the daemon died while loading; faith-gw unload cleans up"});
}

int run_until_told(daemon::Gateway &gateway) {
    const Status ran = gateway.run();
    if (ran)
        return 0;
    log::error(ran.error().text);
    return 1;
}

int run_in_foreground(daemon::Plan plan) {
    Result<std::unique_ptr<daemon::Gateway>> gateway = daemon::Gateway::start(std::move(plan));
    if (!gateway)
        return fail(gateway.error());
    for (const std::string &note : (*gateway)->notes())
        log::warning(note);
    log::info("ready");
    if (const Status told = systemd::ready(); !told)
        log::warning(told.error().text);
    return run_until_told(**gateway);
}

int run_in_background(daemon::Plan plan) {
    const daemon::Options options = plan.options;
    sys::Starter starter;
    const Result<sys::Starter::Outcome> outcome = starter.fork_away();
    if (!outcome)
        return fail(outcome.error());
    if (!outcome->in_child) {
        const int code = hear(outcome->report, options);
        if (code != 0)
            starter.wait_for_child();
        return code;
    }
    Result<std::unique_ptr<daemon::Gateway>> gateway = daemon::Gateway::start(std::move(plan));
    if (!gateway) {
        starter.report(error_report(gateway.error()));
        return 1;
    }
    starter.report(ready_report(**gateway));
    log::info("ready");
    return run_until_told(**gateway);
}

/* Asks the gateway that runs here, if there is one. One that is just coming up holds the
 * lock and does not answer yet: wait for its answer rather than fail beside it. */
std::optional<int> join(const daemon::Instance &instance, const daemon::Plan &plan) {
    const daemon::Json request = {
        {"do", "load"}, {"interfaces", plan.options.interfaces}, {"fingerprint", plan.fingerprint}};
    const sys::MonotonicClock clock;
    const sys::Millis deadline = clock.now() + coming_up;
    for (;;) {
        const Result<daemon::Answer> running =
            daemon::ask_daemon(instance.socket(), request, load_patience);
        if (running)
            return report_joined(running->value);
        if (running.error().kind != Errc::NotLoaded)
            return fail(running.error());
        if (!daemon::is_locked(instance) || clock.now() >= deadline)
            return std::nullopt;
        std::this_thread::sleep_for(sys::Millis(20));
    }
}

/* A reload, by a daemon in / or from elsewhere, must find the files that were meant here. */
void name_files_absolutely(daemon::Options &options) {
    for (std::optional<std::string> *file : {&options.config, &options.acl})
        if (*file)
            *file = std::filesystem::absolute(**file).string();
}

} // namespace

int cmd_load(const daemon::Options &options) {
    Result<daemon::Plan> plan = daemon::make_plan(options);
    if (!plan)
        return fail(plan.error());
    name_files_absolutely(plan->options);
    const Result<daemon::Instance> instance = daemon::Instance::here();
    if (!instance)
        return fail(instance.error());
    if (const std::optional<int> joined = join(*instance, *plan))
        return *joined;
    log::init(target_of(plan->config.log.target, options.foreground),
              level_of(plan->config.log.level));
    return options.foreground ? run_in_foreground(*std::move(plan))
                              : run_in_background(*std::move(plan));
}

} // namespace faith::cli
