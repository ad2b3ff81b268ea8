/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What goes out by a tunnel, at TC, as whole packets. The next hop that only a route knows,
 * and joined segments, need devices: tests/netns/stf_test.py. No kernel has refused the room
 * for a header so far (FGW_STF_OUT_ROOM).
 */
#include "stf.h"

#include <linux/pkt_cls.h>

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

/* The frame with its outer header; the number is random, so it is taken from the output. */
Bytes put_in(const Bytes &output, const StfAddresses &p, std::uint8_t traffic_class,
             std::uint8_t service, std::uint8_t ttl) {
    if (output.size() < 34)
        return {};
    Packet packet =
        Packet()
            .eth()
            .ip4({.source = p.source4,
                  .destination = p.destination4,
                  .service = service,
                  .identification = static_cast<std::uint16_t>(output[18] << 8 | output[19]),
                  .ttl = ttl})
            .ip6({.source = p.source6,
                  .destination = p.destination6,
                  .traffic_class = traffic_class});
    return with_segment(packet).bytes();
}

} // namespace

TEST_CASE("tc_encap: a good packet gets its outer header: own source, TTL of the tunnel, no DF "
          "(S24, S5, R8)") {
    StfWorld world = stf_world();
    world.stf.ttl = 40;
    const Tunnel tunnel(world);
    const StfAddresses good = stf_good(StfWay::Out);
    const StfRun run = tunnel.send(inner_packet(good).bytes());
    CHECK(run.counted == "STF_OUT +1");
    CHECK(run.verdict == TC_ACT_REDIRECT);
    CHECK(difference(put_in(run.output, good, 0, 0, 40), run.output) == "");
}

TEST_CASE("tc_encap: packets have different numbers, because routers may cut them (S5)") {
    const Tunnel tunnel;
    const Bytes frame = inner_packet(stf_good(StfWay::Out)).bytes();
    std::set<Bytes> seen;
    for (int i = 0; i < 100; ++i)
        seen.insert(tunnel.send(frame).output);
    CHECK(seen.size() > 90);
}

TEST_CASE("tc_encap: the whole traffic class goes out, in compatibility mode without marks "
          "(S29, RFC 6040 4.1)") {
    for (const fgw_ecn mode : {FGW_ECN_COPY, FGW_ECN_RFC6040, FGW_ECN_COMPATIBILITY}) {
        StfWorld world = stf_world();
        world.stf.ecn = static_cast<std::uint8_t>(mode);
        const Tunnel tunnel(world);
        for (unsigned value = 0; value < 256; ++value) {
            const auto inner = static_cast<std::uint8_t>(value);
            const std::uint8_t outer = mode == FGW_ECN_COMPATIBILITY ? inner & 0xfc : inner;
            INFO("mode " << mode << ", class " << value);
            const StfAddresses good = stf_good(StfWay::Out);
            const StfRun run = tunnel.send(inner_packet(good, inner).bytes());
            CHECK(difference(put_in(run.output, good, inner, outer, 64), run.output) == "");
        }
    }
}

TEST_CASE("tc_encap: every bad address in every place is consumed under its reason (S26, R1, R3)") {
    Tunnel tunnel;
    for (const StfCase &each : stf_bad(StfWay::Out)) {
        INFO(each.name);
        StfWorld world = stf_world();
        StfAddresses p = each.addresses;
        const auto own = p.source4.bytes(), to = p.destination4.bytes();
        std::copy(own.begin(), own.end(), world.stf.address);
        /* A bad outer destination is one that a native destination is relayed to. */
        if (each.reason == FGW_STF_OUT_DST4 || each.reason == FGW_STF_OUT_DST4_PRIVATE) {
            std::copy(to.begin(), to.end(), world.stf.border_relay);
            p.destination6 = address6("2001:db8::1");
        } else if (each.reason == FGW_STF_OUT_NO_HOP) {
            p.destination6 = address6("2001:db8::1");
        }
        tunnel.become(world);
        check_dropped(tunnel, inner_packet(p).bytes(), each.reason);
    }
}

TEST_CASE("tc_encap: addresses that contradict each other are consumed (R1, R5)") {
    StfWorld world = stf_world();
    const auto relay = parse_ip4("198.51.100.1")->bytes();
    std::copy(relay.begin(), relay.end(), world.stf.border_relay);
    const Tunnel tunnel(world);
    const auto refused = [&](const char *source, const char *destination, fgw_reason reason) {
        StfAddresses p = stf_good(StfWay::Out);
        p.source6 = address6(source);
        p.destination6 = address6(destination);
        INFO(source << " > " << destination);
        check_dropped(tunnel, inner_packet(p).bytes(), reason);
    };
    refused("2002:c000:202::1", "2002:c633:6401::1", FGW_STF_OUT_SRC_OTHER);
    refused("2002:c000:201::1", "2002:c000:201::2", FGW_STF_OUT_DST_OWN);
    refused("2001:db8::1", "2001:db8::2", FGW_STF_OUT_NEITHER);
    refused("2001:db8::5efe:203.0.113.9", "2002:c633:6401::1", FGW_STF_OUT_OWN);
}

TEST_CASE("tc_encap: a border relay takes what is outside of the domain (S33)") {
    StfWorld world = stf_world();
    world.stf = stf_of_6rd();
    const Tunnel tunnel(world);
    StfAddresses p = {.source4 = *parse_ip4("10.1.2.3"),
                      .destination4 = *parse_ip4("10.9.9.9"),
                      .source6 = address6("2001:db8:102:300::1"),
                      .destination6 = address6("2003::1")};
    StfRun run = tunnel.send(inner_packet(p).bytes());
    CHECK(difference(put_in(run.output, p, 0, 0, 64), run.output) == "");
    p.destination6 = address6("2001:db8:505:500::1");
    p.destination4 = *parse_ip4("10.5.5.5");
    run = tunnel.send(inner_packet(p).bytes());
    CHECK(difference(put_in(run.output, p, 0, 0, 64), run.output) == "");
}

TEST_CASE("tc_encap: without an address nothing is sent, and nothing but IPv6 ever (S3, S22)") {
    const Loaded loaded{{FGW_PROG_ENCAP}};
    const Bytes frame = inner_packet(stf_good(StfWay::Out)).bytes();
    const StfRun run = run_stf(loaded, loaded.object().encap_program(), frame);
    CHECK(run.counted == "STF_OUT_NO_ADDRESS +1");
    CHECK(run.verdict == TC_ACT_SHOT);
    const Tunnel tunnel;
    check_dropped(tunnel, Packet().eth({.type = std::uint16_t{0x0806}}).payload(46).bytes(),
                  FGW_STF_OUT_SHORT);
    check_dropped(tunnel, Packet().eth().ip4(Packet::Ip4Header{}).payload(8).bytes(),
                  FGW_STF_OUT_SHORT);
    check_dropped(tunnel, Packet().eth().ip6({.version = 5}).tcp().bytes(), FGW_STF_OUT_SHORT);
}

TEST_CASE("tc_encap: longer than the MTU is not sent (S4, R8)") {
    const Tunnel tunnel;
    const StfAddresses good = stf_good(StfWay::Out);
    const auto of = [&](std::size_t bytes) {
        return Packet()
            .eth()
            .ip6({.source = good.source6, .destination = good.destination6})
            .tcp()
            .payload(bytes - 60)
            .bytes();
    };
    CHECK(tunnel.send(of(1280)).counted == "STF_OUT +1");
    check_dropped(tunnel, of(1281), FGW_STF_OUT_TOO_BIG);
}

TEST_CASE("tc_encap: changed at random, packets become in the kernel what the oracle would have") {
    Tunnel tunnel;
    using Counted = std::optional<fgw_reason>;
    check_random_frames(
        "tc_encap", tunnel, StfWay::Out, effort(300'000), [&](const Bytes &frame) -> Counted {
            const Result<PacketRun> run = run_on_packet(tunnel.object().encap_program(), frame);
            if (!run && frame.size() < 54) /* newer kernels take no cut header for a test */
                return std::nullopt;
            REQUIRE(run);
            const auto number = static_cast<std::uint16_t>(
                run->output.size() < 20 ? 0 : run->output[18] << 8 | run->output[19]);
            const StfOutcome wanted = stf_oracle_frame_out(tunnel.world, frame, number);
            const bool goes = wanted.reason == FGW_STF_OUT;
            REQUIRE(static_cast<int>(run->verdict) == (goes ? TC_ACT_REDIRECT : TC_ACT_SHOT));
            if (run->output != wanted.frame)
                REQUIRE(hex(run->output) == hex(wanted.frame));
            return wanted.reason;
        });
}
