/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What comes in by a tunnel, at XDP, as whole packets: the outer header goes, nothing inside
 * changes but a congestion mark, and what is refused is consumed (L7, S21). Questions to the
 * routing tables need routes (FGW_STF_IN_LOOP): tests/netns/stf_test.py. No driver here
 * refuses the room for a mark (FGW_STF_IN_ROOM).
 */
#include "stf.h"

#include "datapath/event_ring.h"

#include <chrono>
#include <cstring>

using namespace faith;
using namespace faith::test;

namespace {

struct Tunnel : Loaded {
    explicit Tunnel(StfWorld with = stf_world()) : Loaded({FGW_PROG_XDP}) {
        become(std::move(with));
    }
    /* Loading programs takes longer than all else; what is written over is gone. */
    void become(StfWorld with) {
        world = with_devices(std::move(with));
        tunnel(world);
        REQUIRE(maps().stf.put({.ifindex = world.stf.peer, .address = {}}, world.stf));
    }
    StfRun take(const Bytes &frame) const { return run_stf(*this, object().xdp_program(), frame); }
    StfWorld world;
};

Packet outer(const StfAddresses &addresses, Packet::Ip4Header fields = {}) {
    fields.source = addresses.source4;
    fields.destination = addresses.destination4;
    return Packet().eth().ip4(fields).ip6(
        {.source = addresses.source6, .destination = addresses.destination6});
}

Bytes coming(Packet::Ip4Header fields = {}) {
    Packet packet = outer(stf_good(StfWay::In), fields);
    return with_segment(packet).bytes();
}

Bytes taken_out(const StfWorld &world, const Packet &inner, const Bytes &incoming) {
    Bytes frame = inner.bytes();
    std::copy_n(world.stf.device_mac, 6, frame.begin());
    std::copy_n(world.stf.peer_mac, 6, frame.begin() + 6);
    return marked(world, frame, incoming);
}

void check_dropped(const Tunnel &tunnel, const Bytes &frame, fgw_reason reason) {
    const StfRun run = tunnel.take(frame);
    CHECK(run.counted == reason_name(reason) + " +1");
    CHECK(run.verdict == XDP_DROP);
    CHECK(difference(frame, run.output) == "");
}

void check_left_alone(const Tunnel &tunnel, const Bytes &frame, fgw_reason reason) {
    const StfRun run = tunnel.take(frame);
    CHECK(run.counted == reason_name(reason) + " +1");
    CHECK(run.verdict == XDP_PASS);
    CHECK(difference(frame, run.output) == "");
}

} // namespace

TEST_CASE("xdp_stf: a good packet loses its outer header, is marked and passes (S20)") {
    const Tunnel tunnel;
    const StfRun run = tunnel.take(coming());
    CHECK(run.counted == "STF_IN +1");
    CHECK(run.verdict == XDP_PASS);
    CHECK(hex(run.output) ==
          hex(taken_out(tunnel.world, inner_packet(stf_good(StfWay::In)), coming())));
}

TEST_CASE("xdp_stf: options go with the header, padding stays behind the packet (R11)") {
    const Tunnel tunnel;
    for (std::size_t options = 0; options <= 40; options += 4) {
        INFO(options << " bytes of options");
        const StfRun run = tunnel.take(coming({.options = options}));
        CHECK(run.counted == "STF_IN +1");
        CHECK(hex(run.output) ==
              hex(taken_out(tunnel.world, inner_packet(stf_good(StfWay::In)), coming())));
    }
    Packet padded = outer(stf_good(StfWay::In));
    with_segment(padded).padding(30);
    CHECK(tunnel.take(padded.bytes()).counted == "STF_IN +1");
}

TEST_CASE("xdp_stf: every bad address in every place is consumed under its reason "
          "(S13-S17, R2, R3, R12)") {
    Tunnel tunnel;
    for (const StfCase &each : stf_bad(StfWay::In)) {
        INFO(each.name);
        StfWorld world = stf_world();
        /* A bad own address takes a tunnel that was given one. */
        const auto own = each.addresses.destination4.bytes();
        std::copy(own.begin(), own.end(), world.stf.address);
        tunnel.become(world);
        Packet packet = outer(each.addresses);
        check_dropped(tunnel, with_segment(packet).bytes(), each.reason);
    }
}

TEST_CASE("xdp_stf: addresses that contradict each other are consumed (R2, R5, R17)") {
    const Tunnel tunnel;
    const auto refused = [&](const char *source, const char *destination, fgw_reason reason) {
        StfAddresses p = stf_good(StfWay::In);
        p.source6 = address6(source);
        p.destination6 = address6(destination);
        INFO(source << " > " << destination);
        Packet packet = outer(p);
        check_dropped(tunnel, with_segment(packet).bytes(), reason);
    };
    refused("2002:c633:6402::1", "2002:c000:201::1", FGW_STF_IN_SPOOFED);
    refused("2002:c633:6401::1", "2002:c000:202::1", FGW_STF_IN_DST_OTHER);
    refused("2001:db8::1", "2001:db8::2", FGW_STF_IN_NEITHER);
    refused("2002:c633:6401::1", "2001:db8::5efe:192.0.2.1", FGW_STF_IN_OWN);
    StfWorld sixrd = stf_world();
    sixrd.stf = stf_of_6rd();
    const Tunnel site(sixrd);
    StfAddresses p = {.source4 = *parse_ip4("10.5.5.5"),
                      .destination4 = *parse_ip4("10.1.2.3"),
                      .source6 = address6("2003::1"),
                      .destination6 = address6("2001:db8:102:300::1")};
    Packet stranger = outer(p);
    check_dropped(site, with_segment(stranger).bytes(), FGW_STF_IN_NOT_RELAY);
    p.source4 = *parse_ip4("10.9.9.9");
    Packet relayed = outer(p);
    CHECK(site.take(with_segment(relayed).bytes()).counted == "STF_IN +1");
}

TEST_CASE("xdp_stf: what no tunnel claims passes untouched (S7, S9, S11)") {
    StfWorld world = stf_world();
    world.stf.peer_len = 16;
    const Tunnel tunnel(world);
    check_left_alone(tunnel, coming(), FGW_STF_NOT_PEER);
    check_left_alone(tunnel, coming({.protocol = std::uint8_t{4}}), FGW_PASS_NOT_IP6);
    Packet tagged = Packet().eth().vlan({}).ip4(Packet::Ip4Header{}).ip6();
    check_left_alone(tunnel, tagged.bytes(), FGW_PASS_NOT_IP6);
    StfAddresses elsewhere = stf_good(StfWay::In);
    elsewhere.destination4 = *parse_ip4("192.0.2.2");
    check_left_alone(tunnel, outer(elsewhere).tcp().bytes(), FGW_PASS_NOT_IP6);
    world.stf.flags &= ~static_cast<std::uint32_t>(FGW_STF_INPUT);
    check_left_alone(Tunnel(world), coming(), FGW_STF_INPUT_OFF);
    check_left_alone(Tunnel(world), cut(coming(), 33), FGW_PASS_NOT_IP6);
}

TEST_CASE("xdp_stf: broken packets of a tunnel are consumed (S12, S14, R11, L8)") {
    const Tunnel tunnel;
    check_dropped(tunnel, coming({.words = std::uint8_t{4}}), FGW_STF_IN_HEADER);
    check_dropped(tunnel, coming({.total_length = std::uint16_t{2000}}), FGW_STF_IN_HEADER);
    check_dropped(tunnel, coming({.checksum = std::uint16_t{0x1234}}), FGW_STF_IN_CHECKSUM);
    check_dropped(tunnel, coming({.total_length = std::uint16_t{59}}), FGW_STF_IN_SHORT);
    check_dropped(tunnel, coming({.total_length = std::uint16_t{179}}), FGW_STF_IN_SHORT);
    const StfAddresses good = stf_good(StfWay::In);
    const auto with_inner = [&](const Packet::Ip6Header &fields) {
        Packet packet = Packet().eth().ip4({.source = good.source4}).ip6(fields);
        return with_segment(packet).bytes();
    };
    check_dropped(tunnel, with_inner({.version = 4}), FGW_STF_IN_SHORT);
    check_dropped(tunnel, with_inner({.payload_length = std::uint16_t{121}}), FGW_STF_IN_SHORT);
}

TEST_CASE("xdp_stf: cut at every byte, a packet is consumed or none of ours, never taken out") {
    const Tunnel tunnel;
    for (const std::size_t options : {std::size_t{0}, std::size_t{12}}) {
        const Bytes whole = coming({.options = options});
        for (std::size_t length = shortest_frame; length < whole.size(); ++length) {
            INFO(options << " bytes of options, cut at " << length);
            if (length < 34)
                check_left_alone(tunnel, cut(whole, length), FGW_PASS_NOT_IP6);
            else
                check_dropped(tunnel, cut(whole, length), FGW_STF_IN_HEADER);
        }
    }
}

namespace {

/* Rows inner, columns outer: Not-ECT, ECT(1), ECT(0), CE as numbers (RFC 6040 figure 4). */
constexpr int joined_marks[4][4] = {{0, 0, 0, -1}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};
constexpr bool odd_marks[4][4] = {{false, true, true, true},
                                  {false, false, true, false},
                                  {false, false, false, false},
                                  {false, true, false, false}};
constexpr std::uint8_t inner_dscp = 0xb8;

Bytes with_marks(std::uint8_t in, std::uint8_t out) {
    const StfAddresses good = stf_good(StfWay::In);
    Packet packet =
        Packet()
            .eth()
            .ip4({.source = good.source4, .service = static_cast<std::uint8_t>(0x48 | out)})
            .ip6({.source = good.source6,
                  .destination = good.destination6,
                  .traffic_class = static_cast<std::uint8_t>(inner_dscp | in)});
    return with_segment(packet).bytes();
}

StfWorld world_with_ecn(fgw_ecn mode, std::uint32_t flags = FGW_STF_ECN_LOG) {
    StfWorld world = stf_world();
    world.stf.ecn = static_cast<std::uint8_t>(mode);
    world.stf.flags |= flags;
    return world;
}

/* What is told while it lives. */
struct Events {
    explicit Events(const Loaded &loaded)
        : ring_(datapath::open_event_ring(
              loaded.maps().events, [this](const fgw_event &event) { told_.push_back(event); })) {
        REQUIRE(ring_);
    }
    std::vector<fgw_event> take() {
        told_.clear();
        REQUIRE(ring_->consume());
        return told_;
    }

private:
    std::vector<fgw_event> told_;
    Result<datapath::Ring> ring_;
};

} // namespace

TEST_CASE("xdp_stf: congestion marks come out as figure 4 of RFC 6040, or not at all (S29, S30)") {
    for (const fgw_ecn mode : {FGW_ECN_COPY, FGW_ECN_RFC6040, FGW_ECN_COMPATIBILITY}) {
        const Tunnel tunnel(world_with_ecn(mode));
        for (std::uint8_t in = 0; in < 4; ++in)
            for (std::uint8_t out = 0; out < 4; ++out) {
                INFO("mode " << mode << ", inner " << int{in} << ", outer " << int{out});
                const Bytes frame = with_marks(in, out);
                const int mark = mode == FGW_ECN_COPY ? in : joined_marks[in][out];
                if (mark < 0) {
                    check_dropped(tunnel, frame, FGW_STF_IN_ECN);
                    continue;
                }
                const bool odd = mode != FGW_ECN_COPY && odd_marks[in][out];
                const StfRun run = tunnel.take(frame);
                CHECK(run.counted == (odd ? "STF_IN_ODD_ECN +1" : "STF_IN +1"));
                const Packet inner = inner_packet(stf_good(StfWay::In),
                                                  static_cast<std::uint8_t>(inner_dscp | mark));
                CHECK(hex(run.output) == hex(taken_out(tunnel.world, inner, frame)));
            }
    }
}

TEST_CASE("xdp_stf: marks that no path makes are told with peer, addresses and both marks (S30)") {
    Tunnel tunnel(world_with_ecn(FGW_ECN_COPY));
    Events events(tunnel);
    for (const fgw_ecn mode : {FGW_ECN_COPY, FGW_ECN_RFC6040})
        for (std::uint8_t in = 0; in < 4; ++in)
            for (std::uint8_t out = 0; out < 4; ++out) {
                INFO("mode " << mode << ", inner " << int{in} << ", outer " << int{out});
                tunnel.become(world_with_ecn(mode));
                tunnel.take(with_marks(in, out));
                const std::vector<fgw_event> told = events.take();
                REQUIRE(told.size() == (mode != FGW_ECN_COPY && odd_marks[in][out] ? 1 : 0));
                if (told.empty())
                    continue;
                const StfAddresses good = stf_good(StfWay::In);
                const bool dropped = joined_marks[in][out] < 0;
                CHECK(told[0].reason == (dropped ? FGW_STF_IN_ECN : FGW_STF_IN_ODD_ECN));
                CHECK(told[0].verdict == FGW_VERDICT_NO_RULE);
                CHECK(told[0].inner_mark == in);
                CHECK(told[0].outer_mark == out);
                CHECK(Ip4::from_bytes(told[0].target) == good.source4);
                CHECK(std::memcmp(told[0].source, good.source6.bytes.data(), 16) == 0);
                CHECK(std::memcmp(told[0].destination, good.destination6.bytes.data(), 16) == 0);
                CHECK(told[0].interface_index == tunnel.world.stf.device);
                CHECK(told[0].hook == FGW_HOOK_XDP);
            }
}

TEST_CASE("xdp_stf: marks that no path makes are told ten times in a second, or never (S30)") {
    const Bytes odd = with_marks(0, 3);
    const Tunnel silent(world_with_ecn(FGW_ECN_RFC6040, 0));
    Events of_silent(silent);
    CHECK(silent.take(odd).counted == "STF_IN_ECN +1");
    CHECK(of_silent.take().empty());
    const Tunnel tunnel(world_with_ecn(FGW_ECN_RFC6040));
    Events events(tunnel);
    constexpr int flood = 5'000;
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(run_on_packet(tunnel.object().xdp_program(), odd, flood));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const double told = static_cast<double>(events.take().size());
    CHECK(told >= FGW_ECN_EVENTS_PER_SECOND);
    CHECK(told <= FGW_ECN_EVENTS_PER_SECOND * (1 + took.count()) + 1);
    /* What is left out is in the counters; the loss of denials is another matter. */
    CHECK(tunnel.counts()[FGW_STF_IN_ECN] == flood);
    CHECK(tunnel.maps().events_lost.sums(1)->front() == 0);
}

TEST_CASE("xdp_stf: a source that is not routed to the uplink is consumed (S16, R4)") {
    StfWorld world = stf_world();
    world.stf.flags |= FGW_STF_INGRESS;
    /* Interface 71 is nowhere, so no route is by the uplink. */
    check_dropped(Tunnel(world), coming(), FGW_STF_IN_INGRESS);
}

TEST_CASE("xdp_stf: changed at random, packets become in the kernel what the oracle would have") {
    Tunnel tunnel;
    const auto ring = datapath::Ring::open({.map = tunnel.maps().stf_slow, .name = "fragments"},
                                           [](std::span<const std::uint8_t>) {});
    REQUIRE(ring);
    using Counted = std::optional<fgw_reason>;
    check_random_frames(
        "xdp_stf", tunnel, StfWay::In, effort(300'000), [&](const Bytes &frame) -> Counted {
            /* Both ways are interface 1 here, so that to nobody is what goes out. */
            if (frame.size() >= 34 && Ip4::from_bytes(&frame[30]) == Ip4{})
                return std::nullopt;
            const Result<PacketRun> run = run_on_packet(tunnel.object().xdp_program(), frame);
            REQUIRE(run);
            StfOutcome wanted = stf_oracle_frame_in(tunnel.world, frame);
            const bool taken = wanted.reason == FGW_STF_IN || wanted.reason == FGW_STF_IN_ODD_ECN;
            if (taken)
                wanted.frame = marked(tunnel.world, wanted.frame, frame);
            if (wanted.reason == FGW_STF_FRAGMENT)
                REQUIRE(ring->consume()); /* else it would be full */
            const bool stopped = wanted.reason >= FGW_FIRST_STF_DROP;
            REQUIRE(run->verdict == (stopped ? XDP_DROP : XDP_PASS));
            if (run->output != wanted.frame)
                REQUIRE(hex(run->output) == hex(wanted.frame));
            return wanted.reason;
        });
}
