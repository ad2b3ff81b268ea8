/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/tcp_options.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

namespace {

int find(const std::vector<std::uint8_t> &options) {
    std::uint8_t all[TCP_MAX_OPTIONS] = {};
    std::copy(options.begin(), options.end(), all);
    return tcp_find_mss(all);
}

} // namespace

TEST_CASE("tcp_options: the MSS is found behind whatever stands before it") {
    CHECK(find({2, 4, 5, 180}) == 2);
    CHECK(find({1, 2, 4, 5, 180}) == 3);
    CHECK(find({4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 5, 180}) == 14);
    CHECK(find({254, 6, 2, 4, 2, 4, 2, 4, 5, 180}) == 8); /* what looks like one inside another */
    std::vector<std::uint8_t> last(36, 1);
    last.insert(last.end(), {2, 4, 5, 180});
    CHECK(find(last) == 38);
}

TEST_CASE("tcp_options: no MSS: none there, behind the end, beyond it, or nonsense before it") {
    CHECK(find({}) == -1);
    CHECK(find({4, 2, 1, 1}) == -1);
    CHECK(find({0, 0, 0, 0, 2, 4, 5, 180}) == -1);
    CHECK(find({9, 0, 2, 4, 5, 180}) == -1);
    CHECK(find({9, 1, 2, 4, 5, 180}) == -1);
    CHECK(find({9, 255, 2, 4, 5, 180}) == -1);
    CHECK(find({2, 3, 5, 1, 1}) == -1);
    std::vector<std::uint8_t> cut(37, 1);
    cut.insert(cut.end(), {2, 4, 5});
    CHECK(find(cut) == -1);
}
