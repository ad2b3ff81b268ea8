/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/timer_heap.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <utility>

using namespace faith::sys;

TEST_CASE("timer_heap: deadlines come out in order, equal ones as they were set") {
    TimerHeap heap;
    heap.set(7, Millis{30});
    heap.set(3, Millis{10});
    heap.set(5, Millis{20});
    heap.set(1, Millis{10});
    CHECK(heap.first_deadline() == Millis{10});
    CHECK(heap.take_first() == 3);
    CHECK(heap.take_first() == 1);
    CHECK(heap.take_first() == 5);
    CHECK(heap.take_first() == 7);
    CHECK(heap.empty());
}

TEST_CASE("timer_heap: a slot is moved both ways and cancelled") {
    TimerHeap heap;
    for (std::uint32_t slot = 0; slot < 20; ++slot)
        heap.set(slot, Millis{100 + slot});
    heap.set(19, Millis{1});
    heap.set(0, Millis{1000});
    heap.cancel(1);
    heap.cancel(1);
    heap.cancel(4711);
    CHECK(heap.size() == 19);
    CHECK_FALSE(heap.pending(1));
    CHECK(heap.pending(0));
    CHECK(heap.take_first() == 19);
    CHECK(heap.take_first() == 2);
    std::uint32_t last = 0;
    while (!heap.empty())
        last = heap.take_first();
    CHECK(last == 0);
}

TEST_CASE("timer_heap: agrees with a sorted list over random operations") {
    const unsigned seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    TimerHeap heap;
    std::map<std::uint32_t, Millis> model;
    for (int step = 0; step < 20000; ++step) {
        const std::uint32_t slot = static_cast<std::uint32_t>(random() % 50);
        const unsigned what = static_cast<unsigned>(random() % 8);
        if (what < 5) {
            const Millis deadline{static_cast<long>(random() % 1000)};
            heap.set(slot, deadline);
            model[slot] = deadline;
        } else if (what < 7) {
            heap.cancel(slot);
            model.erase(slot);
        } else if (!model.empty()) {
            const Millis first =
                std::min_element(model.begin(), model.end(), [](const auto &a, const auto &b) {
                    return a.second < b.second;
                })->second;
            REQUIRE(heap.first_deadline() == first);
            const std::uint32_t taken = heap.take_first();
            REQUIRE(model.at(taken) == first);
            model.erase(taken);
        }
        REQUIRE(heap.size() == model.size());
        REQUIRE(heap.pending(slot) == (model.count(slot) != 0));
    }
}
