/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long something takes, whatever else the machine does meanwhile. */
#pragma once

#include <chrono>

#include <time.h>

namespace faith::test {

/* What this process has had of the CPUs, in seconds. */
inline std::chrono::duration<double> cpu_time() {
    timespec spent{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

} // namespace faith::test
