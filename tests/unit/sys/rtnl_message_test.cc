/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/rtnl_message.h"

#include <catch2/catch.hpp>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <string>

using namespace faith;
using namespace faith::sys;
using namespace faith::sys::rtnl;

namespace {

/* A message as the kernel would send it. */
class Message {
public:
    explicit Message(std::uint16_t type) { mnl_nlmsg_put_header(bytes_)->nlmsg_type = type; }
    nlmsghdr *head() { return reinterpret_cast<nlmsghdr *>(bytes_); }
    operator const nlmsghdr &() { return *head(); }
    template <class Fixed>
    Fixed &add() {
        return *static_cast<Fixed *>(mnl_nlmsg_put_extra_header(head(), sizeof(Fixed)));
    }
    Message &ip4(std::uint16_t type, const char *text) {
        mnl_attr_put(head(), type, 4, parse_ip4(text)->bytes().data());
        return *this;
    }
    Message &ip6(std::uint16_t type, const char *text) {
        mnl_attr_put(head(), type, 16, parse_ip6(text)->bytes.data());
        return *this;
    }
    Message &u32(std::uint16_t type, std::uint32_t value) {
        mnl_attr_put_u32(head(), type, value);
        return *this;
    }
    Message &text(std::uint16_t type, const char *value) {
        mnl_attr_put_strz(head(), type, value);
        return *this;
    }

private:
    alignas(nlmsghdr) char bytes_[512] = {};
};

Message link_message(const char *name) {
    Message message(RTM_NEWLINK);
    ifinfomsg &link = message.add<ifinfomsg>();
    link.ifi_index = 7;
    link.ifi_flags = IFF_UP;
    message.u32(IFLA_MTU, 1400).text(IFLA_IFNAME, name);
    return message;
}

Message address_message(std::uint8_t family, std::uint8_t length) {
    Message message(RTM_NEWADDR);
    ifaddrmsg &address = message.add<ifaddrmsg>();
    address.ifa_family = family;
    address.ifa_prefixlen = length;
    address.ifa_index = 3;
    return message;
}

Message route_message(std::uint8_t length, std::uint32_t flags = 0) {
    Message message(RTM_NEWROUTE);
    rtmsg &route = message.add<rtmsg>();
    route.rtm_family = AF_INET6;
    route.rtm_dst_len = length;
    route.rtm_table = RT_TABLE_MAIN;
    route.rtm_protocol = 250;
    route.rtm_type = RTN_LOCAL;
    route.rtm_flags = flags;
    return message;
}

} // namespace

TEST_CASE("rtnl: an interface is index, name, state and mtu") {
    const std::optional<Interface> link = read_interface(link_message("eth0.100"));
    REQUIRE(link);
    CHECK(link->index == 7);
    CHECK(link->name == "eth0.100");
    CHECK(link->up);
    CHECK(link->mtu == 1400);
}

TEST_CASE("rtnl: an interface has its link-layer address, its alias and its counters") {
    Message message = link_message("stf0");
    const std::uint8_t mac[] = {2, 0, 0, 0, 0, 9};
    mnl_attr_put(message.head(), IFLA_ADDRESS, sizeof mac, mac);
    mnl_attr_put_strz(message.head(), IFLA_IFALIAS, "a tunnel");
    rtnl_link_stats64 counters{};
    counters.rx_packets = 3;
    counters.tx_packets = 4;
    mnl_attr_put(message.head(), IFLA_STATS64, sizeof counters, &counters);
    const std::optional<Interface> link = read_interface(message);
    REQUIRE(link);
    CHECK(link->mac == std::array<std::uint8_t, 6>{2, 0, 0, 0, 0, 9});
    CHECK(link->alias == "a tunnel");
    CHECK(link->rx_packets == 3);
    CHECK(link->tx_packets == 4);
}

TEST_CASE("rtnl: without them they are empty, and an address of another length is none") {
    Message message = link_message("tun0");
    const std::uint8_t four[] = {192, 0, 2, 1};
    mnl_attr_put(message.head(), IFLA_ADDRESS, sizeof four, four);
    mnl_attr_put(message.head(), IFLA_STATS64, 8, "\7\0\0\0\0\0\0"); /* cut: an old kernel's */
    const std::optional<Interface> link = read_interface(message);
    REQUIRE(link);
    CHECK(link->mac == std::array<std::uint8_t, 6>{});
    CHECK(link->alias.empty());
    CHECK(link->tx_packets == 0);
}

TEST_CASE("rtnl: an interface has its kind, the bridge it is a port of, its end of a tunnel") {
    Message message = link_message("sit1");
    message.u32(IFLA_MASTER, 9).ip4(IFLA_ADDRESS, "192.0.2.1");
    nlattr *nested = mnl_attr_nest_start(message.head(), IFLA_LINKINFO);
    message.u32(IFLA_INFO_XSTATS, 1).text(IFLA_INFO_KIND, "sit");
    mnl_attr_nest_end(message.head(), nested);
    const std::optional<Interface> link = read_interface(message);
    REQUIRE(link);
    CHECK(link->kind == "sit");
    CHECK(link->master_index == 9);
    CHECK(link->local == *parse_ip4("192.0.2.1"));
    const std::optional<Interface> plain = read_interface(link_message("eth0"));
    REQUIRE(plain);
    CHECK(plain->kind.empty());
    CHECK(plain->master_index == 0);
}

TEST_CASE("rtnl: a message that is not an interface gives none") {
    Message nameless(RTM_NEWLINK);
    nameless.add<ifinfomsg>().ifi_index = 7;
    CHECK_FALSE(read_interface(nameless));

    Message gone = link_message("eth0");
    gone.head()->nlmsg_type = RTM_DELLINK;
    CHECK_FALSE(read_interface(gone));

    Message cut = link_message("eth0");
    cut.head()->nlmsg_len = NLMSG_HDRLEN + sizeof(ifinfomsg) - 1;
    CHECK_FALSE(read_interface(cut));
}

TEST_CASE("rtnl: a name without its end is not read") {
    Message message(RTM_NEWLINK);
    message.add<ifinfomsg>().ifi_index = 7;
    mnl_attr_put(message.head(), IFLA_IFNAME, 4, "eth0");
    CHECK_FALSE(read_interface(message));
}

TEST_CASE("rtnl: an IPv4 address on a point-to-point link is the own one, not the peer's") {
    Message message = address_message(AF_INET, 32);
    message.ip4(IFA_ADDRESS, "192.0.2.9").ip4(IFA_LOCAL, "192.0.2.1");
    const std::optional<Address4> address = read_address4(message);
    REQUIRE(address);
    CHECK(address->interface_index == 3);
    CHECK(to_string(address->prefix) == "192.0.2.1/32");
    CHECK_FALSE(read_address6(message));
}

TEST_CASE("rtnl: an IPv6 address keeps its host bits; with a peer it is the own one") {
    Message plain = address_message(AF_INET6, 64);
    plain.ip6(IFA_ADDRESS, "2001:db8::1");
    REQUIRE(read_address6(plain));
    CHECK(to_string(read_address6(plain)->prefix) == "2001:db8::1/64");
    CHECK_FALSE(read_address4(plain));

    Message with_peer = address_message(AF_INET6, 128);
    with_peer.ip6(IFA_ADDRESS, "2001:db8::9").ip6(IFA_LOCAL, "2001:db8::1");
    REQUIRE(read_address6(with_peer));
    CHECK(to_string(read_address6(with_peer)->prefix) == "2001:db8::1/128");
}

TEST_CASE("rtnl: an address of the wrong size is not read") {
    Message message = address_message(AF_INET6, 64);
    message.ip4(IFA_ADDRESS, "192.0.2.1");
    CHECK_FALSE(read_address6(message));
}

TEST_CASE("rtnl: a route is destination, table, type, protocol, metric and interface") {
    Message message = route_message(96);
    message.ip6(RTA_DST, "2001:db8:f::").u32(RTA_PRIORITY, 1024).u32(RTA_OIF, 1);
    const std::optional<Route6> route = read_route6(message);
    REQUIRE(route);
    CHECK(to_string(route->destination) == "2001:db8:f::/96");
    CHECK(route->table == RT_TABLE_MAIN);
    CHECK(int{route->type} == RTN_LOCAL);
    CHECK(int{route->protocol} == 250);
    CHECK(route->metric == 1024);
    CHECK(route->interface_index == 1);
    CHECK_FALSE(route->gateway);
    message.ip6(RTA_GATEWAY, "2002:c000:201::");
    CHECK(read_route6(message)->gateway == *parse_ip6("2002:c000:201::"));
}

TEST_CASE("rtnl: the answer of where a packet would go is an IPv4 route's interface") {
    Message other = route_message(32);
    other.u32(RTA_OIF, 7);
    CHECK_FALSE(read_way4(other));
    Message message(RTM_NEWROUTE);
    message.add<rtmsg>().rtm_family = AF_INET;
    CHECK_FALSE(read_way4(message));
    message.u32(RTA_OIF, 7);
    CHECK(read_way4(message) == 7U);
}

TEST_CASE("rtnl: a table number over 255 comes from its attribute") {
    Message message = route_message(96);
    message.ip6(RTA_DST, "2001:db8:f::").u32(RTA_TABLE, 1000);
    REQUIRE(read_route6(message));
    CHECK(read_route6(message)->table == 1000);
}

TEST_CASE("rtnl: the default route has no destination attribute") {
    Message message = route_message(0);
    REQUIRE(read_route6(message));
    CHECK(to_string(read_route6(message)->destination) == "::/0");
    /* But a length without an address is no route. */
    Message broken = route_message(64);
    CHECK_FALSE(read_route6(broken));
}

TEST_CASE("rtnl: a cached exception is no route") {
    Message message = route_message(128, RTM_F_CLONED);
    message.ip6(RTA_DST, "2001:db8::1");
    CHECK_FALSE(read_route6(message));
}

TEST_CASE("rtnl: filters are read with handle and kind") {
    Message message(RTM_NEWTFILTER);
    tcmsg &filter = message.add<tcmsg>();
    filter.tcm_ifindex = 4;
    filter.tcm_handle = 0xfa17;
    message.text(TCA_KIND, "bpf");
    const std::optional<TrafficControl> read = read_filter(message);
    REQUIRE(read);
    CHECK(read->interface_index == 4);
    CHECK(read->handle == 0xfa17);
    CHECK(read->kind == "bpf");
    CHECK_FALSE(read_qdisc(message));
}

TEST_CASE("rtnl: news is told by message type") {
    const struct {
        std::uint16_t type;
        std::optional<Change> change;
    } table[] = {
        {RTM_NEWLINK, Change::Links},     {RTM_DELLINK, Change::Links},
        {RTM_NEWADDR, Change::Addresses}, {RTM_DELADDR, Change::Addresses},
        {RTM_NEWROUTE, Change::Routes6},  {RTM_DELROUTE, Change::Routes6},
        {RTM_NEWNEIGH, std::nullopt},
    };
    for (const auto &row : table) {
        CAPTURE(row.type);
        CHECK(read_change(Message(row.type)) == row.change);
    }
}
