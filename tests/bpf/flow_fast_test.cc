/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory of flows (bpf/lib/flow.h) on the fast path: in one tick with a packet that goes
 * fast, one that differs from it in something that routes, checks or the fast path look at.
 */
#include "identifications.h"
#include "roads.h"

#include <array>
#include <optional>

using namespace faith;
using namespace faith::test;

namespace {

/* A good frame, and what becomes of others in its tick: whether they went fast, too. */
class Flow {
public:
    Flow(FastTunnel &tunnel, Bytes good, std::uint32_t from, std::size_t inner)
        : tunnel_(tunnel), good_(std::move(good)), from_(from), inner_(inner) {}

    bool takes(const Bytes &frame, std::uint32_t from) const {
        /* One tick in 64 goes the slow way. */
        for (int tries = 0; tries < 10; ++tries) {
            const auto seen = within_a_tick([&] {
                return std::array{tunnel_.take(good_, from_).verdict,
                                  tunnel_.take(frame, from).verdict,
                                  tunnel_.take(good_, from_).verdict};
            });
            if (seen[0] != XDP_REDIRECT)
                continue;
            CHECK(seen[2] == XDP_REDIRECT);
            return seen[1] == XDP_REDIRECT;
        }
        FAIL("never fast");
        return false;
    }
    bool takes(const Bytes &frame) const { return takes(frame, from_); }
    /* The good one, but for one octet, counted from its inner header on. */
    bool takes_with(std::size_t at, int octet) const {
        Bytes frame = good_;
        frame.at(inner_ + at) = static_cast<std::uint8_t>(octet);
        return takes(frame);
    }
    const Bytes &good() const { return good_; }

private:
    FastTunnel &tunnel_;
    const Bytes good_;
    const std::uint32_t from_;
    const std::size_t inner_;
    OnOneCpu stays_;
};

Packet ip6_of(const StfAddresses &p) {
    return Packet().eth().ip6({.source = p.source6, .destination = p.destination6});
}

Packet ip4_of(const StfAddresses &p, Packet::Ip4Header fields = {}) {
    fields.source = p.source4;
    fields.destination = p.destination4;
    return Packet().eth().ip4(fields).ip6({.source = p.source6, .destination = p.destination6});
}

Bytes with_data(Packet packet, std::size_t bytes, std::uint8_t flags = 0x10) {
    return packet.tcp({.flags = flags}).payload(bytes).bytes();
}

Bytes to_lan(Packet packet, std::size_t bytes, std::uint8_t flags = 0x10) {
    return between(with_data(std::move(packet), bytes, flags), lan_mac, lan_router);
}

Bytes to_uplink(Packet packet, std::size_t bytes, std::uint8_t flags = 0x10) {
    return between(with_data(std::move(packet), bytes, flags), uplink_mac, sea_router);
}

StfWorld with_wishes() {
    StfWorld world = stf_world();
    world.stf.mss = 1220;
    world.stf.ecn = FGW_ECN_RFC6040;
    return world;
}

void check_out(FastTunnel &tunnel) {
    tunnel.become(with_wishes());
    const StfAddresses good = stf_good(StfWay::Out);
    const Flow flow(tunnel, to_lan(ip6_of(good), 100), lan, 14);
    CHECK(flow.takes(flow.good()));
    CHECK(flow.takes_with(1, 0x30));  /* a congestion mark */
    CHECK(flow.takes_with(3, 1));     /* a flow label */
    CHECK(flow.takes_with(23, 0x77)); /* another host of the site */
    CHECK_FALSE(flow.takes(flow.good(), uplink));
    CHECK_FALSE(flow.takes(between(flow.good(), other_station, lan_router)));
    CHECK_FALSE(flow.takes_with(0, 0x62)); /* a DSCP with a rule of its own */
    CHECK_FALSE(flow.takes_with(6, 132));  /* a protocol with one */
    CHECK_FALSE(flow.takes_with(6, 0));    /* options for routers */
    CHECK_FALSE(flow.takes_with(7, 1));    /* the last hop */
    CHECK_FALSE(flow.takes_with(8, 0xff));
    CHECK_FALSE(flow.takes_with(24, 0xff));
    CHECK_FALSE(flow.takes_with(5, 119)); /* something behind it */
    CHECK(flow.takes(to_lan(ip6_of(good), 1220)));
    CHECK_FALSE(flow.takes(to_lan(ip6_of(good), 1221)));      /* longer than the tunnel takes */
    CHECK_FALSE(flow.takes(to_lan(ip6_of(good), 100, 0x02))); /* a SYN */
}

void check_numbers(FastTunnel &tunnel) {
    const OnOneCpu stays;
    tunnel.become(stf_world());
    const Bytes frame = to_lan(ip6_of(stf_good(StfWay::Out)), 100);
    check_identifications([&]() -> std::optional<int> {
        const PacketRun run = tunnel.take(frame, lan);
        if (run.verdict != XDP_REDIRECT)
            return std::nullopt; /* a tick of the slow way */
        return identification(run.output);
    });
}

/* What the uplink takes bounds packets whose way is known. */
void check_uplink(FastTunnel &tunnel) {
    StfWorld world = stf_world();
    world.stf.mtu = 1480;
    tunnel.become(world);
    const StfAddresses good = stf_good(StfWay::Out);
    const Flow flow(tunnel, to_lan(ip6_of(good), 100), lan, 14);
    CHECK(flow.takes(to_lan(ip6_of(good), 1400 - 20 - 60)));
    CHECK_FALSE(flow.takes(to_lan(ip6_of(good), 1400 - 20 - 60 + 1)));
}

void check_in(FastTunnel &tunnel) {
    tunnel.become(with_wishes());
    const StfAddresses good = stf_good(StfWay::In);
    const Flow flow(tunnel, to_uplink(ip4_of(good), 100), uplink, 34);
    CHECK(flow.takes(flow.good()));
    /* Marked on its way, and its sender knows no marks. */
    CHECK_FALSE(flow.takes(to_uplink(ip4_of(good, {.service = 0x03}), 100)));
    CHECK(flow.takes_with(1, 0x10)); /* a mark inside */
    CHECK(flow.takes_with(3, 1));
    CHECK(flow.takes_with(39, 0x77)); /* another host of ours */
    CHECK_FALSE(flow.takes(between(flow.good(), other_station, sea_router)));
    CHECK_FALSE(flow.takes_with(6, 0));
    CHECK_FALSE(flow.takes_with(7, 1));
    CHECK_FALSE(flow.takes_with(8, 0xff));
    CHECK_FALSE(flow.takes_with(24, 0xff));
    CHECK_FALSE(flow.takes_with(5, 121)); /* longer than what holds it */
    CHECK_FALSE(flow.takes(to_uplink(ip4_of(good, {.checksum = std::uint16_t{1}}), 100)));
    CHECK_FALSE(flow.takes(to_uplink(ip4_of(good, {.offset_flags = 0x2000}), 100)));
    CHECK(flow.takes(to_uplink(ip4_of(good, {.options = 4}), 100)));
    CHECK(flow.takes(to_uplink(ip4_of(good), 1400 - 60)));
    CHECK_FALSE(flow.takes(to_uplink(ip4_of(good), 1400 - 60 + 1))); /* longer than the LAN takes */
    CHECK_FALSE(flow.takes(to_uplink(ip4_of(good), 100, 0x02)));
}

/* A prefix of the gateway counts from the next tick on, also where packets have left it to the
 * kernel. */
void check_prefix(FastTunnel &tunnel) {
    const OnOneCpu stays;
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
    for (int tries = 0; tries < 10 && seen != both; ++tries) /* a tick of the slow way */
        seen = kept();
    CHECK(seen == both);
    next_tick();
    CHECK(counted() != "PASS_NOT_PREFIX +1");
}

} // namespace

TEST_CASE(
    "flow_fast: what is remembered is for packets alike in all that routes and checks look at, "
    "and fit to go fast themselves") {
    FastTunnel tunnel; /* one for all, which takes longer than all else */
    check_out(tunnel);
    check_numbers(tunnel);
    check_uplink(tunnel);
    check_in(tunnel);
    check_prefix(tunnel);
}
