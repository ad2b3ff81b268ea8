/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The questions of rtnl.h: what there is, changing nothing. */
#include "sys/rtnl_message.h"
#include "sys/rtnl_socket.h"

#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

namespace faith::sys {
namespace {

using rtnl::Request;
using rtnl::TrafficControl;

Result<std::vector<Route6>> list_table6(std::uint32_t table) {
    Request request(RTM_GETROUTE, 0);
    request.add<rtmsg>().rtm_family = AF_INET6;
    mnl_attr_put_u32(request.head(), RTA_TABLE, table);
    return rtnl::collect<Route6>(request, rtnl::read_route6);
}

Result<std::size_t> count_filters(std::uint32_t interface_index, std::uint32_t direction) {
    Request request(RTM_GETTFILTER, 0);
    tcmsg &where = request.add<tcmsg>();
    where.tcm_ifindex = static_cast<int>(interface_index);
    where.tcm_parent = TC_H_MAKE(TC_H_CLSACT, direction);
    TRY_ASSIGN(const std::vector<TrafficControl> filters,
               rtnl::collect<TrafficControl>(request, rtnl::read_filter));
    return static_cast<std::size_t>(
        std::ranges::count_if(filters, [](const TrafficControl &f) { return f.handle != 0; }));
}

} // namespace

Result<std::vector<Interface>> list_interfaces() {
    Request request(RTM_GETLINK, 0);
    request.add<ifinfomsg>();
    mnl_attr_put_u32(request.head(), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    return rtnl::collect<Interface>(request, rtnl::read_interface);
}

Result<std::vector<Address4>> list_addresses4() {
    Request request(RTM_GETADDR, 0);
    request.add<ifaddrmsg>().ifa_family = AF_INET;
    return rtnl::collect<Address4>(request, rtnl::read_address4);
}

Result<std::vector<Address6>> list_addresses6() {
    Request request(RTM_GETADDR, 0);
    request.add<ifaddrmsg>().ifa_family = AF_INET6;
    return rtnl::collect<Address6>(request, rtnl::read_address6);
}

Result<std::vector<Route6>> list_routes6() {
    TRY_ASSIGN(std::vector<Route6> routes, list_table6(RT_TABLE_MAIN));
    TRY_ASSIGN(std::vector<Route6> local, list_table6(RT_TABLE_LOCAL));
    std::ranges::move(local, std::back_inserter(routes));
    return routes;
}

Result<std::optional<std::uint32_t>> way_to4(Ip4 destination, Ip4 source) {
    Request request(RTM_GETROUTE, 0);
    rtmsg &route = request.add<rtmsg>();
    route.rtm_family = AF_INET;
    route.rtm_dst_len = route.rtm_src_len = 32;
    for (const auto &[attribute, address] : {std::pair{RTA_DST, destination}, {RTA_SRC, source}})
        mnl_attr_put(request.head(), attribute, address.bytes().size(), address.bytes().data());
    std::optional<std::uint32_t> way;
    const Status asked =
        rtnl::ask(request, "ask for the route to " + to_string(destination),
                  [&way](const nlmsghdr &message) { way = rtnl::read_way4(message); });
    if (asked)
        return way;
    switch (asked.error().sys_errno) {
    case ENETUNREACH: /* no route, or "throw" */
    case EHOSTUNREACH:
    case EACCES: /* "prohibit" */
    case EINVAL: /* "blackhole" */
        return way;
    default:
        return asked.error();
    }
}

Result<bool> has_clsact(std::uint32_t interface_index) {
    Request request(RTM_GETQDISC, 0);
    request.add<tcmsg>();
    TRY_ASSIGN(const std::vector<TrafficControl> qdiscs,
               rtnl::collect<TrafficControl>(request, rtnl::read_qdisc));
    return std::ranges::any_of(qdiscs, [interface_index](const TrafficControl &qdisc) {
        return qdisc.interface_index == interface_index && qdisc.kind == "clsact";
    });
}

Result<std::size_t> count_clsact_filters(std::uint32_t interface_index) {
    TRY_ASSIGN(const std::size_t ingress, count_filters(interface_index, TC_H_MIN_INGRESS));
    TRY_ASSIGN(const std::size_t egress, count_filters(interface_index, TC_H_MIN_EGRESS));
    return ingress + egress;
}

} // namespace faith::sys
