/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs in the kernel would do with a packet of a tunnel, and why, as JSON. */
#pragma once

#include "daemon/explain.h"
#include "daemon/network.h"
#include "datapath/pins.h"
#include "datapath/probe.h"

#include <optional>
#include <utility>

namespace faith::daemon {

/* {direction, tunnel, verdict, reason, sentence, source, destination, outer_source,
 * outer_destination}: source and destination are those inside. The verdict is "permit", "deny",
 * or "pass" for what no tunnel claims. */

/* A packet with protocol 41 between IPv4 addresses, coming in by an uplink. Without inner
 * addresses those of the first hosts of the two sites. */
struct OuterQuestion {
    Ip4 source;
    Ip4 destination;
    std::optional<std::pair<Ip6, Ip6>> inner;
};
Result<Json> explain_in(const Instance &instance, const OuterQuestion &question);

/* A packet that leads out by a tunnel's device; nothing when it leads elsewhere. */
Result<std::optional<Json>> explain_out(const datapath::Maps &maps, const datapath::Probe &probe,
                                        const datapath::Attempt &attempt);

/* The interface by which the tables main and local send to an address; 0: nowhere. Pure. */
std::uint32_t way_to(const Network &network, const Ip6 &destination);

} // namespace faith::daemon
