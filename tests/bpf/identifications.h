/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Identifications of outer headers of packets of one flow: none like those before it (R8). */
#pragma once

#include "tests/support/packet.h"
#include "tests/support/tick.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace faith::test {

inline int identification(const Bytes &frame) { return frame.at(18) << 8 | frame.at(19); }

/* `next` sends a packet and gives its identification, or nothing: then the tick is no use. Of 16
 * out of 65,536 at random, three pairs alike are seen once in so many million tests. */
template <class Next>
void check_identifications(Next next) {
    using Numbers = std::array<std::optional<int>, 16>;
    const auto in_a_tick = [&] {
        return within_a_tick([&] {
            Numbers numbers;
            std::ranges::generate(numbers, next);
            return numbers;
        });
    };
    Numbers numbers = in_a_tick();
    const auto usable = [](const std::optional<int> &number) { return number.has_value(); };
    for (int tries = 0; tries < 3 && !std::ranges::all_of(numbers, usable); ++tries)
        numbers = in_a_tick();
    std::set<int> different, steps, in_other_ticks;
    REQUIRE(std::ranges::all_of(numbers, usable));
    for (std::size_t i = 1; i < numbers.size(); ++i) {
        different.insert(*numbers[i]);
        steps.insert((*numbers[i] - *numbers[i - 1]) & 0xffff);
    }
    CHECK(different.size() > 12);
    /* Segments that the kernel joined go up from the number of theirs. */
    CHECK(steps.size() > 12);
    int ticks = 0;
    for (int tries = 0; ticks < 16 && tries < 100; ++tries) {
        const std::optional<int> second = within_a_tick([&] {
            next();
            return std::optional<int>(next());
        });
        if (!second)
            continue;
        in_other_ticks.insert(*second);
        ++ticks;
    }
    CHECK(in_other_ticks.size() > 13);
}

} // namespace faith::test
