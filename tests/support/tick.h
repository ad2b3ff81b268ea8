/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs have found out about a packet's addresses holds until the kernel's next tick
 * (bpf/lib/flow.h), on one CPU. A test that changes a map, and shows them the same packet again,
 * waits for it; one about the memory stays in one tick, and on its CPU. */
#pragma once

#include <cstdint>
#include <ctime>

#include <sched.h>

namespace faith::test {

/* The coarse clock moves with each tick, right after what bpf_jiffies64() counts. */
inline std::int64_t this_tick() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

inline void next_tick() {
    for (const std::int64_t before = this_tick(); this_tick() == before;)
        sched_yield();
}

/* The result of `body` when it took no longer than a tick; it is tried again until it did. */
template <class Body>
auto within_a_tick(Body body) {
    for (;;) {
        next_tick();
        const std::int64_t before = this_tick();
        auto result = body();
        if (this_tick() == before)
            return result;
    }
}

/* While it lives, this thread stays on the CPU where it is. */
class OnOneCpu {
public:
    OnOneCpu() {
        sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
        sched_setaffinity(0, sizeof one, &one);
    }
    ~OnOneCpu() { sched_setaffinity(0, sizeof before_, &before_); }
    OnOneCpu(const OnOneCpu &) = delete;
    OnOneCpu &operator=(const OnOneCpu &) = delete;

private:
    cpu_set_t before_{};
};

} // namespace faith::test
