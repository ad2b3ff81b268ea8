/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * rtnetlink messages -> our structs. No I/O; private to the rtnl files. A message of
 * another type or family, or one that lacks what makes it useful, gives nothing.
 */
#pragma once

#include "sys/rtnl.h"

#include <linux/netlink.h>

#include <optional>

namespace faith::sys::rtnl {

std::optional<Interface> read_interface(const nlmsghdr &message);
std::optional<Address4> read_address4(const nlmsghdr &message);
std::optional<Address6> read_address6(const nlmsghdr &message);
std::optional<Route6> read_route6(const nlmsghdr &message);
/* The interface of the one route that answers a question. */
std::optional<std::uint32_t> read_way4(const nlmsghdr &message);

/* A queueing discipline or filter, as far as we look at it. */
struct TrafficControl {
    std::uint32_t interface_index = 0;
    std::uint32_t handle = 0; /* of a filter: 0 is the list's head, not a filter */
    std::string kind;
};
std::optional<TrafficControl> read_qdisc(const nlmsghdr &message);
std::optional<TrafficControl> read_filter(const nlmsghdr &message);

/* What a notification is news of. */
std::optional<Change> read_change(const nlmsghdr &message);

/* The first attribute of a type behind the message's fixed part; null if there is none. */
const nlattr *find_attribute(const nlmsghdr &message, std::size_t fixed_bytes, std::uint16_t type);
/* Its text; nothing for null or for bytes without an end. */
std::optional<std::string> text(const nlattr *attribute);

} // namespace faith::sys::rtnl
