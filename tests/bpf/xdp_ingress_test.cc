/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The guard at XDP on whole frames; tables and oracle are those of every guard. */
#include "guard.h"

using namespace faith;
using namespace faith::test;

namespace {

Hook hook_of(Loaded &loaded) {
    return {.name = "xdp_ingress",
            .program = loaded.object().xdp_program(),
            .pass = XDP_PASS,
            .drop = XDP_DROP,
            .takes = [](const Bytes &frame) { return frame.size() >= shortest_frame; },
            .expected = guard_oracle};
}

/* Judge one frame by the usual rules. */
std::string wrong_with(const Packet &packet, fgw_reason expected) {
    Loaded loaded{{FGW_PROG_XDP}};
    loaded.fill(guard_rules());
    return complaints(loaded, hook_of(loaded), packet.bytes(), expected);
}

} // namespace

TEST_CASE("xdp_ingress: each packet gets its verdict, counts once and leaves as it came") {
    Loaded loaded{{FGW_PROG_XDP}};
    check_table(loaded, hook_of(loaded));
}

TEST_CASE("xdp_ingress: with keepfaith off nothing reaches a prefix, the rest is as before (F9)") {
    Loaded loaded{{FGW_PROG_XDP}};
    check_keepfaith_off(loaded, hook_of(loaded));
}

TEST_CASE("xdp_ingress: without a prefix everything passes") {
    Loaded loaded{{FGW_PROG_XDP}};
    check_without_prefix(loaded, hook_of(loaded));
}

TEST_CASE("xdp_ingress: the comparison sees a wrong reason and a wrong verdict") {
    Loaded loaded{{FGW_PROG_XDP}};
    check_that_mistakes_are_seen(loaded, hook_of(loaded));
}

TEST_CASE("xdp_ingress: every packet of the table, cut at every byte, is judged as by the oracle") {
    Loaded loaded{{FGW_PROG_XDP}};
    check_every_cut(loaded, hook_of(loaded));
}

TEST_CASE("xdp_ingress: random packets are judged as by the oracle") {
    Loaded loaded{{FGW_PROG_XDP}};
    check_random_packets(loaded, hook_of(loaded), effort(20'000));
}

TEST_CASE("xdp_ingress: the table has every reason of the guards, and the oracle agrees with it") {
    std::vector<int> seen(FGW_REASON_MAX);
    for (const GuardCase &each : guard_cases()) {
        INFO(each.name);
        ++seen.at(each.reason);
        CHECK(reason_name(guard_oracle(guard_rules(), each.packet.bytes())) ==
              reason_name(each.reason));
    }
    ++seen.at(FGW_DROP_KEEPFAITH_OFF); /* a test of its own, above */
    ++seen.at(FGW_PASS_OTHER_HOST);    /* in tc_ingress_test.cc */
#define SEEN(name, number, origin, sentence)                                                       \
    if (std::string(#origin) == "GUARD") {                                                         \
        INFO(#name);                                                                               \
        CHECK(seen.at(number) > 0);                                                                \
    }
#define RETIRED(number)
    FGW_REASONS(SEEN, RETIRED)
}

/* The kernel hands a test run of more than a page to the program in pieces, as a driver
 * does with jumbo frames. */
TEST_CASE("xdp_ingress: headers are followed into the fragments of a frame (xdp.frags)") {
    for (const int headers : {1, 3, 8}) {
        Packet packet = Packet().eth().ip6();
        for (int i = 0; i < headers; ++i)
            packet.destination_options({.bytes = 2048});
        Packet tcp = packet;
        Packet udp = packet;
        Packet cut_short = packet;
        Packet packet_too_big = packet;
        INFO(headers << " headers of 2 KiB");
        CHECK(wrong_with(tcp.tcp().payload(100), FGW_PASS_TCP) == "");
        CHECK(wrong_with(udp.udp(), FGW_DROP_UDP) == "");
        CHECK(wrong_with(cut_short.upper(6, 19), FGW_DROP_TRUNCATED) == "");
        CHECK(wrong_with(packet_too_big.icmp6({.type = 2}), FGW_PASS_ICMP6_ERROR) == "");
    }
}

TEST_CASE("xdp_ingress: a header on the border of two pieces is read whole") {
    Loaded loaded{{FGW_PROG_XDP}};
    loaded.fill(guard_rules());
    const Hook hook = hook_of(loaded);
    /* A page less the kernel's own room, 3,520 bytes on x86: every place near it is tried. */
    for (std::size_t more = 0; more < 1900; more += 4) {
        const Bytes frame = Packet()
                                .eth()
                                .ip6()
                                .destination_options({.bytes = 2048})
                                .destination_options({.bytes = 8 + more / 8 * 8})
                                .authentication({.bytes = 12 + more % 8})
                                .fragment({.more = true})
                                .icmp6({.type = 3})
                                .payload(4000)
                                .bytes();
        INFO("fragment header at " << 14 + 40 + 2048 + 8 + 12 + more);
        CHECK(complaints(loaded, hook, frame, FGW_PASS_ICMP6_ERROR) == "");
    }
}

TEST_CASE("xdp_ingress: a frame of many pieces that says it is longer is truncated") {
    CHECK(
        wrong_with(Packet().eth().ip6({.payload_length = std::uint16_t{9000}}).udp().payload(8900),
                   FGW_DROP_TRUNCATED) == "");
    CHECK(
        wrong_with(Packet().eth().ip6({.payload_length = std::uint16_t{8908}}).udp().payload(8900),
                   FGW_DROP_UDP) == "");
}

TEST_CASE("xdp_ingress: a jumbogram is judged by its headers (RFC 2675)") {
    const auto jumbo = [](std::size_t bytes) {
        return Packet()
            .eth()
            .ip6({.payload_length = std::uint16_t{0}})
            .hop_by_hop()
            .tcp()
            .payload(bytes);
    };
    CHECK(wrong_with(jumbo(66'000), FGW_PASS_TCP) == "");
    CHECK(wrong_with(jumbo(60'000), FGW_DROP_TRUNCATED) == "");
}
