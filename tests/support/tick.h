/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs have found out about a packet's addresses holds until the kernel's next tick
 * (bpf/lib/flow.h), on one CPU. A test that changes a map, and shows them the same packet again,
 * waits for it; one about the memory stays in one tick, and on its CPU. */
#pragma once

#include <catch2/catch.hpp>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <array>
#include <cstdint>
#include <iterator>

#include <sched.h>

namespace faith::test {

/* A program that returns what the others count ticks by. No clock of user space will do: the
 * coarse ones now and then move a tick later. */
inline int tick_program() {
    static const int program = [] {
        const bpf_insn body[] = {
            {.code = BPF_JMP | BPF_CALL,
             .dst_reg = 0,
             .src_reg = 0,
             .off = 0,
             .imm = BPF_FUNC_jiffies64},
            {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
        return bpf_prog_load(BPF_PROG_TYPE_XDP, "tick", "GPL", body, std::size(body), nullptr);
    }();
    return program;
}

inline std::uint32_t this_tick() {
    const std::array<std::uint8_t, 14> frame{};
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = frame.size();
    if (bpf_prog_test_run_opts(tick_program(), &options) != 0)
        FAIL("cannot ask for the kernel's tick");
    return options.retval;
}

inline void next_tick() {
    for (const std::uint32_t before = this_tick(); this_tick() == before;)
        sched_yield();
}

/* The result of `body` when it took no longer than a tick; it is tried again until it did. */
template <class Body>
auto within_a_tick(Body body) {
    for (int tries = 0;; ++tries) {
        if (tries == 10'000)
            FAIL("never in time: what shall fit into a tick takes longer");
        next_tick();
        const std::uint32_t before = this_tick();
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
