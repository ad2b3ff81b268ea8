/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * inetd mode: called by any other name with a connection on standard input, as inetd and xinetd
 * do it (D1, D60), or as `faith-gw inetd`; systemd hands it over as descriptor 0 or 3.
 */
#include "cli/commands.h"

#include "base/log.h"
#include "base/systemd.h"
#include "config/local.h"
#include "daemon/inetd.h"
#include "sys/handed.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace faith::cli {

namespace {

/* Standard error is the client's, so it is never a target. */
void start_log(int descriptor) {
    const Result<sys::Ends> ends = sys::ends_of(descriptor);
    log::init(std::getenv("JOURNAL_STREAM") != nullptr ? log::Target::Journal : log::Target::Syslog,
              log::Level::Info,
              "faithd" + (ends ? " " + std::to_string(ends->here.port) : std::string()));
}

int serve(int descriptor, const daemon::InetdJob &job) {
    start_log(descriptor);
    std::signal(SIGPIPE, SIG_IGN);
    Result<sys::UniqueFd> connection = sys::take_over(descriptor);
    const Status served = connection ? daemon::serve_inetd(job, *std::move(connection))
                                     : Status(std::move(connection).error());
    if (served)
        return 0;
    log::error(served.error().text);
    return 1;
}

} // namespace

Result<std::optional<int>> handed_connection() {
    using systemd::Environment;
    TRY_ASSIGN(const int count, systemd::handed_descriptors(Environment::Keep));
    if (count == 1 && sys::what_is(systemd::first_descriptor) == sys::Handed::Connection) {
        /* The local daemon shall not find it. */
        TRY(systemd::handed_descriptors(Environment::Clear));
        return std::optional<int>(systemd::first_descriptor);
    }
    if (sys::what_is(STDIN_FILENO) == sys::Handed::Connection)
        return std::optional<int>(STDIN_FILENO);
    return std::optional<int>();
}

int serve_as_inetd_named_it(int connection, int argc, char **argv) {
    const std::vector<std::string> words(argv, argv + argc);
    daemon::InetdJob job;
    job.local = daemon::inetd_local(words);
    return serve(connection, job);
}

int cmd_inetd(const daemon::Options &options, const std::vector<std::string> &words) {
    const Result<std::optional<int>> handed = handed_connection();
    if (!handed)
        return fail(handed.error());
    const std::optional<int> connection = *handed;
    if (!connection)
        return fail(invalid("faith-gw inetd: standard input is no TCP connection; inetd wants "
                            "`nowait`, systemd Accept=yes"));
    daemon::InetdJob job;
    if (options.config || options.acl || !options.prefixes.empty())
        job.options = options;
    if (!words.empty()) {
        Result<config::Local> local = config::parse_local(words);
        if (!local) {
            start_log(*connection);
            log::error(local.error().text);
            return 2;
        }
        job.local = *std::move(local);
    }
    return serve(*connection, job);
}

} // namespace faith::cli
