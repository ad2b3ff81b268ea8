/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whole packets of tunnels, for the tests of both directions: the outer header by the
 * addresses, inside a TCP segment. */
#pragma once

#include "loaded.h"

#include "tests/support/effort.h"
#include "tests/support/prog_run.h"
#include "tests/support/random_stf.h"
#include "tests/support/stf_frame_oracle.h"

#include <cstring>
#include <iostream>
#include <optional>

namespace faith::test {

/* What one program made of one packet. */
struct StfRun {
    std::string counted; /* "STF_IN +1" */
    std::uint32_t verdict = 0;
    Bytes output;
};

inline StfRun run_stf(const Loaded &loaded, int program, const Bytes &frame) {
    const Loaded::Counts before = loaded.counts();
    Result<PacketRun> run = run_on_packet(program, frame);
    if (!run)
        FAIL(run.error().text);
    return {.counted = moved(before, loaded.counts()),
            .verdict = run->verdict,
            .output = std::move(run->output)};
}

/* The devices of the tunnel: MACs as stf0 and its peer would have them. */
inline StfWorld with_devices(StfWorld world) {
    const Mac device = {2, 0, 0, 0, 0, 0xd0}, peer = {2, 0, 0, 0, 0, 0xd1};
    std::copy(device.begin(), device.end(), world.stf.device_mac);
    std::copy(peer.begin(), peer.end(), world.stf.peer_mac);
    world.stf.uplink = 1;
    world.stf.device = 70;
    world.stf.peer = 71;
    return world;
}

inline Packet &with_segment(Packet &packet) {
    return packet.tcp({.destination_port = 80}).payload(100);
}

inline Packet inner_packet(const StfAddresses &addresses, std::uint8_t traffic_class = 0) {
    Packet packet = Packet().eth().ip6({.source = addresses.source6,
                                        .destination = addresses.destination6,
                                        .traffic_class = traffic_class});
    return with_segment(packet);
}

/* A test run returns the mark in front of the frame; it knows the outer header of `incoming`. */
inline Bytes marked(const StfWorld &world, const Bytes &frame, const Bytes &incoming) {
    fgw_stf_mark mark{.mark = FGW_STF_MARK,
                      .peer = world.stf.peer,
                      .mss = world.stf.mss,
                      .outer_mark = static_cast<__u8>(incoming.at(15) & 3),
                      .ecn = world.stf.ecn,
                      .far = {}};
    std::copy_n(incoming.begin() + 26, sizeof mark.far, mark.far);
    Bytes both(sizeof mark + frame.size());
    std::memcpy(both.data(), &mark, sizeof mark);
    std::copy(frame.begin(), frame.end(), both.begin() + sizeof mark);
    return both;
}

/* Random tunnels and changed frames for them: `run_one` puts one through the program, requires
 * that what came out is the oracle's, and tells the oracle's reason; these are compared with
 * what was counted, for a tunnel at a time. */
template <class Tunnel>
void check_random_frames(const char *who, Tunnel &tunnel, StfWay way, int enough,
                         const std::function<std::optional<fgw_reason>(const Bytes &)> &run_one) {
    Random random;
    std::cout << who << ": random packets, " << random.seed() << std::endl;
    for (int judged = 0; judged < enough;) {
        StfWorld world = random_tunnel(random);
        tunnel.become(world);
        const Loaded::Counts before = tunnel.counts();
        Loaded::Counts expected = before;
        for (int good = 0; good < 20; ++good) {
            const Bytes frame = random_stf_frame(random, world, way);
            for (int change = 0; change < 20; ++change, ++judged) {
                const Bytes changed = mutated(random, world, way, frame);
                INFO(random.seed() << ", packet " << judged << " " << hex(changed));
                if (const std::optional<fgw_reason> reason = run_one(changed))
                    ++expected[*reason];
            }
        }
        INFO(random.seed() << ", before packet " << judged);
        REQUIRE(moved(before, tunnel.counts()) == moved(before, expected));
    }
}

} // namespace faith::test
