/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rules of tunnels on the host: what the map of local IPv4 addresses answers in the
 * kernel, a StfWorld answers here. */
#pragma once

#include "mem.h"

#include "lib/ecn.h"
#include "lib/stf.h"

#include "tests/support/guard_oracle.h"
#include "tests/support/stf_oracle.h"

namespace faith::test {

inline const StfWorld *world_now = nullptr;

inline std::uint32_t kinds_in(const StfWorld &world, Ip4 address) {
    std::uint32_t kinds = 0;
    if (world.own.contains(address))
        kinds |= FGW_IP4_OWN;
    if (world.broadcast.contains(address))
        kinds |= FGW_IP4_BROADCAST;
    if (world.sites.contains(address))
        kinds |= FGW_IP4_SITE;
    return kinds;
}

inline ip4_header outer_of(const StfAddresses &packet) {
    ip4_header outer{};
    const auto source = packet.source4.bytes(), destination = packet.destination4.bytes();
    std::copy(source.begin(), source.end(), outer.source);
    std::copy(destination.begin(), destination.end(), outer.destination);
    return outer;
}

inline ip6_header inner_of(const StfAddresses &packet) {
    ip6_header inner{};
    std::copy(packet.source6.bytes.begin(), packet.source6.bytes.end(), inner.source);
    std::copy(packet.destination6.bytes.begin(), packet.destination6.bytes.end(),
              inner.destination);
    return inner;
}

} // namespace faith::test

static __u32 ip4_local_kinds(const __u8 *address) {
    return kinds_in(*faith::test::world_now, faith::Ip4::from_bytes(address));
}
