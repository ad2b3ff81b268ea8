/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* capture: another program's listener takes the connections for the prefix on its port, or no
 * longer. */
#include "cli/commands.h"

#include "cli/render_inspect.h"
#include "config/services.h"
#include "daemon/capture.h"

#include <cstdio>

namespace faith::cli {

namespace {

Result<std::uint16_t> port_of(const std::string &text) {
    if (const std::optional<std::uint16_t> named = config::service_port(text))
        return *named;
    return parse_port(text);
}

Result<daemon::Json> take(const daemon::Instance &instance, const CaptureOptions &options) {
    int pid = options.pid;
    if (!options.unit.empty()) {
        TRY_ASSIGN(pid, daemon::main_pid_of(options.unit));
    }
    return options.all ? daemon::capture_all(instance, pid)
                       : daemon::capture(instance, pid, options.fd);
}

Result<daemon::Json> carry_out(const CaptureOptions &options) {
    TRY_ASSIGN(const daemon::Instance instance, daemon::Instance::here());
    if (options.release.empty())
        return take(instance, options);
    TRY_ASSIGN(const std::uint16_t port, port_of(options.release));
    return daemon::release(instance, port);
}

} // namespace

int cmd_capture(const CaptureOptions &options, Output output) {
    const Result<daemon::Json> done = carry_out(options);
    if (!done)
        return fail(done.error());
    if (output == Output::Json)
        std::fputs(json_text(*done).c_str(), stdout);
    for (const daemon::Json &one : options.all ? *done : daemon::Json::array({*done}))
        if (output == Output::Text)
            std::printf("port %u %s %s (process %u)\n", one["port"].get<unsigned>(),
                        options.release.empty() ? "is captured by" : "is no longer captured by",
                        one["program"].get<std::string>().c_str(), one["pid"].get<unsigned>());
    return 0;
}

} // namespace faith::cli
