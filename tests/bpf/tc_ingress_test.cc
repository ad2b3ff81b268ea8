/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The guard at TC on whole packets; tables and oracle are those of every guard. */
#include "guard.h"

#include <linux/pkt_cls.h>

#include <algorithm>

using namespace faith;
using namespace faith::test;

namespace {

/* A test run takes no more than a page, and newer kernels refuse an untagged packet that
 * is shorter than the header its type asks for. */
bool takes(const Bytes &frame) {
    if (frame.size() <= shortest_frame)
        return false;
    const int type = frame[12] << 8 | frame[13];
    const std::size_t header = type == 0x86dd ? 40 : type == 0x0800 ? 20 : 0;
    return frame.size() >= 14 + header && frame.size() < 3000;
}

/* TC also knows whether the frame is for this host at all: the address of lo is zero. */
fgw_reason expected(const GuardRules &rules, const Bytes &frame) {
    const bool group = frame[0] % 2 == 1;
    const bool to_lo =
        std::all_of(frame.begin(), frame.begin() + 6, [](std::uint8_t byte) { return byte == 0; });
    return group || to_lo ? guard_oracle(rules, frame) : FGW_PASS_OTHER_HOST;
}

Hook hook_of(Loaded &loaded) {
    return {.name = "tc_ingress",
            .program = loaded.object().tc_program(),
            .pass = static_cast<std::uint32_t>(TC_ACT_UNSPEC),
            .drop = TC_ACT_SHOT,
            .takes = takes,
            .expected = expected};
}

} // namespace

TEST_CASE("tc_ingress: each packet gets its verdict, counts once and leaves as it came") {
    Loaded loaded{{FGW_PROG_TC}};
    check_table(loaded, hook_of(loaded));
}

TEST_CASE("tc_ingress: with keepfaith off nothing reaches a prefix, the rest is as before (F9)") {
    Loaded loaded{{FGW_PROG_TC}};
    check_keepfaith_off(loaded, hook_of(loaded));
}

TEST_CASE("tc_ingress: without a prefix everything passes") {
    Loaded loaded{{FGW_PROG_TC}};
    check_without_prefix(loaded, hook_of(loaded));
}

TEST_CASE("tc_ingress: the comparison sees a wrong reason and a wrong verdict") {
    Loaded loaded{{FGW_PROG_TC}};
    check_that_mistakes_are_seen(loaded, hook_of(loaded));
}

TEST_CASE("tc_ingress: every packet of the table, cut at every byte, is judged as by the oracle") {
    Loaded loaded{{FGW_PROG_TC}};
    check_every_cut(loaded, hook_of(loaded));
}

TEST_CASE("tc_ingress: random packets are judged as by the oracle") {
    Loaded loaded{{FGW_PROG_TC}};
    check_random_packets(loaded, hook_of(loaded), effort(20'000));
}

TEST_CASE("tc_ingress: frames to other stations are left alone, groups are not") {
    Loaded loaded{{FGW_PROG_TC}};
    loaded.fill(guard_rules());
    const auto wrong_with = [&](const Mac &destination, fgw_reason reason) {
        return complaints(loaded, hook_of(loaded),
                          Packet().eth({.destination = destination}).ip6().udp().bytes(), reason);
    };
    CHECK(wrong_with({2, 0, 0, 0, 0, 9}, FGW_PASS_OTHER_HOST) == "");
    CHECK(wrong_with({0, 0, 0, 0, 0, 1}, FGW_PASS_OTHER_HOST) == "");
    CHECK(wrong_with({0x33, 0x33, 0, 0, 0, 1}, FGW_DROP_UDP) == "");
    CHECK(wrong_with({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, FGW_DROP_UDP) == "");
    CHECK(wrong_with({0, 0, 0, 0, 0, 0}, FGW_DROP_UDP) == "");
}
