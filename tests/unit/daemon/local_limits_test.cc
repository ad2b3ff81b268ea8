/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/local_limits.h"

#include <catch2/catch.hpp>

using namespace faith::daemon;
using namespace std::chrono_literals;
using faith::sys::FakeClock;
using Verdict = LocalLimits::Verdict;

namespace {

int admitted(LocalLimits &limits, int attempts) {
    int count = 0;
    for (int i = 0; i < attempts; i++)
        count += limits.admit(0) == Verdict::Run;
    return count;
}

} // namespace

TEST_CASE("local limits: so many at a time, and no more") {
    const FakeClock clock;
    LocalLimits limits(clock, 3, 0);
    CHECK(limits.admit(2) == Verdict::Run);
    CHECK(limits.admit(3) == Verdict::TooMany);
    CHECK(limits.admit(4) == Verdict::TooMany);
}

TEST_CASE("local limits: a second's worth at once, then as time earns it") {
    FakeClock clock;
    LocalLimits limits(clock, 0, 64);
    CHECK(admitted(limits, 100) == 64);
    CHECK(limits.admit(0) == Verdict::TooFast);
    clock.advance(125ms);
    CHECK(admitted(limits, 100) == 8);
    for (int i = 0; i < 1000; i++) { /* single milliseconds add up, too */
        clock.advance(1ms);
        CHECK(admitted(limits, 2) <= 1);
    }
    clock.advance(24h * 365);
    CHECK(admitted(limits, 100) == 64);
}

TEST_CASE("local limits: single milliseconds earn what they earn together") {
    FakeClock clock;
    LocalLimits limits(clock, 0, 64);
    CHECK(admitted(limits, 64) == 64);
    int started = 0;
    for (int i = 0; i < 1000; i++) {
        clock.advance(1ms);
        started += admitted(limits, 1);
    }
    CHECK(started == 64);
}

TEST_CASE("local limits: what is one too many at a time uses up nothing") {
    const FakeClock clock;
    LocalLimits limits(clock, 1, 1);
    CHECK(limits.admit(1) == Verdict::TooMany);
    CHECK(limits.admit(0) == Verdict::Run);
}

TEST_CASE("local limits: zero is no limit") {
    const FakeClock clock;
    LocalLimits limits(clock, 0, 0);
    CHECK(admitted(limits, 10'000) == 10'000);
    CHECK(limits.admit(1'000'000) == Verdict::Run);
}

TEST_CASE("local limits: the largest rate overflows nothing") {
    FakeClock clock;
    LocalLimits limits(clock, 0, UINT32_MAX);
    clock.advance(24h * 365);
    CHECK(admitted(limits, 1000) == 1000);
}

TEST_CASE("local limits: a repeated line is told at once, then every ten seconds with what was "
          "left out") {
    FakeClock clock;
    Damper damper(clock);
    CHECK(damper.tell() == 0U);
    CHECK_FALSE(damper.tell());
    clock.advance(9'999ms);
    CHECK_FALSE(damper.tell());
    clock.advance(1ms);
    CHECK(damper.tell() == 2U);
    clock.advance(1h);
    CHECK(damper.tell() == 0U);
}
