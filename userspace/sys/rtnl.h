/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What we ask of rtnetlink, over libmnl: interfaces, addresses, IPv6 routes, the
 * clsact queueing discipline, and news of their changes. Works on the network
 * namespace of the calling thread.
 */
#pragma once

#include "base/addr.h"
#include "sys/event_loop.h"

#include <functional>
#include <string>
#include <vector>

namespace faith::sys {

struct Interface {
    std::uint32_t index = 0;
    std::string name;
    bool up = false;
    std::uint32_t mtu = 0;
};

struct Address4 {
    std::uint32_t interface_index = 0;
    Prefix4 prefix; /* address with its length, not masked */
};

struct Address6 {
    std::uint32_t interface_index = 0;
    Prefix6 prefix;
};

struct Route6 {
    Prefix6 destination;
    std::uint32_t table = 0;    /* RT_TABLE_MAIN, ... */
    std::uint8_t type = 0;      /* RTN_LOCAL, RTN_UNICAST, RTN_BLACKHOLE, ... */
    std::uint8_t protocol = 0;  /* rtm_protocol */
    std::uint32_t interface_index = 0;
    bool cloned = false;        /* an exception (path MTU), not configuration */
};

Result<std::vector<Interface>> list_interfaces();
Result<std::vector<Address4>> list_addresses4();
Result<std::vector<Address6>> list_addresses6();
Result<std::vector<Route6>> list_routes6();

/* "local PREFIX dev lo table main protocol PROTOCOL". Added says whether it is ours:
 * an identical route of somebody else is used as it is and left alone. */
enum class Added { Ours, AlreadyThere };
Result<Added> add_local_route6(const Prefix6 &prefix, std::uint8_t protocol);
/* Removing what is not there is not an error. */
Status remove_local_route6(const Prefix6 &prefix, std::uint8_t protocol);

/* Clsact on an interface: whether it is there, and whether any filter hangs on it. */
Result<bool> has_clsact(std::uint32_t interface_index);
Result<std::size_t> count_clsact_filters(std::uint32_t interface_index); /* both directions */
Status remove_clsact(std::uint32_t interface_index);

/* News. A lost message (ENOBUFS) is reported as Everything: read it all again. */
enum class Change { Links, Addresses, Routes6, Everything };
class RouteMonitor {
public:
    static Result<std::unique_ptr<RouteMonitor>> create(EventLoop &loop,
                                                        std::function<void(Change)> on_change);
    virtual ~RouteMonitor() = default;
};

} // namespace faith::sys
