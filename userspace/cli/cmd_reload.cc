/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* reload: the daemon reads its files again, or, when none runs, this process does and
 * changes the pinned maps. */
#include "cli/commands.h"

#include "daemon/control.h"
#include "daemon/instance.h"
#include "daemon/reload.h"

#include <chrono>
#include <cstdio>

namespace faith::cli {

namespace {

constexpr sys::Millis reload_patience{60'000};

Result<daemon::Json> ask(const ReloadOptions &options) {
    TRY_ASSIGN(const daemon::Instance instance, daemon::Instance::here());
    const sys::MonotonicClock clock;
    const sys::Millis began = clock.now();
    const Result<daemon::Answer> answer = daemon::ask_daemon(
        instance.socket(),
        {{"do", "reload"}, {"dry_run", options.dry_run}, {"revoke", options.revoke}},
        reload_patience);
    if (answer)
        return answer->value;
    if (answer.error().kind != Errc::NotLoaded || daemon::is_locked(instance))
        return answer.error();
    TRY_ASSIGN(daemon::Json report, daemon::reload_pinned(instance, options.dry_run));
    report["milliseconds"] = (clock.now() - began).count();
    return report;
}

void print(const daemon::Json &report, const ReloadOptions &options) {
    for (const daemon::Json &warning : report["warnings"])
        std::fprintf(stderr, "%s\n", warning.get<std::string>().c_str());
    const std::string summary = report["summary"].get<std::string>();
    if (options.dry_run) {
        for (const daemon::Json &line : report["changes"])
            std::printf("%s\n", line.get<std::string>().c_str());
        std::printf("would change: %s", summary.c_str());
        if (report.contains("affected"))
            std::printf("; live sessions that would be denied: %llu",
                        report["affected"].get<unsigned long long>());
        std::printf("\n");
        return;
    }
    std::printf("generation %u -> %u: %s, %lld ms\n", report["before"].get<unsigned>(),
                report["after"].get<unsigned>(), summary.c_str(),
                report["milliseconds"].get<long long>());
    if (report.contains("revoked"))
        std::printf("sessions ended: %llu\n", report["revoked"].get<unsigned long long>());
}

} // namespace

int cmd_reload(const ReloadOptions &options, Output output) {
    const Result<daemon::Json> report = ask(options);
    if (!report)
        return fail(report.error());
    if (output == Output::Json)
        std::printf("%s\n",
                    report->dump(2, ' ', false, daemon::Json::error_handler_t::replace).c_str());
    else
        print(*report, options);
    return 0;
}

} // namespace faith::cli
