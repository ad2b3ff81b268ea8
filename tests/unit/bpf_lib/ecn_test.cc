/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/ecn.h"

#include <catch2/catch.hpp>

namespace {

constexpr int drop = -1;

struct Cell {
    int mark; /* or drop */
    bool odd; /* (!) or (!!!) */
};

/* RFC 6040, figure 4: row inner, column outer, both Not-ECT, ECT(0), ECT(1), CE. */
constexpr Cell figure_4[4][4] = {
    {{ECN_NONE, false}, {ECN_NONE, true}, {ECN_NONE, true}, {drop, true}},
    {{ECN_ECT0, false}, {ECN_ECT0, false}, {ECN_ECT1, false}, {ECN_CE, false}},
    {{ECN_ECT1, false}, {ECN_ECT1, true}, {ECN_ECT1, false}, {ECN_CE, false}},
    {{ECN_CE, false}, {ECN_CE, false}, {ECN_CE, true}, {ECN_CE, false}},
};
constexpr std::uint8_t order[4] = {ECN_NONE, ECN_ECT0, ECN_ECT1, ECN_CE};

} // namespace

TEST_CASE("ecn: what comes out of a tunnel is figure 4 of RFC 6040 (S30)") {
    for (const std::uint8_t mode : {FGW_ECN_RFC6040, FGW_ECN_COMPATIBILITY})
        for (unsigned inner = 0; inner < 4; ++inner)
            for (unsigned outer = 0; outer < 4; ++outer) {
                const Cell &cell = figure_4[inner][outer];
                /* With a DSCP around them, which is nothing to them. */
                const ecn_joined joined =
                    ecn_decapsulate(mode, order[inner] | 0x28, order[outer] | 0xb8);
                INFO("inner " << inner << ", outer " << outer);
                CHECK(joined.drop == (cell.mark == drop));
                CHECK(joined.odd == cell.odd);
                if (cell.mark != drop)
                    CHECK(joined.mark == cell.mark);
            }
}

TEST_CASE("ecn: copy leaves the inner mark alone whatever the outer one says (S30)") {
    for (std::uint8_t inner = 0; inner < 4; ++inner)
        for (std::uint8_t outer = 0; outer < 4; ++outer) {
            const ecn_joined joined = ecn_decapsulate(FGW_ECN_COPY, inner, outer);
            CHECK(joined.mark == inner);
            CHECK_FALSE(joined.drop);
            CHECK_FALSE(joined.odd);
        }
}

TEST_CASE(
    "ecn: the class goes out whole, in compatibility mode without its mark (S29, RFC 6040 4.1)") {
    for (unsigned traffic_class = 0; traffic_class < 256; ++traffic_class) {
        const auto inner = static_cast<std::uint8_t>(traffic_class);
        CHECK(ecn_outer_class(FGW_ECN_COPY, inner) == inner);
        CHECK(ecn_outer_class(FGW_ECN_RFC6040, inner) == inner);
        CHECK(ecn_outer_class(FGW_ECN_COMPATIBILITY, inner) == (inner & 0xfc));
    }
}
