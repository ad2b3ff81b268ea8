/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/timer_heap.h"

namespace faith::sys {

void TimerHeap::set(std::uint32_t slot, Millis deadline) {
    if (slot >= where_.size())
        where_.resize(slot + 1, nowhere);
    const Item item{.deadline = deadline, .order = next_order_++, .slot = slot};
    if (where_[slot] == nowhere) {
        heap_.push_back(item);
        where_[slot] = static_cast<std::uint32_t>(heap_.size() - 1);
    } else {
        heap_[where_[slot]] = item;
    }
    rise(where_[slot]);
    sink(where_[slot]);
}

void TimerHeap::cancel(std::uint32_t slot) {
    if (!pending(slot))
        return;
    const std::size_t hole = where_[slot];
    where_[slot] = nowhere;
    const Item last = heap_.back();
    heap_.pop_back();
    if (hole == heap_.size())
        return;
    place(hole, last);
    rise(hole);
    sink(where_[last.slot]);
}

bool TimerHeap::pending(std::uint32_t slot) const {
    return slot < where_.size() && where_[slot] != nowhere;
}

std::uint32_t TimerHeap::take_first() {
    const std::uint32_t slot = heap_.front().slot;
    cancel(slot);
    return slot;
}

void TimerHeap::place(std::size_t index, const Item &item) {
    heap_[index] = item;
    where_[item.slot] = static_cast<std::uint32_t>(index);
}

void TimerHeap::rise(std::size_t index) {
    const Item item = heap_[index];
    while (index > 0) {
        const std::size_t parent = (index - 1) / 2;
        if (!item.before(heap_[parent]))
            break;
        place(index, heap_[parent]);
        index = parent;
    }
    place(index, item);
}

void TimerHeap::sink(std::size_t index) {
    const Item item = heap_[index];
    for (;;) {
        std::size_t child = 2 * index + 1;
        if (child >= heap_.size())
            break;
        if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child]))
            ++child;
        if (!heap_[child].before(item))
            break;
        place(index, heap_[child]);
        index = child;
    }
    place(index, item);
}

} // namespace faith::sys
