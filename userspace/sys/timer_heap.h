/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Deadlines of numbered slots in a binary heap that knows where each slot is, so
 * that moving or cancelling one is O(log n) too. Equal deadlines come out in the
 * order they were set. Pure: no clock and no callbacks.
 */
#pragma once

#include "sys/clock.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace faith::sys {

class TimerHeap {
public:
    void set(std::uint32_t slot, Millis deadline); /* new, or moved */
    void cancel(std::uint32_t slot);               /* harmless when not pending */
    bool pending(std::uint32_t slot) const;
    bool empty() const { return heap_.empty(); }
    std::size_t size() const { return heap_.size(); }
    Millis first_deadline() const { return heap_.front().deadline; }
    std::uint32_t take_first();

private:
    struct Item {
        Millis deadline;
        std::uint64_t order;
        std::uint32_t slot;
        bool before(const Item &other) const {
            return deadline != other.deadline ? deadline < other.deadline : order < other.order;
        }
    };
    static constexpr std::uint32_t nowhere = 0xffffffff;

    void place(std::size_t index, const Item &item);
    void rise(std::size_t index);
    void sink(std::size_t index);

    std::vector<Item> heap_;
    std::vector<std::uint32_t> where_; /* slot -> index in heap_ */
    std::uint64_t next_order_ = 0;
};

} // namespace faith::sys
