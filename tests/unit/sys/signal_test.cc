/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/signal.h"

#include <catch2/catch.hpp>

#include <pthread.h>

#include <thread>

using namespace faith::sys;

namespace {

bool blocked(int number) {
    sigset_t now;
    REQUIRE(pthread_sigmask(SIG_SETMASK, nullptr, &now) == 0);
    return sigismember(&now, number) == 1;
}

} // namespace

TEST_CASE("signal: blocked here and in threads started meanwhile, and then as before") {
    sigset_t before;
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    REQUIRE(pthread_sigmask(SIG_BLOCK, &usr1, &before) == 0);
    bool thread_blocked = false;
    {
        const SignalsBlocked scope;
        CHECK(blocked(SIGPIPE));
        CHECK(blocked(SIGTERM));
        std::thread thread([&] { thread_blocked = blocked(SIGPIPE) && blocked(SIGTERM); });
        thread.join();
    }
    CHECK(thread_blocked);
    CHECK_FALSE(blocked(SIGPIPE));
    CHECK(blocked(SIGUSR1));
    REQUIRE(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
}
