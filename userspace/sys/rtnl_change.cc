/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The changes of rtnl.h: the capture route, and clsact taken away again. */
#include "sys/rtnl.h"
#include "sys/rtnl_socket.h"

#include <linux/pkt_sched.h>
#include <sys/socket.h>

#include <cerrno>

namespace faith::sys {
namespace {

using rtnl::Request;

constexpr std::uint32_t loopback_index = 1;  /* in every namespace; the kernel insists */
constexpr std::uint32_t route_metric = 1024; /* what `ip -6 route add` gives */

Request local_route(std::uint16_t type, std::uint16_t flags, const Prefix6 &prefix,
                    std::uint8_t protocol) {
    Request request(type, flags);
    rtmsg &route = request.add<rtmsg>();
    route.rtm_family = AF_INET6;
    route.rtm_dst_len = prefix.length;
    route.rtm_table = RT_TABLE_MAIN;
    route.rtm_protocol = protocol;
    route.rtm_scope = RT_SCOPE_HOST;
    route.rtm_type = RTN_LOCAL;
    mnl_attr_put(request.head(), RTA_DST, prefix.address.bytes.size(), prefix.address.bytes.data());
    mnl_attr_put_u32(request.head(), RTA_OIF, loopback_index);
    mnl_attr_put_u32(request.head(), RTA_PRIORITY, route_metric);
    return request;
}

bool is_local_on_loopback(const Route6 &route) {
    return route.type == RTN_LOCAL && route.interface_index == loopback_index;
}

/* Of the routes to exactly this prefix in table main the one the kernel prefers. */
Result<std::optional<Route6>> preferred_route(const Prefix6 &prefix) {
    TRY_ASSIGN(const std::vector<Route6> routes, list_routes6());
    std::optional<Route6> best;
    for (const Route6 &route : routes)
        if (route.table == RT_TABLE_MAIN && route.destination == prefix)
            if (!best || route.metric < best->metric)
                best = route;
    return best;
}

/* "table all", because `ip -6 route show table main` hides local routes. */
Error routed_elsewhere(const Prefix6 &prefix, const Route6 &route) {
    return Error{.kind = Errc::Busy,
                 .sys_errno = EEXIST,
                 .text = "route " + to_string(prefix) +
                         " to this host: another route to it has metric " +
                         std::to_string(route.metric) +
                         " and would be preferred: see `ip -6 route show table all " +
                         to_string(prefix) + "`"};
}

} // namespace

Result<Added> add_local_route6(const Prefix6 &prefix, std::uint8_t protocol) {
    const Prefix6 wanted = prefix.masked();
    const std::string doing = "add route local " + to_string(wanted) + " dev lo table main";
    Status added = Ok{};
    for (int attempt = 0; attempt < 2; ++attempt) {
        TRY_ASSIGN(const std::optional<Route6> present, preferred_route(wanted));
        if (present && is_local_on_loopback(*present))
            return present->protocol == protocol ? Added::Ours : Added::AlreadyThere;
        if (present && present->metric <= route_metric)
            return routed_elsewhere(wanted, *present);
        Request request = local_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, wanted, protocol);
        added = rtnl::change(request, doing);
        if (added)
            return Added::Ours;
        /* Somebody was faster: look again at what is there now. */
        if (added.error().sys_errno != EEXIST)
            break;
    }
    return std::move(added).error();
}

Status remove_local_route6(const Prefix6 &prefix, std::uint8_t protocol) {
    const Prefix6 wanted = prefix.masked();
    Request request = local_route(RTM_DELROUTE, 0, wanted, protocol);
    Status removed =
        rtnl::change(request, "remove route local " + to_string(wanted) + " dev lo table main");
    if (!removed && removed.error().sys_errno == ESRCH)
        return Ok{};
    return removed;
}

Status remove_clsact(std::uint32_t interface_index) {
    Request request(RTM_DELQDISC, 0);
    tcmsg &where = request.add<tcmsg>();
    where.tcm_ifindex = static_cast<int>(interface_index);
    where.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
    where.tcm_parent = TC_H_CLSACT;
    /* Without the kind the kernel would take an `ingress` discipline as well: the two
     * share their place and handle. */
    mnl_attr_put_strz(request.head(), TCA_KIND, "clsact");
    Status removed =
        rtnl::change(request, "remove clsact from interface " + std::to_string(interface_index));
    if (removed)
        return removed;
    /* ENOENT, EINVAL or ENODEV, by kernel: ask instead of guessing. */
    const Result<bool> still_there = has_clsact(interface_index);
    if (still_there && !*still_there)
        return Ok{};
    return removed;
}

} // namespace faith::sys
