/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sys/rtnl against the kernel, in a network namespace of each test's own. What `ip` and
 * `tc` print is the truth that we must agree with. Routes are looked up with "table all":
 * `ip -6 route show table main` hides local routes.
 */
#include "fresh_netns.h"
#include "sys/rtnl_message.h"
#include "sys/rtnl_socket.h"
#include "tests/support/wait.h"

#include <catch2/catch.hpp>

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <string>

using namespace faith;
using namespace faith::sys;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint8_t our_protocol = 250;

Prefix6 prefix6(const char *text) { return *parse_prefix6(text); }

std::string routes_to(const std::string &prefix) {
    return FreshNetns::run("ip -6 route show table all " + prefix);
}

std::uint32_t index_of(const std::string &name) {
    const Result<std::vector<Interface>> links = list_interfaces();
    REQUIRE(links);
    for (const Interface &link : *links)
        if (link.name == name)
            return link.index;
    FAIL("no interface " << name);
    return 0;
}

std::set<std::string> addresses6() {
    const Result<std::vector<Address6>> list = list_addresses6();
    REQUIRE(list);
    std::set<std::string> found;
    for (const Address6 &address : *list)
        found.insert(to_string(address.prefix));
    return found;
}

std::vector<Route6> routes6_to(const Prefix6 &prefix) {
    const Result<std::vector<Route6>> list = list_routes6();
    REQUIRE(list);
    std::vector<Route6> found;
    std::ranges::copy_if(*list, std::back_inserter(found),
                         [&](const Route6 &route) { return route.destination == prefix; });
    return found;
}

/* Enough addresses on lo for a dump of more than four parts. The kernel announces each, and makes
 * its route, at its leisure; a list is read in vain while it still does. */
constexpr int many = 2000;
void add_many_addresses() {
    FreshNetns::run("i=1; while [ $i -le " + std::to_string(many) +
                    " ]; do printf 'addr add 2001:db8:1::%x/128 dev lo nodad\\n' $i; "
                    "i=$((i+1)); done | ip -6 -batch -");
    const auto announced = [] {
        return FreshNetns::run("ip -6 route show table local | grep -c '^local 2001:db8:1::' || :");
    };
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::seconds(30) * test::slow();
    while (announced() != std::to_string(many) + "\n")
        REQUIRE(std::chrono::steady_clock::now() < deadline);
}

} // namespace

TEST_CASE("rtnl: interfaces, addresses and their states are those that ip shows") {
    const FreshNetns netns;
    netns.run("ip link add up.100 mtu 1400 type veth peer name down0");
    netns.run("ip link set up.100 up");
    netns.run("ip addr add 192.0.2.1/24 dev up.100");
    netns.run("ip addr add 198.51.100.1 peer 198.51.100.9/32 dev up.100");
    netns.run("ip addr add 2001:db8::1/64 dev up.100");
    netns.run("ip addr add 2001:db8::5 peer 2001:db8::9/128 dev up.100");

    const Result<std::vector<Interface>> links = list_interfaces();
    REQUIRE(links);
    for (const Interface &link : *links) {
        CAPTURE(link.name);
        CHECK(netns.run("ip -o link show dev " + link.name)
                  .starts_with(std::to_string(link.index) + ": "));
        if (link.name == "up.100") {
            CHECK(link.up);
            CHECK(link.mtu == 1400);
        }
        if (link.name == "down0")
            CHECK_FALSE(link.up);
    }

    const Result<std::vector<Address4>> list = list_addresses4();
    REQUIRE(list);
    std::set<std::string> found;
    for (const Address4 &address : *list)
        if (address.interface_index == index_of("up.100"))
            found.insert(to_string(address.prefix));
    CHECK(found == std::set<std::string>{"192.0.2.1/24", "198.51.100.1/32"});
    /* The peer of up.100 is down, so its addresses are tentative. */
    CHECK(addresses6().contains("2001:db8::1/64"));
    CHECK(addresses6().contains("2001:db8::5/128"));
    CHECK_FALSE(addresses6().contains("2001:db8::9/128"));
}

TEST_CASE("rtnl: the way to an IPv4 address is the one that ip finds, rules included, or none") {
    const FreshNetns netns;
    for (const char *name : {"a0", "b0", "c0"})
        netns.run(std::string("ip link add ") + name + " type veth peer name p" + name +
                  " && ip link set " + name + " up && ip link set p" + name + " up");
    netns.run("ip addr add 192.0.2.1/24 dev a0 && ip addr add 192.0.2.2/32 dev a0");
    netns.run("ip addr add 203.0.113.1/24 dev b0 && ip addr add 10.1.1.1/24 dev c0");
    netns.run("ip route add 198.51.100.0/24 via 203.0.113.9");
    netns.run("ip route add 198.51.100.9/32 via 10.1.1.9 table 77");
    netns.run("ip rule add from 192.0.2.2 table 77");
    for (const char *kind :
         {"unreachable 10.7.0.1", "prohibit 10.7.0.2", "blackhole 10.7.0.3", "throw 10.7.0.4"})
        netns.run(std::string("ip route add ") + kind);
    const auto way = [](const char *destination, const char *source) -> std::string {
        const auto found = way_to4(*parse_ip4(destination), *parse_ip4(source));
        REQUIRE(found);
        if (!*found)
            return "none";
        for (const char *name : {"a0", "b0", "c0", "lo"})
            if (index_of(name) == **found)
                return name;
        return "?";
    };
    CHECK(way("192.0.2.9", "192.0.2.1") == "a0");
    CHECK(way("198.51.100.9", "192.0.2.1") == "b0");
    CHECK(way("198.51.100.9", "192.0.2.2") == "c0");
    CHECK(way("203.0.113.1", "192.0.2.1") == "lo");
    for (const char *nowhere : {"10.9.9.9", "10.7.0.1", "10.7.0.2", "10.7.0.3", "10.7.0.4"}) {
        CAPTURE(nowhere);
        CHECK(way(nowhere, "192.0.2.1") == "none");
    }
}

TEST_CASE("rtnl: the capture route is added, seen by ip, and taken away") {
    const FreshNetns netns;
    const std::string before = netns.run("ip -6 route show table all");
    const Result<Added> added = add_local_route6(prefix6("2001:db8:f::/96"), our_protocol);
    REQUIRE(added);
    CHECK(*added == Added::Ours);
    CHECK_THAT(routes_to("2001:db8:f::/96"),
               Contains("local 2001:db8:f::/96 dev lo proto 250 metric 1024"));
    CHECK_THAT(netns.run("ip -6 route get 2001:db8:f::c000:201"), Contains("local"));

    const std::vector<Route6> ours = routes6_to(prefix6("2001:db8:f::/96"));
    REQUIRE(ours.size() == 1);
    CHECK(ours[0].table == RT_TABLE_MAIN);
    CHECK(int{ours[0].type} == RTN_LOCAL);
    CHECK(int{ours[0].protocol} == our_protocol);
    CHECK(ours[0].metric == 1024);
    CHECK(ours[0].interface_index == 1);

    REQUIRE(remove_local_route6(prefix6("2001:db8:f::/96"), our_protocol));
    CHECK(netns.run("ip -6 route show table all") == before);
}

TEST_CASE("rtnl: host bits of a prefix are ignored when routing it") {
    const FreshNetns netns;
    REQUIRE(add_local_route6(prefix6("2001:db8:f::c000:201/96"), our_protocol));
    CHECK_THAT(routes_to("2001:db8:f::/96"), Contains("proto 250"));
    REQUIRE(remove_local_route6(prefix6("2001:db8:f::7/96"), our_protocol));
    CHECK(routes_to("2001:db8:f::/96").empty());
}

TEST_CASE("rtnl: a capture route left behind by an earlier process is ours") {
    const FreshNetns netns;
    netns.run("ip -6 route add local 2001:db8:f::/96 dev lo table main proto 250");
    const Result<Added> added = add_local_route6(prefix6("2001:db8:f::/96"), our_protocol);
    REQUIRE(added);
    CHECK(*added == Added::Ours);
    REQUIRE(remove_local_route6(prefix6("2001:db8:f::/96"), our_protocol));
    CHECK(routes_to("2001:db8:f::/96").empty());
}

TEST_CASE("rtnl: somebody else's identical route is used and left alone") {
    const FreshNetns netns;
    netns.run("ip -6 route add local 2001:db8:f::/96 dev lo table main proto static");
    const Result<Added> added = add_local_route6(prefix6("2001:db8:f::/96"), our_protocol);
    REQUIRE(added);
    CHECK(*added == Added::AlreadyThere);
    REQUIRE(remove_local_route6(prefix6("2001:db8:f::/96"), our_protocol));
    CHECK_THAT(routes_to("2001:db8:f::/96"), Contains("proto static"));
}

TEST_CASE("rtnl: a route that would be preferred to ours is an error that names it") {
    const FreshNetns netns;
    SECTION("same metric") { netns.run("ip -6 route add unreachable 2001:db8:f::/96 metric 1024"); }
    SECTION("better metric, as that of an interface's own network") {
        netns.run("ip link add v0 type veth peer name v1 && ip link set v0 up");
        netns.run("ip -6 route add 2001:db8:f::/96 dev v0 proto kernel metric 256");
    }
    const std::string before = netns.run("ip -6 route show table all");
    const Result<Added> added = add_local_route6(prefix6("2001:db8:f::/96"), our_protocol);
    REQUIRE_FALSE(added);
    CHECK(added.error().kind == Errc::Busy);
    CHECK_THAT(added.error().text, Contains("2001:db8:f::/96") && Contains("metric"));
    CHECK(netns.run("ip -6 route show table all") == before);
}

TEST_CASE("rtnl: a route with a worse metric to the same prefix stays beside ours") {
    const FreshNetns netns;
    netns.run("ip -6 route add blackhole 2001:db8:f::/96 metric 4096");
    REQUIRE(add_local_route6(prefix6("2001:db8:f::/96"), our_protocol));
    CHECK_THAT(netns.run("ip -6 route get 2001:db8:f::c000:201"), Contains("local"));
    REQUIRE(remove_local_route6(prefix6("2001:db8:f::/96"), our_protocol));
    CHECK_THAT(routes_to("2001:db8:f::/96"), Contains("blackhole"));
}

TEST_CASE("rtnl: longer and shorter routes do not stand in the way") {
    const FreshNetns netns;
    netns.run("ip -6 route add unreachable 2001:db8:f::c000:0/112 metric 1");
    netns.run("ip -6 route add unreachable 2001:db8::/32 metric 1");
    REQUIRE(add_local_route6(prefix6("2001:db8:f::/96"), our_protocol));
    CHECK_THAT(routes_to("2001:db8:f::/96"), Contains("local 2001:db8:f::/96"));
}

TEST_CASE("rtnl: removing a route that is not there, or not ours, changes nothing") {
    const FreshNetns netns;
    CHECK(remove_local_route6(prefix6("2001:db8:f::/96"), our_protocol));
    /* Same prefix in table local, longer and shorter ones in main: none is ours. */
    netns.run("ip -6 route add local 2001:db8:f::/96 dev lo");
    netns.run("ip -6 route add local 2001:db8:f::/64 dev lo table main proto 250");
    netns.run("ip -6 route add local 2001:db8:f::1/128 dev lo table main proto 250");
    const std::string before = netns.run("ip -6 route show table all");
    CHECK(remove_local_route6(prefix6("2001:db8:f::/96"), our_protocol));
    CHECK(netns.run("ip -6 route show table all") == before);
}

TEST_CASE("rtnl: a route cannot be added while lo is down, and the error says why") {
    const FreshNetns netns;
    netns.run("ip link set lo down");
    const Result<Added> added = add_local_route6(prefix6("2001:db8:f::/96"), our_protocol);
    REQUIRE_FALSE(added);
    CHECK(added.error().sys_errno == ENETDOWN);
    CHECK_THAT(added.error().text, Contains("add route local 2001:db8:f::/96 dev lo") &&
                                       Contains("not up") && Contains("Network is down"));
}

TEST_CASE("rtnl: routes of tables main and local are listed, those of others are not") {
    const FreshNetns netns;
    /* As the kernel does for an own address, but that one comes at its leisure. */
    netns.run("ip -6 route add local 2001:db8::1/128 dev lo table local proto kernel metric 0");
    netns.run("ip -6 route add unreachable 2001:db8:a::/48 table 77");
    netns.run("ip -6 route add blackhole 2001:db8:b::/48 proto static metric 5");
    const std::vector<Route6> own = routes6_to(prefix6("2001:db8::1/128"));
    CHECK(std::ranges::any_of(own, [](const Route6 &route) {
        return route.table == RT_TABLE_LOCAL && route.type == RTN_LOCAL;
    }));
    CHECK(routes6_to(prefix6("2001:db8:a::/48")).empty());
    const std::vector<Route6> hole = routes6_to(prefix6("2001:db8:b::/48"));
    REQUIRE(hole.size() == 1);
    CHECK(int{hole[0].type} == RTN_BLACKHOLE);
    CHECK(int{hole[0].protocol} == RTPROT_STATIC);
    CHECK(hole[0].metric == 5);
}

TEST_CASE("rtnl: clsact and its filters are counted in both directions") {
    const FreshNetns netns;
    netns.run("ip link add v0 type veth peer name v1");
    const std::uint32_t index = index_of("v0");
    CHECK_FALSE(*has_clsact(index));
    CHECK(*count_clsact_filters(index) == 0);

    netns.run("tc qdisc add dev v0 clsact");
    CHECK(*has_clsact(index));
    CHECK_FALSE(*has_clsact(index_of("v1")));
    CHECK(*count_clsact_filters(index) == 0);

    /* Classic BPF, which every kernel that can run the gateway has. */
    const std::string drop = " bpf bytecode '1,6 0 0 0,' flowid 1:1";
    netns.run("tc filter add dev v0 ingress protocol all prio 7" + drop);
    CHECK(*count_clsact_filters(index) == 1);
    netns.run("tc filter add dev v0 egress protocol ipv6 prio 8" + drop);
    CHECK(*count_clsact_filters(index) == 2);
    netns.run("tc filter del dev v0 ingress prio 7");
    CHECK(*count_clsact_filters(index) == 1);

    REQUIRE(remove_clsact(index));
    CHECK_FALSE(*has_clsact(index));
    CHECK_THAT(netns.run("tc qdisc show dev v0"), !Contains("clsact"));
}

TEST_CASE("rtnl: removing clsact where there is none is not an error") {
    const FreshNetns netns;
    CHECK(remove_clsact(1));
    CHECK(remove_clsact(0x7ffffff0));
}

TEST_CASE("rtnl: an ingress discipline, which shares clsact's place, is left alone") {
    const FreshNetns netns;
    netns.run("ip link add v0 type veth peer name v1");
    netns.run("tc qdisc add dev v0 ingress");
    CHECK_FALSE(*has_clsact(index_of("v0")));
    CHECK(remove_clsact(index_of("v0")));
    CHECK_THAT(netns.run("tc qdisc show dev v0"), Contains("ingress"));
}

TEST_CASE("rtnl: a list of many parts is complete") {
    const FreshNetns netns;
    add_many_addresses();
    CHECK(addresses6().size() == many + 1); /* and ::1 */
}

TEST_CASE("rtnl: a list that changes while it is read is read again") {
    const FreshNetns netns;
    add_many_addresses();
    rtnl::Request request(RTM_GETADDR, 0);
    request.add<ifaddrmsg>().ifa_family = AF_INET6;
    int taken = 0;
    const Result<std::vector<Address6>> found =
        rtnl::collect<Address6>(request, [&](const nlmsghdr &message) {
            /* The kernel prepares a part ahead; a change now shows in the third one. It is
             * a removal because the kernel announces an addition only a little later. */
            if (++taken == 1)
                netns.run("ip -6 addr del 2001:db8:1::1/128 dev lo");
            return rtnl::read_address6(message);
        });
    REQUIRE(found);
    CHECK(found->size() == many); /* one less, and ::1 */
    CHECK(static_cast<std::size_t>(taken) > found->size());
}
