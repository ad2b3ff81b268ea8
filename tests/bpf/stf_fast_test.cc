/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fast path of tunnels over random tunnels and changed frames: what it redirects is what the
 * oracle, and so the slow path, would send, one hop further; all else is as if there were none.
 * Real frames, and who does without it: tests/netns/stf_fast_test.py.
 */
#include "roads.h"

#include "datapath/ring.h"

using namespace faith;
using namespace faith::test;

namespace {

constexpr std::size_t hop_limit_at = 14 + 7, next_header_at = 14 + 6;

Bytes one_hop_on(Bytes frame) {
    --frame.at(hop_limit_at);
    return frame;
}

/* What any router would forward without a second look. */
bool is_plain(const Bytes &frame) {
    return frame.size() >= 54 &&
           frame.size() == 54U + static_cast<std::size_t>(frame[18] << 8 | frame[19]) &&
           frame[hop_limit_at] > 1 && frame[next_header_at] != 0;
}

/* Hop limits around one, and options for routers: chance finds them too rarely. */
void at_an_edge(Bytes &frame, std::size_t inner, int which) {
    if (frame.size() < inner + 40)
        return;
    if (which % 16 == 5)
        frame[inner + 7] = static_cast<std::uint8_t>(which / 16 % 3);
    if (which % 16 == 6)
        frame[inner + 6] = 0;
}

/* Some frames are for another station. What could go the fast way mostly does: the others have no
 * neighbour, or met a tick of the slow way. */
struct Tally {
    bool is_ours() { return ++frames % 16 != 0; }
    void require_most_were_fast(int one_in) const {
        INFO(fast << " of " << could << " that could, among " << frames);
        CHECK(could > frames / one_in);
        CHECK(fast > could / 2);
    }
    int frames = 0, could = 0, fast = 0;
};

} // namespace

TEST_CASE("stf_fast: changed at random, what leaves by the uplink is what the oracle would send") {
    FastTunnel tunnel;
    Tally tally;
    using Counted = std::optional<fgw_reason>;
    const auto judge = [&](const Bytes &changed) -> Counted {
        const bool ours = tally.is_ours();
        Bytes frame = between(changed, ours ? lan_mac : other_station, lan_router);
        at_an_edge(frame, 14, tally.frames);
        const PacketRun run = tunnel.take(frame, lan);
        const bool could = ours && is_plain(frame) &&
                           stf_oracle_frame_out(tunnel.world, frame, 0).reason == FGW_STF_OUT;
        tally.could += could;
        if (run.verdict != XDP_REDIRECT) {
            REQUIRE(run.verdict == XDP_PASS);
            REQUIRE(hex(run.output) == hex(frame));
            return guard_oracle({}, frame);
        }
        REQUIRE(could);
        ++tally.fast;
        const auto number = static_cast<std::uint16_t>(run.output.at(18) << 8 | run.output.at(19));
        const StfOutcome wanted = stf_oracle_frame_out(tunnel.world, one_hop_on(frame), number);
        REQUIRE(hex(run.output) == hex(between(wanted.frame, sea_router, uplink_mac)));
        return FGW_STF_FAST_OUT;
    };
    check_random_frames("stf_fast", tunnel, StfWay::Out, effort(300'000), judge);
    tally.require_most_were_fast(20);
}

TEST_CASE("stf_fast: changed at random, what leaves by the LAN is what the oracle takes out") {
    FastTunnel tunnel;
    Tally tally;
    const auto ring = datapath::Ring::open({.map = tunnel.maps().stf_slow, .name = "fragments"},
                                           [](std::span<const std::uint8_t>) {});
    REQUIRE(ring);
    using Counted = std::optional<fgw_reason>;
    const auto judge = [&](const Bytes &changed) -> Counted {
        const bool ours = tally.is_ours();
        Bytes frame = between(changed, ours ? uplink_mac : other_station, sea_router);
        at_an_edge(frame, 34, tally.frames);
        const PacketRun run = tunnel.take(frame, uplink);
        const StfOutcome wanted = stf_oracle_frame_in(tunnel.world, frame);
        const bool could = ours && wanted.reason == FGW_STF_IN && is_plain(wanted.frame);
        tally.could += could;
        if (wanted.reason == FGW_STF_FRAGMENT)
            REQUIRE(ring->consume()); /* else it would be full */
        if (run.verdict == XDP_REDIRECT) {
            REQUIRE(could);
            ++tally.fast;
            REQUIRE(hex(run.output) == hex(between(one_hop_on(wanted.frame), lan_router, lan_mac)));
            return FGW_STF_FAST_IN;
        }
        const bool taken = wanted.reason == FGW_STF_IN || wanted.reason == FGW_STF_IN_ODD_ECN;
        REQUIRE(run.verdict == (wanted.reason >= FGW_FIRST_STF_DROP ? XDP_DROP : XDP_PASS));
        REQUIRE(hex(run.output) ==
                hex(taken ? marked(tunnel.world, wanted.frame, frame) : wanted.frame));
        return wanted.reason;
    };
    check_random_frames("stf_fast", tunnel, StfWay::In, effort(300'000), judge);
    /* Rarer on this way, and by chance much rarer in the few frames of an emulated machine. */
    tally.require_most_were_fast(60);
}
