/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/slot_index.h"

#include "faith/abi.h"

#include <catch2/catch.hpp>

#include <array>

using namespace faith::daemon;

TEST_CASE("slot_index: a slot finds its rule, an unused one none") {
    const std::array<std::uint32_t, 3> slots = {4, 0, 9};
    const SlotIndex index(slots);
    CHECK(index.rule_of(4) == 0U);
    CHECK(index.rule_of(0) == 1U);
    CHECK(index.rule_of(9) == 2U);
    CHECK_FALSE(index.rule_of(1));
    CHECK_FALSE(index.rule_of(10));
    CHECK_FALSE(index.rule_of(FGW_VERDICT_NO_RULE));
}

TEST_CASE("slot_index: no rules, no slot") {
    CHECK_FALSE(SlotIndex().rule_of(0));
    CHECK_FALSE(SlotIndex(std::vector<std::uint32_t>()).rule_of(0));
}
