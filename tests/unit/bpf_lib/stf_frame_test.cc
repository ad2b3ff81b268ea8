/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whole packets of random tunnels, most of them changed somewhere, through the same headers
 * that the programs are made of, and past the oracle: a million of them, both ways, never pass a
 * check that they should fail, and what passes is changed in nothing but what is specified. The
 * same packets in the kernel: tests/bpf/xdp_stf_test.cc, tc_encap_test.cc.
 */
#include "stf_world.h"

#include "lib/stf_frame.h"
#include "tests/support/random_stf.h"
#include "tests/support/stf_frame_oracle.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <iostream>
#include <map>
#include <memory>

using namespace faith;
using namespace faith::test;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr int packets = 50'000; /* it looks at each access, which takes its time */
#else
constexpr int packets = 500'000; /* in each direction */
#endif
constexpr int of_a_tunnel = 400, of_a_frame = 20;

/* Memory of exactly this length, so that reading beyond it is seen. */
struct Exactly {
    explicit Exactly(const Bytes &bytes)
        : memory(new std::uint8_t[bytes.size()]),
          as_packet{memory.get(), static_cast<std::uint32_t>(bytes.size())} {
        std::copy(bytes.begin(), bytes.end(), memory.get());
    }
    std::unique_ptr<std::uint8_t[]> memory;
    packet as_packet;
};

Bytes front_and_rest(const eth_front &front, const Bytes &frame, std::size_t rest) {
    Bytes made(sizeof front);
    std::memcpy(made.data(), &front, sizeof front);
    made.insert(made.end(), frame.begin() + static_cast<std::ptrdiff_t>(rest), frame.end());
    return made;
}

/* As stf_in() in bpf/lib/stf_in.h. */
StfOutcome in(const StfWorld &world, const Bytes &frame) {
    world_now = &world;
    const Exactly memory(frame);
    cursor at = cursor_at(&memory.as_packet, 0);
    ip4_header outer{};
    ip6_header inner{};
    eth_front front{};
    if (eth_parse(&at) != FGW_L3_IP4 || !ip4_peek(&at, &outer) || outer.protocol != FGW_L4_IP6 ||
        !std::equal(outer.destination, outer.destination + 4, world.stf.address))
        return {FGW_PASS_NOT_IP6, frame};
    fgw_reason reason = stf_in_judge(&at, &world.stf, &outer, &inner);
    if (reason == FGW_STF_IN)
        reason = stf_in_front(&world.stf, &outer, &inner, &front);
    if (reason != FGW_STF_IN && reason != FGW_STF_IN_ODD_ECN)
        return {reason, frame};
    return {reason, front_and_rest(front, frame, sizeof front + ip4_header_length(&outer))};
}

/* As stf_out_check() in bpf/lib/stf_out.h. */
StfOutcome out(const StfWorld &world, const Bytes &frame, std::uint32_t number) {
    world_now = &world;
    const Exactly memory(frame);
    cursor at = cursor_at(&memory.as_packet, 0);
    ip4_header outer{};
    ip6_header inner{};
    if (eth_parse(&at) != FGW_L3_IP6 || !ip6_parse(&at, &inner))
        return {FGW_STF_OUT_SHORT, frame};
    const fgw_reason reason =
        stf_out_header(&world.stf, &inner, stf_next_hop(&world.stf, inner.destination),
                       static_cast<__u32>(frame.size() - ETH_HEADER), false, number, &outer);
    if (reason != FGW_STF_OUT)
        return {reason, frame};
    Bytes made(frame.begin(), frame.begin() + ETH_ADDRESSES);
    made.insert(made.end(), {0x08, 0x00});
    const auto *bytes = reinterpret_cast<const std::uint8_t *>(&outer);
    made.insert(made.end(), bytes, bytes + sizeof outer);
    made.insert(made.end(), frame.begin() + ETH_HEADER, frame.end());
    return {reason, made};
}

using Seen = std::map<fgw_reason, int>;

Seen compare_many(Random &random, StfWay way) {
    Seen seen;
    StfWorld world;
    Bytes good;
    for (int i = 0; i < packets; ++i) {
        if (i % of_a_tunnel == 0)
            world = random_tunnel(random);
        if (i % of_a_frame == 0)
            good = random_stf_frame(random, world, way);
        const Bytes frame = mutated(random, world, way, good);
        const auto number = static_cast<std::uint16_t>(random.word());
        const bool is_in = way == StfWay::In;
        const StfOutcome wanted =
            is_in ? stf_oracle_frame_in(world, frame) : stf_oracle_frame_out(world, frame, number);
        const StfOutcome got = is_in ? in(world, frame) : out(world, frame, be16_to_host(number));
        ++seen[wanted.reason];
        if (got == wanted)
            continue;
        INFO("packet " << i << " " << hex(frame));
        CHECK(reason_name(got.reason) == reason_name(wanted.reason));
        REQUIRE(hex(got.frame) == hex(wanted.frame));
    }
    return seen;
}

/* All that a check can say was said, and not once. */
void check_seen(const Seen &seen, std::initializer_list<fgw_reason> reasons) {
    for (const fgw_reason reason : reasons) {
        INFO(reason_name(reason));
        CHECK((seen.contains(reason) ? seen.at(reason) : 0) > packets / 50'000);
    }
}

} // namespace

TEST_CASE("stf_frame: of 500,000 changed packets none comes in that should not, none other than it "
          "should (R3, R11)") {
    Random random;
    std::cout << "stf_frame, in: " << random.seed() << "\n";
    INFO(random.seed());
    const Seen seen = compare_many(random, StfWay::In);
    check_seen(seen, {FGW_PASS_NOT_IP6,        FGW_STF_INPUT_OFF,
                      FGW_STF_NOT_PEER,        FGW_STF_IN,
                      FGW_STF_IN_ODD_ECN,      FGW_STF_FRAGMENT,
                      FGW_STF_IN_HEADER,       FGW_STF_IN_CHECKSUM,
                      FGW_STF_IN_SHORT,        FGW_STF_IN_SRC4,
                      FGW_STF_IN_SRC4_PRIVATE, FGW_STF_IN_DST6,
                      FGW_STF_IN_DST6_PRIVATE, FGW_STF_IN_SRC6,
                      FGW_STF_IN_SRC6_PRIVATE, FGW_STF_IN_SPOOFED,
                      FGW_STF_IN_NOT_RELAY,    FGW_STF_IN_DST_OTHER,
                      FGW_STF_IN_NEITHER,      FGW_STF_IN_OWN,
                      FGW_STF_IN_ECN});
    CHECK(seen.at(FGW_STF_IN) > packets / 20);
}

TEST_CASE("stf_frame: of 500,000 changed packets none goes out that should not, none other than it "
          "should (S26)") {
    Random random;
    std::cout << "stf_frame, out: " << random.seed() << "\n";
    INFO(random.seed());
    const Seen seen = compare_many(random, StfWay::Out);
    check_seen(seen, {FGW_STF_OUT, FGW_STF_OUT_SHORT, FGW_STF_OUT_TOO_BIG, FGW_STF_OUT_NO_HOP,
                      FGW_STF_OUT_DST4, FGW_STF_OUT_DST6, FGW_STF_OUT_DST6_PRIVATE,
                      FGW_STF_OUT_SRC6, FGW_STF_OUT_SRC6_PRIVATE, FGW_STF_OUT_SRC_OTHER,
                      FGW_STF_OUT_DST_OWN, FGW_STF_OUT_NEITHER, FGW_STF_OUT_OWN});
    CHECK(seen.at(FGW_STF_OUT) > packets / 20);
}
