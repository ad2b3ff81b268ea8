/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* events: what the programs in the kernel denied, the last thousand or as it happens. */
#include "cli/commands.h"

#include "cli/render_inspect.h"
#include "daemon/control.h"
#include "daemon/instance.h"

#include <cstdio>

namespace faith::cli {

namespace {

void print(const daemon::Json &event, Output output) {
    const std::string line =
        output == Output::Json
            ? event.dump(-1, ' ', false, daemon::Json::error_handler_t::replace) + "\n"
            : render_event(event);
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout); /* somebody is watching, or a pipe */
}

/* The first line has what is remembered, the others are events. */
bool take(const daemon::Json &line, Output output) {
    if (!line.contains("ok")) {
        print(line, output);
        return std::ferror(stdout) == 0;
    }
    for (const daemon::Json &event : line["ok"]["recent"])
        print(event, output);
    if (const auto lost = line["ok"].value("lost", std::uint64_t{0}); lost != 0)
        print({{"lost", lost}}, output);
    return true;
}

} // namespace

int cmd_events(bool follow, Output output) {
    const Result<daemon::Instance> instance = daemon::Instance::here();
    if (!instance)
        return fail(instance.error());
    const Status done =
        daemon::follow_daemon(instance->socket(), {{"do", "events"}, {"follow", follow}},
                              [output](const daemon::Json &line) { return take(line, output); });
    if (done)
        return 0;
    if (done.error().kind == Errc::NotLoaded)
        return fail(Error{.kind = Errc::NotLoaded,
                          .sys_errno = 0,
                          .text = "no daemon runs here, and only a daemon remembers events"});
    return fail(done.error());
}

} // namespace faith::cli
