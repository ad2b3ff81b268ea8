/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the way out of a tunnel takes: the path MTU, and TCP segments that fit. Joined segments
 * and an uplink that is narrow itself need devices: tests/netns/tunnel_errors_test.py.
 */
#include "stf.h"

#include "datapath/ring.h"
#include "faith/names.h"
#include "lib/ctx_mem.h"
#include "lib/ip4.h"

#include <linux/pkt_cls.h>

#include <algorithm>
#include <chrono>
#include <cstring>

using namespace faith;
using namespace faith::test;

namespace {

struct Tunnel : Loaded {
    explicit Tunnel(StfWorld with = stf_world()) : Loaded({FGW_PROG_ENCAP}) {
        become(std::move(with));
    }
    /* Loading programs takes longer than all else; what is written over is gone. */
    void become(StfWorld with) {
        world = with_devices(std::move(with));
        tunnel(world);
    }
    StfRun send(const Bytes &frame) const {
        return run_stf(*this, object().encap_program(), frame);
    }
    StfWorld world;
};

void check_dropped(const Tunnel &tunnel, const Bytes &frame, fgw_reason reason) {
    const StfRun run = tunnel.send(frame);
    CHECK(run.counted == reason_name(reason) + " +1");
    CHECK(run.verdict == TC_ACT_SHOT);
    CHECK(difference(frame, run.output) == "");
}

struct TooLong {
    std::uint16_t mtu = 0;
    Bytes quoted;
};

/* What the ring holds of packets that were too long. */
std::vector<TooLong> handed_over(const Tunnel &tunnel) {
    std::vector<TooLong> found;
    const auto ring = datapath::Ring::open(
        {.map = tunnel.maps().stf_slow, .name = "test"}, [&](std::span<const std::uint8_t> record) {
            fgw_slow_packet head{};
            std::memcpy(&head, record.data(), sizeof head);
            const auto from = record.begin() + sizeof head;
            found.push_back({.mtu = head.mtu, .quoted = Bytes(from, from + head.length)});
        });
    REQUIRE(ring);
    REQUIRE(ring->consume());
    return found;
}

StfWorld following(std::uint16_t mtu = 1480) {
    StfWorld world = stf_world();
    world.stf.mtu = mtu;
    world.stf.flags |= FGW_STF_PMTU;
    return world;
}

Bytes of_length(std::size_t bytes) {
    const StfAddresses good = stf_good(StfWay::Out);
    return Packet()
        .eth()
        .ip6({.source = good.source6, .destination = good.destination6})
        .tcp()
        .payload(bytes - 60)
        .bytes();
}

void learn(const Tunnel &tunnel, std::uint32_t mtu, std::chrono::seconds from_now) {
    fgw_pmtu_key key{.uplink = tunnel.world.stf.uplink, .destination = {}};
    const auto far = stf_good(StfWay::Out).destination4.bytes();
    std::copy(far.begin(), far.end(), key.destination);
    const auto later = static_cast<std::uint64_t>(std::chrono::nanoseconds(from_now).count());
    REQUIRE(tunnel.maps().pmtu.put(key, {.until_ns = now() + later, .mtu = mtu, .pad = 0}));
    next_tick();
}

std::uint16_t fragment_field(const StfRun &run) {
    return static_cast<std::uint16_t>(run.output.at(20) << 8 | run.output.at(21));
}

} // namespace

TEST_CASE("stf_path: a tunnel that follows the path MTU sends DF, any other does not (R8, R9)") {
    Tunnel tunnel(following());
    StfRun run = tunnel.send(of_length(1480));
    CHECK(run.counted == "STF_OUT +1");
    CHECK(fragment_field(run) == 0x4000);
    ip4_header header{};
    std::memcpy(&header, &run.output.at(14), sizeof header);
    ip4_header right = header;
    ip4_set_checksum(&right);
    CHECK(header.checksum == right.checksum);
    StfWorld world = stf_world();
    world.stf.mtu = 1480;
    tunnel.become(world);
    learn(tunnel, 1400, std::chrono::hours(1));
    run = tunnel.send(of_length(1480));
    CHECK(run.counted == "STF_OUT +1");
    CHECK(fragment_field(run) == 0);
}

TEST_CASE(
    "stf_path: what is longer than the path takes is handed to user space with its MTU (R9)") {
    const Tunnel tunnel(following());
    const Bytes frame = of_length(1381);
    learn(tunnel, 1400, std::chrono::hours(1));
    check_dropped(tunnel, frame, FGW_STF_OUT_PMTU);
    const std::vector<TooLong> told = handed_over(tunnel);
    REQUIRE(told.size() == 1);
    CHECK(told[0].mtu == 1380);
    CHECK(hex(told[0].quoted) == hex(Bytes(frame.begin() + 14, frame.begin() + 14 + 1232)));
    const StfRun fits = tunnel.send(of_length(1380));
    CHECK(fits.counted == "STF_OUT +1");
    CHECK(fragment_field(fits) == 0x4000);
    /* Forgotten with time. */
    learn(tunnel, 1400, std::chrono::seconds(-1));
    CHECK(tunnel.send(frame).counted == "STF_OUT +1");
    CHECK(handed_over(tunnel).empty());
}

TEST_CASE("stf_path: below the least MTU packets may be cut, and only longer ones are told (R9)") {
    const Tunnel tunnel(following());
    learn(tunnel, 1299, std::chrono::hours(1));
    const StfRun run = tunnel.send(of_length(1280));
    CHECK(run.counted == "STF_OUT +1");
    CHECK(fragment_field(run) == 0);
    check_dropped(tunnel, of_length(1281), FGW_STF_OUT_PMTU);
    const std::vector<TooLong> told = handed_over(tunnel);
    REQUIRE(told.size() == 1);
    CHECK(told[0].mtu == 1280);
}

TEST_CASE("stf_path: without a reader what is too long goes and may be cut (R9)") {
    const Tunnel tunnel(following());
    learn(tunnel, 1400, std::chrono::hours(1));
    const Bytes frame = of_length(1480);
    /* Beyond the rate packets are dropped and not told, so the bucket is kept full. */
    const fgw_rate_key bucket{.source = {}, .of = FGW_RATE_TOO_BIG, .prefix_len = 0};
    const std::size_t room = FGW_SLOW_BYTES / 2056;
    for (std::size_t i = 0; i < room; ++i) {
        REQUIRE(tunnel.rates().put(bucket, {.full_at_ns = 0}));
        check_dropped(tunnel, frame, FGW_STF_OUT_PMTU);
    }
    const StfRun run = tunnel.send(frame);
    CHECK(run.counted == "STF_OUT +1");
    CHECK(fragment_field(run) == 0);
    CHECK(handed_over(tunnel).size() == room);
    check_dropped(tunnel, frame, FGW_STF_OUT_PMTU);
    CHECK(handed_over(tunnel).size() == 1);
    tunnel.drain(bucket);
    check_dropped(tunnel, frame, FGW_STF_OUT_PMTU);
    CHECK(handed_over(tunnel).empty());
}

namespace {

/* A segment with these options and a right checksum. */
Bytes with_options(const Bytes &options, std::uint8_t flags) {
    const StfAddresses good = stf_good(StfWay::Out);
    Bytes frame = Packet()
                      .eth()
                      .ip6({.source = good.source6, .destination = good.destination6})
                      .tcp({.flags = flags, .options = options.size()})
                      .payload(20)
                      .bytes();
    std::copy(options.begin(), options.end(), frame.begin() + 74);
    frame[70] = frame[71] = 0;
    std::uint32_t sum = static_cast<std::uint32_t>(frame.size() - 54) + 6;
    for (std::size_t at = 22; at < frame.size(); at += 2)
        sum += static_cast<std::uint32_t>(frame[at] << 8 |
                                          (at + 1 < frame.size() ? frame[at + 1] : 0));
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    frame[70] = static_cast<std::uint8_t>(~sum >> 8);
    frame[71] = static_cast<std::uint8_t>(~sum);
    return frame;
}

/* The inner packet that left, as a frame with the stations of `frame`. */
Bytes inner_of(const StfRun &run, const Bytes &frame) {
    Bytes inner = run.output;
    inner.erase(inner.begin() + 14, inner.begin() + 34);
    std::copy(frame.begin(), frame.begin() + 14, inner.begin());
    return inner;
}

} // namespace

TEST_CASE("stf_path: the MSS of a SYN is lowered where it stands, with its checksum") {
    StfWorld world = stf_world();
    world.stf.mss = 1220;
    const Tunnel tunnel(world);
    const Bytes before[] = {{},        {1, 1},      {1},
                            {1, 1, 1}, {4, 2},      {8, 10, 0, 0, 0, 1, 0, 0, 0, 2},
                            {3, 3, 7}, Bytes(36, 1)};
    for (const std::uint8_t flags : {std::uint8_t{0x02}, std::uint8_t{0x12}, std::uint8_t{0xc2}})
        for (const Bytes &first : before) {
            INFO("flags " << int{flags} << ", " << first.size() << " bytes before it");
            const auto with_mss = [&](std::uint16_t mss) {
                Bytes options = first;
                options.insert(options.end(), {2, 4, static_cast<std::uint8_t>(mss >> 8),
                                               static_cast<std::uint8_t>(mss)});
                options.resize((options.size() + 3) / 4 * 4);
                return with_options(options, flags);
            };
            const StfRun lowered = tunnel.send(with_mss(1440));
            CHECK(hex(inner_of(lowered, with_mss(1220))) == hex(with_mss(1220)));
            const StfRun low = tunnel.send(with_mss(900));
            CHECK(hex(inner_of(low, with_mss(900))) == hex(with_mss(900)));
        }
}

TEST_CASE("stf_path: no MSS, no SYN, or options that make no sense: TCP is left as it is") {
    StfWorld world = stf_world();
    world.stf.mss = 1220;
    Tunnel tunnel(world);
    const Bytes mss = {2, 4, 0x05, 0xa0};
    const auto untouched = [&](const Bytes &options, std::uint8_t flags = 0x02) {
        const Bytes frame = with_options(options, flags);
        INFO(hex(options));
        CHECK(hex(inner_of(tunnel.send(frame), frame)) == hex(frame));
    };
    untouched({});
    untouched(mss, 0x10);
    untouched({0, 0, 0, 0, 2, 4, 0x05, 0xa0});
    untouched({9, 0, 1, 1, 2, 4, 0x05, 0xa0});
    untouched({9, 1, 1, 1, 2, 4, 0x05, 0xa0});
    untouched({9, 8, 1, 1, 2, 4, 0x05, 0xa0});
    untouched({2, 3, 0x05, 1, 1, 1, 2, 4});
    untouched({9, 255, 0, 0, 2, 4, 0x05, 0xa0});
    world.stf.mss = 0;
    tunnel.become(world);
    untouched(mss);
}
