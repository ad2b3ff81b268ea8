/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/systemd.h"

#include <catch2/catch.hpp>

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

using namespace faith;
using systemd::Environment;

namespace {

bool opened() { return ::dlopen("libsystemd.so.0", RTLD_LAZY | RTLD_NOLOAD) != nullptr; }

void hand_over(const std::string &process, const std::string &descriptors) {
    ::setenv("LISTEN_PID", process.c_str(), 1);
    ::setenv("LISTEN_FDS", descriptors.c_str(), 1);
}

int handed(Environment environment) {
    const Result<int> count = systemd::handed_descriptors(environment);
    REQUIRE(count);
    return *count;
}

} // namespace

/* One case, because an opened library stays. */
TEST_CASE("systemd: its library is opened when there is something to say or to hear") {
    for (const char *name : {"LISTEN_PID", "LISTEN_FDS", "NOTIFY_SOCKET"})
        ::unsetenv(name);
    CHECK(handed(Environment::Clear) == 0);
    CHECK(systemd::ready());
    CHECK_FALSE(opened());

    hand_over("1", "1"); // another's
    CHECK(handed(Environment::Keep) == 0);
    CHECK(opened());
    hand_over(std::to_string(::getpid()), "-1");
    CHECK(handed(Environment::Keep) == 0);
    CHECK(std::getenv("LISTEN_FDS") != nullptr);
    CHECK(handed(Environment::Clear) == 0);
    CHECK(std::getenv("LISTEN_FDS") == nullptr);

    ::setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
    const Status told = systemd::ready();
    ::unsetenv("NOTIFY_SOCKET");
    REQUIRE_FALSE(told);
    CHECK(told.error().text == "tell systemd that all is ready: No such file or directory");
}
