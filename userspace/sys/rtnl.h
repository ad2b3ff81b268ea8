/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What we ask of rtnetlink, over libmnl: interfaces, addresses, IPv6 routes, the
 * clsact queueing discipline, and news of their changes. Works on the network
 * namespace of the calling thread. Who follows changes creates the RouteMonitor first
 * and lists afterwards: then nothing falls between the two.
 */
#pragma once

#include "base/addr.h"
#include "sys/event_loop.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace faith::sys {

struct Interface {
    std::uint32_t index = 0;
    std::string name;
    bool up = false;
    std::uint32_t mtu = 0;
    std::array<std::uint8_t, 6> mac{}; /* zero if it has none of six bytes */
    std::string alias;
    std::uint64_t rx_packets = 0;
    std::uint64_t tx_packets = 0;
    std::string kind = {};          /* "veth", "bridge", "sit", ...; "" for hardware and lo */
    std::uint32_t master_index = 0; /* of the bridge or bond it is a port of */
    Ip4 local = {};                 /* of a tunnel over IPv4: its own end */
};

/* Own addresses, not masked; on a point-to-point link the length is that of the peer. */
struct Address4 {
    std::uint32_t interface_index = 0;
    Prefix4 prefix;
    Ip4 broadcast; /* 0.0.0.0: none was given */
};

/* Tentative and duplicate ones are included: the kernel is about to own them, or will
 * as soon as the operator has solved the conflict, and never lets go of them silently. */
struct Address6 {
    std::uint32_t interface_index = 0;
    Prefix6 prefix;
};

struct Route6 {
    Prefix6 destination;
    std::uint32_t table = 0;           /* RT_TABLE_MAIN, ... */
    std::uint8_t type = 0;             /* RTN_LOCAL, RTN_UNICAST, RTN_BLACKHOLE, ... */
    std::uint8_t protocol = 0;         /* rtm_protocol */
    std::uint32_t metric = 0;          /* of two routes to one prefix the lower one counts */
    std::uint32_t interface_index = 0; /* 0: several (multipath) */
    std::optional<Ip6> gateway = {};
};

Result<std::vector<Interface>> list_interfaces();
Result<std::vector<Address4>> list_addresses4();
Result<std::vector<Address6>> list_addresses6();
/* Tables main and local; no cached exceptions (path MTU), which are not configuration. */
Result<std::vector<Route6>> list_routes6();

/* By which interface the routing tables send packets from `source`, an own address, to
 * `destination`: that of lo for one that is own itself, nothing where no route leads there. */
Result<std::optional<std::uint32_t>> way_to4(Ip4 destination, Ip4 source);

/* "local PREFIX dev lo table main protocol PROTOCOL". Added says whether it is ours (also
 * when it was left behind by an earlier process): an identical route of somebody else is
 * used as it is and left alone. Errc::Busy when another route to exactly this prefix
 * would be preferred, for then nothing would be captured and nobody would know why. */
enum class Added { Ours, AlreadyThere };
Result<Added> add_local_route6(const Prefix6 &prefix, std::uint8_t protocol);
/* Only ours, by protocol. Removing what is not there is not an error. */
Status remove_local_route6(const Prefix6 &prefix, std::uint8_t protocol);

/* A veth pair, both ends down: no resolution of neighbours (NOARP), no multicast, no
 * link-local addresses. Fails when a name is taken. */
struct Pair {
    std::string device;
    std::string device_alias;
    std::string peer;
    std::string peer_alias;
    std::uint32_t mtu = 0;         /* of both */
    std::uint32_t longest_gso = 0; /* bytes of joined segments that `device` takes */
};
Status add_pair(const Pair &pair);
Status set_up(std::uint32_t interface_index);
/* Not there: not an error. The other end of a pair goes with it. */
Status remove_interface(std::uint32_t interface_index);

/* An address with the route of its prefix; no other host can have it. */
Status add_address6(std::uint32_t interface_index, const Prefix6 &address);

/* Routes of ours in table main besides the capture routes: packets end there, or go through
 * a device. */
Status add_blackhole6(const Prefix6 &prefix, std::uint8_t protocol);
Status add_device_route6(const Prefix6 &prefix, std::uint32_t interface_index, std::uint32_t metric,
                         std::uint8_t protocol);
/* One of those, as listed. Not there: not an error. */
Status remove_route6(const Route6 &route);

/* Clsact on an interface: whether it is there, and whether any filter hangs on it. */
Result<bool> has_clsact(std::uint32_t interface_index);
Result<std::size_t> count_clsact_filters(std::uint32_t interface_index); /* both directions */
Status remove_clsact(std::uint32_t interface_index); /* not there: not an error */

/* News. A lost message (ENOBUFS) is reported as Everything: read it all again. A burst
 * gives one call per kind. A link that goes down takes its routes with it, of which a
 * kernel with skip_notify_on_dev_down says nothing: take Links for Routes6 too. */
enum class Change { Links, Addresses, Routes6, Everything };
class RouteMonitor {
public:
    /* on_change must not destroy the monitor; defer() that. */
    static Result<std::unique_ptr<RouteMonitor>> create(EventLoop &loop,
                                                        std::function<void(Change)> on_change);
    virtual ~RouteMonitor() = default;
};

} // namespace faith::sys
