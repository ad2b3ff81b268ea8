/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/lib/stf.h and the oracle over random tunnels and packets. Plain random addresses would
 * hardly ever get past the first check, so most are taken from a pool of those that mean
 * something to the tunnel.
 */
#include "tests/unit/bpf_lib/stf_world.h"

#include "prefix/site.h"
#include "tests/support/random.h"

#include <catch2/catch.hpp>

#include <iostream>
#include <map>

using namespace faith;
using namespace faith::test;

namespace {

constexpr int packets = 400'000;

Ip4 random_ip4(Random &random, const StfWorld &world) {
    static const char *const edges[] = {
        "0.0.0.0",     "0.255.255.255",  "1.0.0.0",         "9.255.255.255", "10.0.0.0",
        "10.9.9.9",    "10.255.255.255", "127.0.0.1",       "169.254.1.1",   "172.16.0.1",
        "172.32.0.0",  "192.168.1.1",    "192.88.99.1",     "224.0.0.1",     "239.255.255.255",
        "240.0.0.1",   "254.1.1.1",      "255.255.255.255", "203.0.113.255", "192.0.2.1",
        "203.0.113.9", "198.51.100.1",
    };
    const Ip4 own = Ip4::from_bytes(world.stf.address);
    switch (random.between(0, 5)) {
    case 0:
        return own;
    case 1:
        return Ip4::from_bytes(world.stf.border_relay);
    case 2:
        return Ip4{.value = own.value ^ (1U << random.between(0, 31))};
    case 3:
        return Ip4{.value = random.word()};
    default:
        return *parse_ip4(edges[random.between(0, std::size(edges) - 1)]);
    }
}

Prefix6 shared_of(const fgw_stf &stf) {
    return {.address = Ip6{std::to_array(stf.prefix)}, .length = stf.prefix_len};
}

Ip6 random_ip6(Random &random, const StfWorld &world, Ip4 outer) {
    static const char *const edges[] = {
        "::",
        "::1",
        "::ffff:192.0.2.1",
        "0:ffff::1",
        "1::",
        "64:ff9b::1",
        "2001:db8::1",
        "2001:db9::1",
        "2003::1",
        "fdff::1",
        "fe7f:ff::1",
        "fe80::1",
        "fec0::1",
        "feff::1",
        "ff02::1",
        "2001:db8::5efe:192.0.2.1",
        "2001:db8:1::200:5efe:203.0.113.9",
        "2002:c000:201::5efe:192.0.2.1",
    };
    const Ip4 embedded = random.one_in(3) ? random_ip4(random, world) : outer;
    switch (random.between(0, 4)) {
    case 0:
        return prefix::host_in(prefix::site_prefix(prefix::six_to_four(), 0, embedded), 1);
    case 1:
        return address6(edges[random.between(0, std::size(edges) - 1)]);
    case 2: {
        Ip6 address;
        for (std::uint8_t &byte : address.bytes)
            byte = random.byte();
        return address;
    }
    default:
        return prefix::host_in(
            prefix::site_prefix(shared_of(world.stf), world.stf.v4_mask_len, embedded), 1);
    }
}

StfWorld random_world(Random &random) {
    StfWorld world{.stf = stf_of_6to4(),
                   .broadcast = {*parse_ip4("203.0.113.255"), *parse_ip4("10.255.255.255")},
                   .own = {*parse_ip4("192.0.2.1"), *parse_ip4("203.0.113.9")},
                   .sites = {}};
    if (random.one_in(2))
        world.sites.insert(*parse_ip4("192.0.2.1"));
    if (random.one_in(2)) {
        world.stf = stf_of_6rd();
        world.stf.v4_mask_len = static_cast<std::uint8_t>(random.between(0, 32));
        /* With all 32 bits and the longest prefix the embedded ones end the address. */
        const std::uint64_t longest = 96 + world.stf.v4_mask_len;
        world.stf.prefix_len = static_cast<std::uint8_t>(random.between(0, longest));
        Ip6 prefix = address6("2001:db8:1234:5678:9abc:def0:1234:5678");
        prefix = Prefix6{.address = prefix, .length = world.stf.prefix_len}.masked().address;
        std::copy(prefix.bytes.begin(), prefix.bytes.end(), world.stf.prefix);
        if (random.one_in(3))
            std::fill_n(world.stf.border_relay, 4, std::uint8_t{0});
        if (random.one_in(3)) {
            world.stf.flags |= FGW_STF_RELAYS;
            std::fill_n(world.stf.border_relay, 4, std::uint8_t{0});
        }
    }
    for (const fgw_stf_flag flag : {FGW_STF_PRIVATE_OUTER, FGW_STF_PRIVATE_6TO4})
        if (random.one_in(3))
            world.stf.flags ^= flag;
    world.stf.peer_len = static_cast<std::uint8_t>(random.between(0, 32));
    return world;
}

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
            StfAddresses p{.source4 = random_ip4(random, world),
                           .destination4 = random_ip4(random, world),
                           .source6 = {},
                           .destination6 = {}};
            p.source6 = random_ip6(random, world, p.source4);
            p.destination6 = random_ip6(random, world, p.destination4);
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
