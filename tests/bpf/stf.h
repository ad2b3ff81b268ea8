/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whole packets of tunnels, for the tests of both directions: the outer header by the
 * addresses, inside a TCP segment. */
#pragma once

#include "loaded.h"

#include "tests/support/prog_run.h"
#include "tests/support/stf_cases.h"

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

} // namespace faith::test
