/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/rtnl_message.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace faith::sys::rtnl {
namespace {

/* The fixed part that follows the netlink header; null if the message is another one
 * or too short for it. */
template <class Header>
const Header *header_of(const nlmsghdr &message, std::uint16_t type) {
    if (message.nlmsg_type != type || mnl_nlmsg_get_payload_len(&message) < sizeof(Header))
        return nullptr;
    return static_cast<const Header *>(mnl_nlmsg_get_payload(&message));
}

template <class Header>
const nlattr *find(const nlmsghdr &message, std::uint16_t type) {
    return find_attribute(message, sizeof(Header), type);
}

std::optional<std::uint32_t> number(const nlattr *attribute) {
    if (attribute == nullptr || mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
        return std::nullopt;
    return mnl_attr_get_u32(attribute);
}

std::optional<Ip4> ip4(const nlattr *attribute) {
    if (attribute == nullptr || mnl_attr_get_payload_len(attribute) != 4)
        return std::nullopt;
    return Ip4::from_bytes(static_cast<const std::uint8_t *>(mnl_attr_get_payload(attribute)));
}

std::optional<Ip6> ip6(const nlattr *attribute) {
    if (attribute == nullptr || mnl_attr_get_payload_len(attribute) != 16)
        return std::nullopt;
    Ip6 address;
    std::memcpy(address.bytes.data(), mnl_attr_get_payload(attribute), 16);
    return address;
}

/* IFA_LOCAL is the own address, IFA_ADDRESS that of the peer if there is one; without
 * a peer IPv4 has both and IPv6 has only IFA_ADDRESS. */
const nlattr *own_address(const nlmsghdr &message) {
    const nlattr *local = find<ifaddrmsg>(message, IFA_LOCAL);
    return local != nullptr ? local : find<ifaddrmsg>(message, IFA_ADDRESS);
}

std::optional<TrafficControl> read_traffic_control(const nlmsghdr &message, std::uint16_t type) {
    const tcmsg *header = header_of<tcmsg>(message, type);
    if (header == nullptr)
        return std::nullopt;
    return TrafficControl{.interface_index = static_cast<std::uint32_t>(header->tcm_ifindex),
                          .handle = header->tcm_handle,
                          .kind = text(find<tcmsg>(message, TCA_KIND)).value_or("")};
}

/* IFLA_INFO_KIND, which is inside of another attribute. */
std::string kind_of(const nlattr *information) {
    std::string kind;
    const auto take = [](const nlattr *inner, void *to) {
        if (mnl_attr_get_type(inner) == IFLA_INFO_KIND)
            *static_cast<std::string *>(to) = text(inner).value_or("");
        return MNL_CB_OK;
    };
    if (information != nullptr)
        mnl_attr_parse_nested(information, take, &kind);
    return kind;
}

} // namespace

std::optional<Interface> read_interface(const nlmsghdr &message) {
    const ifinfomsg *header = header_of<ifinfomsg>(message, RTM_NEWLINK);
    if (header == nullptr)
        return std::nullopt;
    const std::optional<std::string> name = text(find<ifinfomsg>(message, IFLA_IFNAME));
    if (!name)
        return std::nullopt;
    Interface interface{.index = static_cast<std::uint32_t>(header->ifi_index),
                        .name = *name,
                        .up = (header->ifi_flags & IFF_UP) != 0,
                        .mtu = number(find<ifinfomsg>(message, IFLA_MTU)).value_or(0),
                        .mac = {},
                        .alias = text(find<ifinfomsg>(message, IFLA_IFALIAS)).value_or("")};
    if (const nlattr *mac = find<ifinfomsg>(message, IFLA_ADDRESS);
        mac != nullptr && mnl_attr_get_payload_len(mac) == interface.mac.size())
        std::memcpy(interface.mac.data(), mnl_attr_get_payload(mac), interface.mac.size());
    interface.master_index = number(find<ifinfomsg>(message, IFLA_MASTER)).value_or(0);
    interface.local = ip4(find<ifinfomsg>(message, IFLA_ADDRESS)).value_or(Ip4{});
    interface.kind = kind_of(find<ifinfomsg>(message, IFLA_LINKINFO));
    /* It grows with the kernel; what we want is in front. */
    rtnl_link_stats64 statistics{};
    if (const nlattr *all = find<ifinfomsg>(message, IFLA_STATS64); all != nullptr)
        std::memcpy(&statistics, mnl_attr_get_payload(all),
                    std::min(sizeof statistics, std::size_t{mnl_attr_get_payload_len(all)}));
    interface.rx_packets = statistics.rx_packets;
    interface.tx_packets = statistics.tx_packets;
    return interface;
}

std::optional<Address4> read_address4(const nlmsghdr &message) {
    const ifaddrmsg *header = header_of<ifaddrmsg>(message, RTM_NEWADDR);
    if (header == nullptr || header->ifa_family != AF_INET)
        return std::nullopt;
    const std::optional<Ip4> address = ip4(own_address(message));
    if (!address)
        return std::nullopt;
    return Address4{.interface_index = header->ifa_index,
                    .prefix = {.address = *address, .length = header->ifa_prefixlen},
                    .broadcast = ip4(find<ifaddrmsg>(message, IFA_BROADCAST)).value_or(Ip4{})};
}

std::optional<Address6> read_address6(const nlmsghdr &message) {
    const ifaddrmsg *header = header_of<ifaddrmsg>(message, RTM_NEWADDR);
    if (header == nullptr || header->ifa_family != AF_INET6)
        return std::nullopt;
    const std::optional<Ip6> address = ip6(own_address(message));
    if (!address)
        return std::nullopt;
    return Address6{.interface_index = header->ifa_index,
                    .prefix = {.address = *address, .length = header->ifa_prefixlen}};
}

std::optional<Route6> read_route6(const nlmsghdr &message) {
    const rtmsg *header = header_of<rtmsg>(message, RTM_NEWROUTE);
    if (header == nullptr || header->rtm_family != AF_INET6)
        return std::nullopt;
    if ((header->rtm_flags & RTM_F_CLONED) != 0)
        return std::nullopt;
    const std::optional<Ip6> destination = ip6(find<rtmsg>(message, RTA_DST));
    if (!destination && header->rtm_dst_len != 0)
        return std::nullopt;
    return Route6{
        .destination = {.address = destination.value_or(Ip6{}), .length = header->rtm_dst_len},
        .table = number(find<rtmsg>(message, RTA_TABLE)).value_or(header->rtm_table),
        .type = header->rtm_type,
        .protocol = header->rtm_protocol,
        .metric = number(find<rtmsg>(message, RTA_PRIORITY)).value_or(0),
        .interface_index = number(find<rtmsg>(message, RTA_OIF)).value_or(0),
        .gateway = ip6(find<rtmsg>(message, RTA_GATEWAY))};
}

std::optional<std::uint32_t> read_way4(const nlmsghdr &message) {
    const rtmsg *header = header_of<rtmsg>(message, RTM_NEWROUTE);
    if (header == nullptr || header->rtm_family != AF_INET)
        return std::nullopt;
    return number(find<rtmsg>(message, RTA_OIF));
}

std::optional<TrafficControl> read_qdisc(const nlmsghdr &message) {
    return read_traffic_control(message, RTM_NEWQDISC);
}

std::optional<TrafficControl> read_filter(const nlmsghdr &message) {
    return read_traffic_control(message, RTM_NEWTFILTER);
}

std::optional<Change> read_change(const nlmsghdr &message) {
    switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return Change::Links;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return Change::Addresses;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return Change::Routes6;
    default:
        return std::nullopt;
    }
}

const nlattr *find_attribute(const nlmsghdr &message, std::size_t fixed_bytes, std::uint16_t type) {
    struct Search {
        std::uint16_t type;
        const nlattr *found;
    } search{.type = type, .found = nullptr};
    const mnl_attr_cb_t look = [](const nlattr *attribute, void *data) {
        Search &wanted = *static_cast<Search *>(data);
        if (mnl_attr_get_type(attribute) != wanted.type)
            return MNL_CB_OK;
        wanted.found = attribute;
        return MNL_CB_STOP;
    };
    if (mnl_nlmsg_get_payload_len(&message) >= fixed_bytes)
        mnl_attr_parse(&message, static_cast<unsigned>(fixed_bytes), look, &search);
    return search.found;
}

std::optional<std::string> text(const nlattr *attribute) {
    if (attribute == nullptr || mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0)
        return std::nullopt;
    return mnl_attr_get_str(attribute);
}

} // namespace faith::sys::rtnl
