/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/commands.h"

#include "cli/render.h"
#include "daemon/control.h"
#include "daemon/status.h"

#include <cstdio>

namespace faith::cli {

namespace {

constexpr sys::Millis status_patience{5000};

Result<daemon::Json> ask() {
    TRY_ASSIGN(const daemon::Instance instance, daemon::Instance::here());
    Result<daemon::Answer> live =
        daemon::ask_daemon(instance.socket(), {{"do", "status"}}, status_patience);
    if (live)
        return std::move(live->value);
    if (live.error().kind != Errc::NotLoaded)
        return std::move(live).error();
    return daemon::status_from_pins(instance);
}

} // namespace

int cmd_status(Output output) {
    const Result<daemon::Json> status = ask();
    if (!status)
        return fail(status.error());
    const std::string text =
        output == Output::Json ? status->dump(2) + "\n" : render_status(*status);
    std::fputs(text.c_str(), stdout);
    return 0;
}

} // namespace faith::cli
