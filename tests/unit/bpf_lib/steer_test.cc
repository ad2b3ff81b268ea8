/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/steer.h"
#include "tests/support/random.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

using faith::test::Random;

namespace {

/* A client's next connections: only its port changes, by one. */
steer_tuple connection(std::uint32_t number) {
    return {.words = {0x20010db8, 1, 0, 2, 0x20010db8, 0xf, 0, 0xc0000201, 32768 + number % 28000,
                      80 + number / 28000}};
}

} // namespace

TEST_CASE("steer: the same connection always gets the same listener") {
    for (std::uint32_t number = 0; number < 1000; ++number) {
        const steer_tuple tuple = connection(number);
        CHECK(steer_slot(&tuple, 7) == steer_slot(&tuple, 7));
    }
}

TEST_CASE("steer: every field of the connection has a part in the choice") {
    Random random;
    INFO(random.seed());
    for (int word = 0; word < 10; ++word) {
        int moved = 0;
        for (int trial = 0; trial < 1000; ++trial) {
            steer_tuple tuple = connection(random.word());
            const std::uint32_t before = steer_slot(&tuple, FGW_MAX_LISTENERS);
            tuple.words[word] ^= 1u << random.between(0, 15);
            moved += before != steer_slot(&tuple, FGW_MAX_LISTENERS);
        }
        INFO("word " << word);
        CHECK(moved > 900); /* 63 of 64 expected */
    }
}

TEST_CASE("steer: connections of one client spread evenly, whatever the number of listeners") {
    constexpr std::uint32_t per_listener = 1000;
    for (std::uint32_t listeners = 1; listeners <= FGW_MAX_LISTENERS; ++listeners) {
        std::vector<std::uint32_t> load(listeners);
        for (std::uint32_t number = 0; number < per_listener * listeners; ++number) {
            const steer_tuple tuple = connection(number);
            ++load.at(steer_slot(&tuple, listeners));
        }
        INFO(listeners << " listeners");
        CHECK(std::ranges::min(load) > per_listener * 4 / 5);
        CHECK(std::ranges::max(load) < per_listener * 6 / 5);
    }
}

TEST_CASE("steer: a port is captured if its bit is set, the first and the last of a word too") {
    const fgw_port_word word = {.bits = 1ull << 63 | 1ull << 1};
    for (std::uint32_t bit = 0; bit < 64; ++bit) {
        INFO("bit " << bit);
        CHECK(steer_port_is_captured(&word, static_cast<__u16>(64 * 1023 + bit)) ==
              (bit == 63 || bit == 1));
    }
}
