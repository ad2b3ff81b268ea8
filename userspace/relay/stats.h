/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A worker's counters. One writer, any reader: relaxed atomics written with a plain
 * load and store, which cost what ordinary integers cost.
 */
#pragma once

#include "faith/reasons.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

namespace faith::relay {

class Counter {
public:
    void add(std::uint64_t n) {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct Stats {
    Counter sessions_opened; /* accepted and permitted */
    Counter sessions_closed;
    Counter bytes_to_server;
    Counter bytes_to_client;
    Counter bytes_spliced; /* of both directions, moved without a copy */
    std::array<Counter, FGW_REASON_MAX> reasons;
};

/* The sum over workers. */
struct Totals {
    std::uint32_t workers = 0;
    std::uint64_t sessions_active = 0;
    std::uint64_t sessions_total = 0;
    std::uint64_t bytes_to_server = 0;
    std::uint64_t bytes_to_client = 0;
    std::uint64_t bytes_spliced = 0;
    std::array<std::uint64_t, FGW_REASON_MAX> reasons{};

    void add(const Stats &worker);
};

inline void Totals::add(const Stats &worker) {
    ++workers;
    /* Closed before opened: a session that does both meanwhile must not make the
     * difference negative. */
    const std::uint64_t closed = worker.sessions_closed.get();
    const std::uint64_t opened = worker.sessions_opened.get();
    sessions_active += opened - std::min(opened, closed);
    sessions_total += opened;
    bytes_to_server += worker.bytes_to_server.get();
    bytes_to_client += worker.bytes_to_client.get();
    bytes_spliced += worker.bytes_spliced.get();
    for (std::size_t reason = 0; reason < reasons.size(); ++reason)
        reasons[reason] += worker.reasons[reason].get();
}

} // namespace faith::relay
