/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/commands.h"

#include "cli/render_inspect.h"
#include "daemon/doctor_look.h"

#include <cstdio>

namespace faith::cli {

int cmd_doctor(const daemon::Options &options, bool ask_dns, Output output) {
    const Result<daemon::Snapshot> seen = daemon::look({.options = options, .ask_dns = ask_dns});
    if (!seen)
        return fail(seen.error());
    const nlohmann::json report = daemon::to_json(*seen, daemon::diagnose(*seen));
    const std::string text = output == Output::Json ? json_text(report) : render_diagnosis(report);
    std::fputs(text.c_str(), stdout);
    return report["problems"] == 0 ? 0 : 1;
}

} // namespace faith::cli
