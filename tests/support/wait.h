/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a test waits for happens in its own time; a deadline only ends a test that hangs. */
#pragma once

#include <catch2/catch.hpp>

#include <poll.h>

#include <algorithm>
#include <cstdlib>

namespace faith::test {

/* By how much deadlines are longer on an emulated machine: FAITH_TEST_SLOW, as for netns. */
inline int slow() {
    const char *times = std::getenv("FAITH_TEST_SLOW");
    return times == nullptr ? 1 : std::max(1, static_cast<int>(std::atof(times)));
}

/* Waits for something to read, or for somebody to accept: connect() over loopback may return
 * a moment before the listener's queue has the connection. */
inline void came(int fd) {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, 60'000) == 1);
}

} // namespace faith::test
