/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The devices of rtnl.h: a veth pair, its addresses and its routes. */
#include "sys/rtnl.h"
#include "sys/rtnl_socket.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>

namespace faith::sys {
namespace {

using rtnl::Request;

constexpr std::uint32_t loopback_index = 1;       /* in every namespace; the kernel insists */
constexpr std::uint32_t blackhole_metric = 65535; /* any route to the same prefix is better */
constexpr std::uint8_t no_generated_address = 1;  /* IN6_ADDR_GEN_MODE_NONE */

ifinfomsg &add_link_header(Request &request, std::uint32_t interface_index) {
    ifinfomsg &link = request.add<ifinfomsg>();
    link.ifi_index = static_cast<int>(interface_index);
    return link;
}

/* The name of the pair's other end, with a link header of its own. */
void put_peer(Request &request, const Pair &pair) {
    nlmsghdr *head = request.head();
    nlattr *peer = mnl_attr_nest_start(head, VETH_INFO_PEER);
    request.add<ifinfomsg>();
    mnl_attr_put_strz(head, IFLA_IFNAME, pair.peer.c_str());
    mnl_attr_put_u32(head, IFLA_MTU, pair.mtu);
    mnl_attr_nest_end(head, peer);
}

Status create_pair(const Pair &pair) {
    Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    nlmsghdr *head = request.head();
    add_link_header(request, 0);
    mnl_attr_put_strz(head, IFLA_IFNAME, pair.device.c_str());
    mnl_attr_put_u32(head, IFLA_MTU, pair.mtu);
    nlattr *info = mnl_attr_nest_start(head, IFLA_LINKINFO);
    mnl_attr_put_strz(head, IFLA_INFO_KIND, "veth");
    nlattr *data = mnl_attr_nest_start(head, IFLA_INFO_DATA);
    put_peer(request, pair);
    mnl_attr_nest_end(head, data);
    mnl_attr_nest_end(head, info);
    return rtnl::change(request, "add interface " + pair.device);
}

Result<std::uint32_t> index_of(const std::string &name) {
    const unsigned index = ::if_nametoindex(name.c_str());
    if (index == 0)
        return system_error(errno, "find interface " + name);
    return index;
}

/* Before it is ever up, or the kernel would give it a link-local address (S6). */
Status configure(const std::string &name, const std::string &alias, std::uint32_t longest_gso) {
    TRY_ASSIGN(const std::uint32_t index, index_of(name));
    Request request(RTM_NEWLINK, 0);
    nlmsghdr *head = request.head();
    ifinfomsg &link = add_link_header(request, index);
    link.ifi_flags = IFF_NOARP;
    link.ifi_change = IFF_NOARP | IFF_MULTICAST;
    mnl_attr_put_strz(head, IFLA_IFALIAS, alias.c_str());
    mnl_attr_put_u32(head, IFLA_GSO_MAX_SIZE, longest_gso);
    nlattr *families = mnl_attr_nest_start(head, IFLA_AF_SPEC);
    nlattr *inet6 = mnl_attr_nest_start(head, AF_INET6);
    mnl_attr_put_u8(head, IFLA_INET6_ADDR_GEN_MODE, no_generated_address);
    mnl_attr_nest_end(head, inet6);
    mnl_attr_nest_end(head, families);
    return rtnl::change(request, "configure interface " + name);
}

Request main_route(std::uint16_t type, std::uint16_t flags, const Route6 &route) {
    Request request(type, flags);
    rtmsg &header = request.add<rtmsg>();
    header.rtm_family = AF_INET6;
    header.rtm_dst_len = route.destination.length;
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = route.protocol;
    header.rtm_type = route.type;
    const Ip6 address = route.destination.masked().address;
    mnl_attr_put(request.head(), RTA_DST, address.bytes.size(), address.bytes.data());
    mnl_attr_put_u32(request.head(), RTA_OIF, route.interface_index);
    mnl_attr_put_u32(request.head(), RTA_PRIORITY, route.metric);
    return request;
}

Status add_route(const Route6 &route) {
    Request request = main_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
    return rtnl::change(request, "add route " + to_string(route.destination));
}

} // namespace

Status add_pair(const Pair &pair) {
    TRY(create_pair(pair));
    Status configured = configure(pair.device, pair.device_alias, pair.longest_gso);
    if (configured)
        configured = configure(pair.peer, pair.peer_alias, pair.longest_gso);
    if (configured)
        return configured;
    /* Half made it bears no alias by which anybody would find it. */
    if (const Result<std::uint32_t> made = index_of(pair.device))
        static_cast<void>(remove_interface(*made));
    return configured;
}

Status set_up(std::uint32_t interface_index) {
    Request request(RTM_NEWLINK, 0);
    ifinfomsg &link = add_link_header(request, interface_index);
    link.ifi_flags = IFF_UP;
    link.ifi_change = IFF_UP;
    return rtnl::change(request, "bring up interface " + std::to_string(interface_index));
}

Status remove_interface(std::uint32_t interface_index) {
    Request request(RTM_DELLINK, 0);
    add_link_header(request, interface_index);
    Status removed = rtnl::change(request, "remove interface " + std::to_string(interface_index));
    if (!removed && removed.error().sys_errno == ENODEV)
        return Ok{};
    return removed;
}

Status add_address6(std::uint32_t interface_index, const Prefix6 &address) {
    Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    ifaddrmsg &header = request.add<ifaddrmsg>();
    header.ifa_family = AF_INET6;
    header.ifa_prefixlen = address.length;
    header.ifa_index = interface_index;
    mnl_attr_put(request.head(), IFA_LOCAL, address.address.bytes.size(),
                 address.address.bytes.data());
    mnl_attr_put_u32(request.head(), IFA_FLAGS, IFA_F_NODAD);
    return rtnl::change(request, "add address " + to_string(address));
}

Status add_blackhole6(const Prefix6 &prefix, std::uint8_t protocol) {
    return add_route({.destination = prefix,
                      .table = RT_TABLE_MAIN,
                      .type = RTN_BLACKHOLE,
                      .protocol = protocol,
                      .metric = blackhole_metric,
                      .interface_index = loopback_index});
}

Status add_device_route6(const Prefix6 &prefix, std::uint32_t interface_index, std::uint32_t metric,
                         std::uint8_t protocol) {
    return add_route({.destination = prefix,
                      .table = RT_TABLE_MAIN,
                      .type = RTN_UNICAST,
                      .protocol = protocol,
                      .metric = metric,
                      .interface_index = interface_index});
}

Status remove_route6(const Route6 &route) {
    Request request = main_route(RTM_DELROUTE, 0, route);
    Status removed = rtnl::change(request, "remove route " + to_string(route.destination));
    if (!removed && removed.error().sys_errno == ESRCH)
        return Ok{};
    return removed;
}

} // namespace faith::sys
