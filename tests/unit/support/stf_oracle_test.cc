/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bpf/lib/stf.h and the oracle over random tunnels and packets. */
#include "tests/unit/bpf_lib/stf_world.h"

#include "tests/support/random_stf.h"

#include <catch2/catch.hpp>

#include <iostream>
#include <map>

using namespace faith;
using namespace faith::test;

namespace {

constexpr int packets = 400'000;

using Seen = std::map<std::string, int>;

void compare(const StfWorld &world, const StfAddresses &p, Seen &seen) {
    world_now = &world;
    const ip4_header outer = outer_of(p);
    const ip6_header inner = inner_of(p);
    const std::string in = reason_name(stf_check_in(&world.stf, &outer, &inner));
    const std::string out = reason_name(stf_check_out(&world.stf, &outer, &inner));
    INFO("prefix " << to_string(shared_of(world.stf)) << " less " << int{world.stf.v4_mask_len}
                   << ", flags " << world.stf.flags << ": " << to_string(p.source4) << " > "
                   << to_string(p.destination4) << ", " << to_string(p.source6) << " > "
                   << to_string(p.destination6));
    REQUIRE(in == reason_name(stf_oracle_in(world, p)));
    REQUIRE(out == reason_name(stf_oracle_out(world, p)));
    REQUIRE(stf_next_hop(&world.stf, inner.destination) ==
            stf_oracle_next_hop(world, p.destination6).value);
    REQUIRE(stf_is_peer(&world.stf, p.source4.value) == stf_oracle_is_peer(world, p.source4));
    ++seen[in];
    ++seen[out];
}

} // namespace

TEST_CASE("stf_oracle: it and the rules of bpf/lib agree on random tunnels and packets") {
    Random random;
    std::cout << "stf_oracle: random packets, " << random.seed() << "\n";
    INFO(random.seed());
    Seen seen;
    for (int round = 0; round < packets / 20; ++round) {
        const StfWorld world = random_world(random);
        for (int packet = 0; packet < 20; ++packet) {
            const StfAddresses p = random_addresses(random, world);
            compare(world, p, seen);
        }
    }
    /* A pool that reaches every verdict. */
    for (const fgw_reason reason : {FGW_STF_IN,
                                    FGW_STF_IN_DST4,
                                    FGW_STF_IN_DST4_PRIVATE,
                                    FGW_STF_IN_SRC4,
                                    FGW_STF_IN_SRC4_PRIVATE,
                                    FGW_STF_IN_DST6,
                                    FGW_STF_IN_DST6_PRIVATE,
                                    FGW_STF_IN_SRC6,
                                    FGW_STF_IN_SRC6_PRIVATE,
                                    FGW_STF_IN_SPOOFED,
                                    FGW_STF_IN_NOT_RELAY,
                                    FGW_STF_IN_DST_OTHER,
                                    FGW_STF_IN_NEITHER,
                                    FGW_STF_IN_OWN,
                                    FGW_STF_OUT,
                                    FGW_STF_OUT_SRC4,
                                    FGW_STF_OUT_SRC4_PRIVATE,
                                    FGW_STF_OUT_DST4,
                                    FGW_STF_OUT_DST4_PRIVATE,
                                    FGW_STF_OUT_DST6,
                                    FGW_STF_OUT_DST6_PRIVATE,
                                    FGW_STF_OUT_SRC6,
                                    FGW_STF_OUT_SRC6_PRIVATE,
                                    FGW_STF_OUT_SRC_OTHER,
                                    FGW_STF_OUT_DST_OWN,
                                    FGW_STF_OUT_NEITHER,
                                    FGW_STF_OUT_OWN}) {
        INFO(reason_name(reason));
        CHECK(seen[reason_name(reason)] > 10);
    }
}
