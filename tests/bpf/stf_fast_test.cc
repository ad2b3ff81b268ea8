/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fast path of tunnels over random tunnels and changed frames: what it redirects is what the
 * oracle, and so the slow path, would send, one hop further; all else is as if there were none.
 * Real frames, and who does without it: tests/netns/stf_fast_test.py.
 */
#include "fresh_netns.h"
#include "stf.h"

#include "datapath/ring.h"
#include "faith/names.h"

#include <bpf/libbpf.h>
#include <linux/if_link.h>

using namespace faith;
using namespace faith::test;

namespace {

constexpr std::uint32_t lan = 10, uplink = 12, device = 14, peer = 15;
constexpr Mac lan_mac = {2, 0, 0, 0, 1, 1}, lan_router = {2, 0, 0, 0, 1, 2};
constexpr Mac uplink_mac = {2, 0, 0, 0, 2, 1}, sea_router = {2, 0, 0, 0, 2, 2};

/* lan -- tunnel -- uplink, with one router beyond each, whose addresses are known. What comes
 * out of the tunnel goes to the LAN wherever it is going, nearly all else into the tunnel. */
class Roads {
public:
    Roads() {
        FreshNetns::run(R"(set -e
            sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv4.conf.all.forwarding=1
            ip link add lan index 10 address 02:00:00:00:01:01 type veth peer name lan-far index 11
            ip link add uplink index 12 address 02:00:00:00:02:01 type veth peer name up-far index 13
            ip link add stf0 index 14 type veth peer name stf0-peer index 15
            for name in lan stf0; do
                ip link set $name addrgenmode none
                sysctl -qw net.ipv6.conf.$name.disable_ipv6=0
            done
            sysctl -qw net.ipv6.conf.all.forwarding=1
            for name in lan lan-far uplink up-far stf0 stf0-peer; do ip link set $name up; done
            ip address add 192.0.2.1/24 dev uplink
            ip route add default via 192.0.2.254
            ip neigh add 192.0.2.254 lladdr 02:00:00:00:02:02 dev uplink nud permanent
            ip -6 neigh add fe80::2 lladdr 02:00:00:00:01:02 dev lan nud permanent
            ip -6 route add default dev stf0
            ip -6 route add default via fe80::2 dev lan table 100
            ip -6 rule add iif stf0 lookup 100
            ip -6 rule add iif lan dsfield 0x20 blackhole
            ip -6 rule add iif lan ipproto sctp blackhole
            ip -6 route add 2001:db8:f::/48 via fe80::2 dev lan)");
    }

private:
    FreshNetns netns_;
};

struct Tunnel : Roads, Loaded {
    Tunnel() : Loaded({FGW_PROG_XDP}) {
        reconfigure([](fgw_config &config) { config.fast_path = 1; });
        takes_part(lan, lan_mac);
        takes_part(uplink, uplink_mac);
    }
    void become(StfWorld with) {
        world = with_devices(std::move(with));
        world.stf.uplink = uplink;
        world.stf.device = device;
        world.stf.peer = peer;
        world.stf.flags |= FGW_STF_FAST;
        tunnel(world); /* its addresses; nothing comes in by lo */
        fgw_stf_key in{.ifindex = uplink, .address = {}};
        std::copy_n(world.stf.address, 4, in.address);
        REQUIRE(maps().stf.put(in, world.stf));
        REQUIRE(maps().stf.put({.ifindex = peer, .address = {}}, world.stf));
        REQUIRE(maps().stf.put({.ifindex = device, .address = {}}, world.stf));
    }
    PacketRun take(const Bytes &frame, std::uint32_t from) const {
        const Result<PacketRun> run = run_on_frame(object().xdp_program(), frame, from);
        REQUIRE(run);
        return *run;
    }
    StfWorld world;

private:
    void takes_part(std::uint32_t ifindex, const Mac &mac) {
        fgw_interface interface{.replies = 0, .forwards = 1, .mac = {}, .pad = {}};
        std::copy(mac.begin(), mac.end(), interface.mac);
        REQUIRE(maps().interfaces.put(ifindex, interface));
        REQUIRE(bpf_xdp_attach(static_cast<int>(ifindex), object().xdp_program(),
                               XDP_FLAGS_DRV_MODE, nullptr) == 0);
    }
};

Bytes between(Bytes frame, const Mac &destination, const Mac &source) {
    std::copy(destination.begin(), destination.end(), frame.begin());
    std::copy(source.begin(), source.end(), frame.begin() + 6);
    return frame;
}

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
    void require_most_were_fast() const {
        INFO(fast << " of " << could << " that could, among " << frames);
        CHECK(could > frames / 20);
        CHECK(fast > could / 2);
    }
    int frames = 0, could = 0, fast = 0;
};

constexpr Mac other_station = {2, 0, 0, 0, 9, 9};

} // namespace

TEST_CASE("stf_fast: what is remembered of a packet is for packets alike in all that routes and "
          "checks look at") {
    const OnOneCpu stays;
    Tunnel tunnel;
    tunnel.become(stf_world());
    Bytes good = between(inner_packet(stf_good(StfWay::Out)).bytes(), lan_mac, lan_router);
    const auto verdicts = [&](const Bytes &frame, std::uint32_t from) {
        /* One tick in 64 goes the slow way. */
        for (int tries = 0; tries < 3; ++tries) {
            const auto seen = within_a_tick([&] {
                return std::array{tunnel.take(good, lan).verdict, tunnel.take(frame, from).verdict,
                                  tunnel.take(good, lan).verdict};
            });
            if (seen[0] == XDP_REDIRECT)
                return std::pair(seen[1], seen[2]);
        }
        FAIL("never fast");
        return std::pair(0U, 0U);
    };
    const auto changed = [&](std::size_t at, int octet) {
        Bytes frame = good;
        frame.at(at) = static_cast<std::uint8_t>(octet);
        return frame;
    };
    const std::pair fast(std::uint32_t{XDP_REDIRECT}, std::uint32_t{XDP_REDIRECT});
    const std::pair slow(std::uint32_t{XDP_PASS}, std::uint32_t{XDP_REDIRECT});
    CHECK(verdicts(good, lan) == fast);
    CHECK(verdicts(changed(15, 0x30), lan) == fast); /* a congestion mark */
    CHECK(verdicts(good, uplink) == slow);
    CHECK(verdicts(between(good, other_station, lan_router), lan) == slow);
    CHECK(verdicts(changed(14, 0x62), lan) == slow); /* a DSCP with a rule of its own */
    CHECK(verdicts(changed(17, 1), lan) == fast);    /* a flow label */
    CHECK(verdicts(changed(next_header_at, 0), lan) == slow);
    CHECK(verdicts(changed(next_header_at, 132), lan) == slow); /* a protocol with a rule */
    CHECK(verdicts(changed(hop_limit_at, 1), lan) == slow);
    CHECK(verdicts(changed(14 + 23, 0x77), lan) == fast); /* of another host of the site */
    CHECK(verdicts(changed(14 + 8, 0xff), lan) == slow);
    CHECK(verdicts(changed(14 + 24, 0xff), lan) == slow);
}

TEST_CASE("stf_fast: a prefix of the gateway counts from the next tick on, also where packets have "
          "left it to the kernel") {
    const OnOneCpu stays;
    Tunnel tunnel;
    tunnel.become(stf_world());
    Packet packet = Packet().eth().ip6({.destination = *parse_ip6("2001:db8:f::1")});
    const Bytes frame = between(with_segment(packet).bytes(), lan_mac, lan_router);
    const fgw_prefix_key prefix{.prefix_len = 48, .addr = {0x20, 0x01, 0x0d, 0xb8, 0, 0x0f}};
    const auto counted = [&] {
        const Loaded::Counts before = tunnel.counts();
        tunnel.take(frame, lan);
        return moved(before, tunnel.counts());
    };
    const auto kept = [&] {
        return within_a_tick([&] {
            REQUIRE(tunnel.maps().prefixes.erase(prefix));
            std::string without = counted();
            tunnel.capture("2001:db8:f::/48");
            return std::pair(std::move(without), counted());
        });
    };
    const std::pair<std::string, std::string> both("PASS_NOT_PREFIX +1", "PASS_NOT_PREFIX +1");
    auto seen = kept();
    for (int tries = 0; tries < 3 && seen != both; ++tries) /* a tick of the slow way */
        seen = kept();
    CHECK(seen == both);
    next_tick();
    CHECK(counted() != "PASS_NOT_PREFIX +1");
}

TEST_CASE("stf_fast: changed at random, what leaves by the uplink is what the oracle would send") {
    Tunnel tunnel;
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
    tally.require_most_were_fast();
}

TEST_CASE("stf_fast: changed at random, what leaves by the LAN is what the oracle takes out") {
    Tunnel tunnel;
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
    tally.require_most_were_fast();
}
