/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/csum.h"

#include "tests/support/random.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <vector>

using namespace faith::test;

namespace {

/* RFC 1071 as its definition reads: 16 bits at a time, the carry added at once. */
std::uint16_t by_definition(const std::vector<std::uint32_t> &words) {
    std::uint32_t sum = 0;
    for (const std::uint32_t word : words)
        for (const std::uint32_t half : {word & 0xffff, word >> 16}) {
            sum += half;
            sum = (sum & 0xffff) + (sum >> 16);
        }
    return static_cast<std::uint16_t>(~sum & 0xffff);
}

} // namespace

TEST_CASE("csum: the example of RFC 1071 3") {
    const std::uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    std::uint32_t words[2];
    std::memcpy(words, bytes, sizeof words);
    const std::uint16_t checksum = csum_fold(csum_add(0, words, 2));
    std::uint8_t stored[2];
    std::memcpy(stored, &checksum, 2);
    CHECK(stored[0] == (0xdd ^ 0xff));
    CHECK(stored[1] == (0xf2 ^ 0xff));
}

TEST_CASE("csum: all carries are folded in") {
    CHECK(csum_fold(0) == 0xffff);
    CHECK(csum_fold(0xffff) == 0);
    CHECK(csum_fold(0xffffffffffffffffULL) == 0);
    CHECK(csum_fold(0xffff0001ULL) == static_cast<std::uint16_t>(~1));
}

TEST_CASE("csum: random words sum up as by the definition") {
    Random random;
    INFO(random.seed());
    for (int round = 0; round < 10'000; ++round) {
        std::vector<std::uint32_t> words;
        for (std::uint64_t left = random.between(1, 15); left > 0; --left)
            words.push_back(random.one_in(4) ? 0xffffffffU : random.word());
        const auto count = static_cast<std::uint32_t>(words.size());
        REQUIRE(csum_fold(csum_add(0, words.data(), count)) == by_definition(words));
    }
}
