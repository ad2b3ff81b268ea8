/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Identifications of outer headers of packets of one flow: none like those before it (R8). */
#pragma once

#include "tests/support/packet.h"
#include "tests/support/tick.h"

#include <array>
#include <cstddef>
#include <optional>
#include <set>

namespace faith::test {

inline int identification(const Bytes &frame) { return frame.at(18) << 8 | frame.at(19); }

/* `next` sends a packet and gives its identification, or nothing: then the tick is no use. The
 * first packet in a tick finds nothing remembered; more than three may take longer than a tick. Of
 * 16 out of 65,536 at random, three pairs alike are seen once in so many million tests. */
template <class Next>
void check_identifications(Next next) {
    constexpr std::size_t ticks = 16, enough = 14;
    std::set<int> of_ticks, steps;
    std::size_t alike = 0, seen = 0;
    for (std::size_t tries = 0; seen < ticks && tries < 10 * ticks; ++tries) {
        const auto [first, second, third] = within_a_tick([&] {
            using Number = std::optional<int>;
            const Number one = next(), two = next();
            return std::array<Number, 3>{one, two, next()};
        });
        if (!first || !second || !third)
            continue;
        ++seen;
        alike += *first == *second || *second == *third ? 1 : 0;
        of_ticks.insert(*second);
        steps.insert((*third - *second) & 0xffff);
    }
    CHECK(seen == ticks);
    CHECK(alike <= ticks - enough);
    CHECK(of_ticks.size() >= enough);
    /* Segments that the kernel joined count up from the number of theirs. */
    CHECK(steps.size() >= enough);
}

} // namespace faith::test
