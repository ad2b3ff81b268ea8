/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* keepfaith on|off: through the daemon, or in the pinned map when none runs. */
#include "cli/commands.h"

#include "daemon/control.h"
#include "daemon/instance.h"
#include "datapath/dataplane.h"

#include <cstdio>

namespace faith::cli {

namespace {

Result<bool> in_pins(const daemon::Instance &instance, const std::string &wanted) {
    TRY_ASSIGN(const datapath::PinnedMaps pinned,
               datapath::open_pinned_maps(datapath::Pins(instance.netns_inode)));
    if (!wanted.empty())
        TRY(datapath::write_keepfaith(pinned.maps, wanted == "on"));
    TRY_ASSIGN(const auto config, pinned.maps.config.find(0));
    return config && config->keepfaith != 0;
}

Result<bool> ask(const std::string &wanted) {
    TRY_ASSIGN(const daemon::Instance instance, daemon::Instance::here());
    daemon::Json request{{"do", "keepfaith"}};
    if (!wanted.empty())
        request["on"] = wanted == "on";
    const Result<daemon::Answer> answer =
        daemon::ask_daemon(instance.socket(), request, sys::Millis(5000));
    if (answer)
        return answer->value.value("keepfaith", false);
    if (answer.error().kind == Errc::NotLoaded)
        return in_pins(instance, wanted);
    return answer.error();
}

} // namespace

int cmd_keepfaith(const std::string &wanted, Output output) {
    const Result<bool> on = ask(wanted);
    if (!on)
        return fail(on.error());
    if (output == Output::Json)
        std::printf("{\"keepfaith\": %s}\n", *on ? "true" : "false");
    else if (wanted.empty())
        std::printf("keepfaith is %s\n", *on ? "on" : "off");
    return 0;
}

} // namespace faith::cli
