/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/capture.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::daemon;

namespace {

std::string error_of(std::string_view shown) {
    const Result<int> pid = read_main_pid(shown, "web.service");
    return pid ? "pid " + std::to_string(*pid) : pid.error().text;
}

} // namespace

TEST_CASE("capture: the main process is read from systemctl's lines, in any order") {
    CHECK(error_of("MainPID=12\nLoadState=loaded\n") == "pid 12");
    CHECK(error_of("LoadState=loaded\nMainPID=2147483647") == "pid 2147483647");
}

TEST_CASE("capture: a unit without a main process is refused with the reason") {
    CHECK(error_of("LoadState=not-found\nMainPID=0\n") ==
          "unit web.service is not known to systemd");
    CHECK(error_of("MainPID=0\nLoadState=loaded\n") ==
          "unit web.service has no main process: it does not run, or is no service");
    for (const char *shown : {"", "\n", "LoadState=loaded\n", "MainPID=", "MainPID=x", "MainPID=-1",
                              "MainPID=12x\n", "MainPID=99999999999", "XMainPID=12\n"}) {
        INFO(shown);
        CHECK(error_of(shown) == "unit web.service has no MainPID that systemctl would tell");
    }
}

TEST_CASE("capture: a service as JSON says whether its program is there") {
    CHECK(to_json({.port = 80, .program = "nginx", .pid = 12, .listening = false}) ==
          Json({{"port", 80}, {"program", "nginx"}, {"pid", 12}, {"state", "gone"}}));
}
