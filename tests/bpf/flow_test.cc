/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory of flows (bpf/lib/flow.h), of the slow path: what it answers, for how long, and to
 * whom. That it answers at all shows in what happens when the tunnel is taken away behind its
 * back. Of the fast path: flow_fast_test.cc.
 */
#include "identifications.h"
#include "stf.h"

#include "faith/names.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>

#include <optional>
#include <string_view>

using namespace faith;
using namespace faith::test;

namespace {

StfWorld with_wishes() {
    StfWorld world = stf_world();
    world.stf.mss = 1220;
    world.stf.ttl = 40;
    world.stf.ecn = FGW_ECN_COMPATIBILITY;
    world.stf.flags |= FGW_STF_PMTU;
    return world;
}

struct Tunnel : Loaded {
    explicit Tunnel(StfWay direction)
        : Loaded({direction == StfWay::In ? FGW_PROG_XDP : FGW_PROG_ENCAP}), way(direction),
          world(with_devices(with_wishes())) {
        tunnel(world);
    }
    StfRun run(const Bytes &frame) const {
        return run_stf(*this, way == StfWay::In ? object().xdp_program() : object().encap_program(),
                       frame);
    }
    /* Without a tick to wait for. */
    void put_back() {
        for (const fgw_stf_key &key : keys())
            REQUIRE(maps().stf.put(key, world.stf));
    }
    void take_away() {
        for (const fgw_stf_key &key : keys())
            REQUIRE(maps().stf.erase(key));
    }
    datapath::MapRef<std::uint32_t, fgw_flow> flows() const {
        for (const datapath::Object::Named &map : object().all_maps())
            if (std::string_view(map.name) == FGW_MAP_FLOWS)
                return datapath::MapRef<std::uint32_t, fgw_flow>(map.fd);
        return {};
    }
    const StfWay way;
    const StfWorld world;

private:
    std::vector<fgw_stf_key> keys() const {
        fgw_stf_key in{.ifindex = 1, .address = {}};
        std::copy_n(world.stf.address, 4, in.address);
        return {in, {.ifindex = 1, .address = {}}};
    }
    OnOneCpu stays_;
};

/* With a SYN inside that announces long segments, and a mark that any path may have made. */
Bytes frame_of(const StfAddresses &addresses, StfWay way) {
    Packet packet = Packet().eth();
    if (way == StfWay::In)
        packet.ip4(
            {.source = addresses.source4, .destination = addresses.destination4, .service = 0x03});
    packet.ip6({.source = addresses.source6,
                .destination = addresses.destination6,
                .traffic_class = 0x02});
    Bytes rest = {2, 4, 0x05, 0xb4};
    rest.resize(104);
    return packet.tcp({.data_offset = std::uint8_t{6}}).raw(rest).bytes();
}

const char *passes(StfWay way) { return way == StfWay::In ? "STF_IN +1" : "STF_OUT +1"; }
const char *without_tunnel(StfWay way) {
    return way == StfWay::In ? "PASS_NOT_IP6 +1" : "STF_OUT_NO_ADDRESS +1";
}

/* Routers may cut what goes out, so each packet has a number of its own, and a checksum. */
Bytes without_number(Bytes frame, StfWay way) {
    if (way == StfWay::Out)
        for (const std::size_t at : {18U, 19U, 24U, 25U})
            frame.at(at) = 0;
    return frame;
}

} // namespace

TEST_CASE("flow: what was found out about addresses holds for the tick, and no longer") {
    for (const StfWay way : {StfWay::In, StfWay::Out}) {
        Tunnel tunnel(way);
        const Bytes frame = frame_of(stf_good(way), way);
        const auto [first, second] = within_a_tick([&] {
            tunnel.put_back();
            StfRun there = tunnel.run(frame);
            tunnel.take_away();
            return std::pair(std::move(there), tunnel.run(frame));
        });
        CHECK(first.counted == passes(way));
        CHECK(second.counted == passes(way));
        CHECK(second.verdict == first.verdict);
        CHECK(hex(without_number(second.output, way)) == hex(without_number(first.output, way)));
        next_tick();
        CHECK(tunnel.run(frame).counted == without_tunnel(way));
    }
}

TEST_CASE("flow: an entry that somebody is at is neither read nor written") {
    for (const StfWay way : {StfWay::In, StfWay::Out}) {
        Tunnel tunnel(way);
        const Bytes frame = frame_of(stf_good(way), way);
        const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
        fgw_flow held{};
        held.busy = 1;
        const std::vector<fgw_flow> entry(cpus, held);
        for (std::uint32_t slot = 0; slot < FGW_FLOW_SLOTS; ++slot)
            REQUIRE(bpf_map_update_elem(tunnel.flows().fd(), &slot, entry.data(), BPF_ANY) == 0);
        const auto [first, second] = within_a_tick([&] {
            tunnel.put_back();
            std::string there = tunnel.run(frame).counted;
            tunnel.take_away();
            return std::pair(std::move(there), tunnel.run(frame).counted);
        });
        CHECK(first == passes(way));
        CHECK(second == without_tunnel(way));
        for (std::uint32_t slot = 0; slot < FGW_FLOW_SLOTS; ++slot) {
            std::vector<fgw_flow> found(cpus);
            REQUIRE(bpf_map_lookup_elem(tunnel.flows().fd(), &slot, found.data()) == 0);
            for (const fgw_flow &flow : found)
                REQUIRE((flow.busy == 1 && flow.number == 0 && flow.tick == 0));
        }
    }
}

TEST_CASE("flow: what goes out has another identification each time, in a tick and beyond (R8)") {
    Tunnel tunnel(StfWay::Out);
    const Bytes frame = frame_of(stf_good(StfWay::Out), StfWay::Out);
    check_identifications([&]() -> std::optional<int> {
        const Result<PacketRun> run = run_on_packet(tunnel.object().encap_program(), frame);
        if (!run || run->verdict != TC_ACT_REDIRECT)
            return std::nullopt;
        return identification(run->output);
    });
}

TEST_CASE("flow: in one tick with a good packet, one with a bad address is refused for its own") {
    for (const StfWay way : {StfWay::In, StfWay::Out}) {
        Tunnel tunnel(way);
        const Bytes good = frame_of(stf_good(way), way);
        for (const StfCase &bad : stf_bad(way)) {
            INFO(bad.name);
            const Bytes frame = frame_of(bad.addresses, way);
            /* The tunnel's own address, and where it sends to, are no packet's to choose. */
            if (frame == good ||
                (way == StfWay::In && bad.addresses.destination4 != stf_good(way).destination4))
                continue;
            const auto counted = within_a_tick(
                [&] { return std::pair(tunnel.run(good).counted, tunnel.run(frame).counted); });
            const std::string refused = reason_name(bad.reason) + " +1";
            CHECK(counted == std::pair(std::string(passes(way)), refused));
        }
    }
}

TEST_CASE("flow: what differs from packet to packet is looked at each time") {
    for (const StfWay way : {StfWay::In, StfWay::Out}) {
        Tunnel tunnel(way);
        const std::size_t inner = way == StfWay::In ? 34 : 14;
        const Bytes good = frame_of(stf_good(way), way);
        const auto changed = [&](std::size_t at, std::uint8_t octet) {
            Bytes frame = good;
            frame.at(at) = octet;
            return frame;
        };
        std::vector<std::pair<Bytes, std::string>> rows = {{good, passes(way)}};
        const auto row = [&](Bytes frame, fgw_reason reason) {
            rows.emplace_back(std::move(frame), reason_name(reason) + " +1");
        };
        if (way == StfWay::In) {
            row(changed(24, good.at(24) ^ 1), FGW_STF_IN_CHECKSUM);
            row(changed(inner, 0x45), FGW_STF_IN_SHORT);
            row(changed(inner + 4, 0x40), FGW_STF_IN_SHORT);
            row(cut(good, good.size() - 1), FGW_STF_IN_HEADER);
            row(cut(good, inner + 39), FGW_STF_IN_HEADER);
        } else {
            row(changed(inner, 0x45), FGW_STF_OUT_SHORT);
            Bytes longer = good;
            longer.resize(14 + 1281);
            row(longer, FGW_STF_OUT_TOO_BIG);
        }
        for (const auto &[frame, expected] : rows) {
            INFO(hex(frame));
            const auto counted = within_a_tick(
                [&] { return std::pair(tunnel.run(good).counted, tunnel.run(frame).counted); });
            CHECK(counted == std::pair(std::string(passes(way)), expected));
        }
    }
}
