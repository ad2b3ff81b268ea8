/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The gateway's life cycle in a network namespace of its own: each step of a load fails
 * in turn, and what the kernel holds afterwards is what it held before.
 */
#include "daemon/gateway.h"

#include "faith/names.h"
#include "fresh_netns.h"
#include "loaded.h"
#include "sys/netns.h"

#include <catch2/catch.hpp>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <net/if.h>

#include <algorithm>
#include <filesystem>
#include <thread>

using namespace faith;
using daemon::Gateway;

namespace {

/* Everything of ours that this namespace and this process hold. */
struct Holdings {
    std::vector<std::string> routes;
    std::vector<std::string> guarded; /* interfaces with XDP or a TC program */
    std::vector<std::string> interfaces;
    std::size_t clsacts = 0;
    std::size_t lookups = 0; /* sk_lookup links of this namespace */
    bool pins = false;
    bool run_directory = false;
    std::size_t descriptors = 0;
    bool operator==(const Holdings &) const = default;
};

std::size_t count_lookups(std::uint64_t netns_inode) {
    std::size_t count = 0;
    std::uint32_t id = 0;
    while (bpf_link_get_next_id(id, &id) == 0) {
        const sys::UniqueFd link(bpf_link_get_fd_by_id(id));
        bpf_link_info info{};
        std::uint32_t length = sizeof info;
        if (link && bpf_obj_get_info_by_fd(link.get(), &info, &length) == 0 &&
            info.type == BPF_LINK_TYPE_NETNS && info.netns.netns_ino == netns_inode)
            ++count;
    }
    return count;
}

std::size_t count_descriptors() {
    std::size_t count = 0;
    for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        static_cast<void>(entry);
        ++count;
    }
    return count;
}

Holdings look() {
    Holdings held;
    const daemon::Instance instance = *daemon::Instance::here();
    for (const sys::Route6 &route : *sys::list_routes6())
        if (route.protocol == FGW_ROUTE_PROTOCOL)
            held.routes.push_back(to_string(route.destination));
    for (const sys::Interface &interface : *sys::list_interfaces()) {
        if (*datapath::query_xdp(interface.index))
            held.guarded.push_back(interface.name + " xdp");
        if (*datapath::has_tc(interface.index, datapath::TcPlace::Guard))
            held.guarded.push_back(interface.name + " tc");
        for (const datapath::TcPlace place : {datapath::TcPlace::Decap, datapath::TcPlace::Encap})
            if (*datapath::has_tc(interface.index, place))
                held.guarded.push_back(interface.name + " tunnel");
        held.interfaces.push_back(interface.name);
        held.clsacts += *sys::has_clsact(interface.index) ? 1 : 0;
    }
    std::sort(held.guarded.begin(), held.guarded.end());
    held.lookups = count_lookups(instance.netns_inode);
    held.pins = std::filesystem::exists("/sys/fs/bpf/" FGW_PIN_DIRECTORY "/" +
                                        std::to_string(instance.netns_inode));
    held.run_directory = std::filesystem::exists(instance.directory());
    held.descriptors = count_descriptors();
    return held;
}

daemon::Plan plan_for(std::vector<std::string> interfaces) {
    daemon::Plan plan; // as from no file at all
    plan.options.interfaces = std::move(interfaces);
    plan.prefixes = {
        prefix::well_known(),
        *prefix::make_prefix(*parse_prefix6("2001:db8:ffff::/96"), prefix::Layout::FaithLast32)};
    plan.config.relay.workers = 2;
    return plan;
}

/* And a local service: everything a load can make. */
daemon::Plan plan_with_tunnel() {
    daemon::Plan plan = plan_for({"v0"});
    config::Stf &stf = plan.config.tunnels.emplace_back();
    stf.uplink = "v1";
    stf.address = *parse_prefix6("2002:c000:201::1/16");
    config::Service &ftp = plan.config.services.emplace_back();
    ftp.port = 21;
    ftp.local.path = "/bin/cat";
    ftp.local.argv = {"cat"};
    return plan;
}

void make_interfaces(const FreshNetns &netns) {
    netns.run("ip link set lo up");
    netns.run("ip link add v0 type veth peer name v1");
    netns.run("ip link set v0 up");
    netns.run("ip link set v1 up");
    netns.run("ip addr add 2001:db8:6::1/64 dev v0 nodad");
    netns.run("ip addr add 192.0.2.1/24 dev v1");
}

/* The names of all steps of a load that goes through. */
std::vector<std::string> steps_of_a_load() {
    std::vector<std::string> steps;
    const auto gateway = Gateway::start(plan_with_tunnel(), [&](std::string_view step) {
        steps.emplace_back(step);
        return Status(Ok{});
    });
    REQUIRE(gateway);
    return steps;
}

} // namespace

TEST_CASE("gateway: a load that fails at any step leaves nothing behind") {
    const FreshNetns netns;
    make_interfaces(netns);
    static_cast<void>(steps_of_a_load()); // what is opened once per process is open now
    const Holdings before = look();
    CHECK(before.routes.empty());
    CHECK(before.guarded.empty());
    const std::vector<std::string> steps = steps_of_a_load();
    CHECK(steps.size() >= 15);
    for (std::size_t failing = 0; failing < steps.size(); ++failing) {
        INFO("failing step: " << steps[failing]);
        std::size_t reached = 0;
        const auto gateway = Gateway::start(plan_with_tunnel(), [&](std::string_view) -> Status {
            if (reached++ == failing)
                return Error{.kind = Errc::System, .sys_errno = EIO, .text = "injected"};
            return Ok{};
        });
        REQUIRE_FALSE(gateway);
        CHECK_THAT(gateway.error().text, Catch::Contains("injected"));
        CHECK(reached == failing + 1);
        const Holdings after = look();
        CHECK(after.routes == before.routes);
        CHECK(after.guarded == before.guarded);
        CHECK(after.interfaces == before.interfaces);
        CHECK(after.clsacts == before.clsacts);
        CHECK(after.lookups == before.lookups);
        CHECK(after.pins == before.pins);
        CHECK(after.run_directory == before.run_directory);
        CHECK(after.descriptors == before.descriptors);
    }
}

TEST_CASE("gateway: loaded, it holds a route per prefix, guards everywhere and one lookup") {
    const FreshNetns netns;
    make_interfaces(netns);
    const auto gateway = Gateway::start(plan_for({"v0"}));
    REQUIRE(gateway);
    const Holdings held = look();
    CHECK(held.routes == std::vector<std::string>{"64:ff9b::/96", "2001:db8:ffff::/96"});
    CHECK(held.guarded == std::vector<std::string>{"lo tc", "v0 xdp", "v1 tc"});
    CHECK(held.lookups == 1);
    CHECK(held.pins);
}

TEST_CASE("gateway: with a tunnel it holds two devices, their programs, and the site's blackhole") {
    const FreshNetns netns;
    make_interfaces(netns);
    const auto gateway = Gateway::start(plan_with_tunnel());
    REQUIRE(gateway);
    const Holdings held = look();
    CHECK(held.routes ==
          std::vector<std::string>{"64:ff9b::/96", "2001:db8:ffff::/96", "2002:c000:201::/48"});
    CHECK(held.guarded == std::vector<std::string>{"lo tc", "stf0 tc", "stf0-peer tc",
                                                   "stf0-peer tunnel", "v0 xdp", "v1 tunnel",
                                                   "v1 xdp"});
    CHECK((*gateway)->notes().empty());
}

TEST_CASE("gateway: a second one in the same namespace is refused and harms nothing") {
    const FreshNetns netns;
    make_interfaces(netns);
    const auto first = Gateway::start(plan_for({"v0"}));
    REQUIRE(first);
    const Holdings before = look();
    const auto second = Gateway::start(plan_for({"v1"}));
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == Errc::Busy);
    CHECK(look() == before);
}

TEST_CASE("gateway: what a dead gateway left is cleared, somebody else's filter is not") {
    const FreshNetns netns;
    make_interfaces(netns);
    netns.run("tc qdisc add dev v1 clsact");
    netns.run("tc filter add dev v1 ingress pref 5 protocol ipv6 u32 match u32 0 0 flowid 1:1");
    netns.run("ip -6 route add local 2001:db8:eeee::/96 dev lo table main proto 250"); // left
    {
        const auto gateway = Gateway::start(plan_for({"v0"}));
        REQUIRE(gateway);
        CHECK(look().routes.size() == 2);
        CHECK(look().guarded == std::vector<std::string>{"lo tc", "v0 xdp", "v1 tc"});
    }
    std::size_t filters = 0;
    for (const sys::Interface &interface : *sys::list_interfaces())
        filters += *sys::count_clsact_filters(interface.index);
    CHECK(filters >= 1); // the stranger's
    CHECK(look().clsacts == 1);
    CHECK(look().routes.empty());
}

TEST_CASE("gateway: an identical route of the operator is used and left alone") {
    const FreshNetns netns;
    make_interfaces(netns);
    netns.run("ip -6 route add local 64:ff9b::/96 dev lo table main proto static");
    {
        const auto gateway = Gateway::start(plan_for({"v0"}));
        REQUIRE(gateway);
        REQUIRE((*gateway)->notes().size() == 1);
        CHECK_THAT((*gateway)->notes()[0], Catch::Contains("64:ff9b::/96 was routed already"));
        CHECK(look().routes == std::vector<std::string>{"2001:db8:ffff::/96"});
    }
    std::size_t left = 0;
    for (const sys::Route6 &route : *sys::list_routes6())
        left += to_string(route.destination) == "64:ff9b::/96" ? 1 : 0;
    CHECK(left == 1);
}

TEST_CASE("gateway: what cannot be is said in a sentence") {
    const FreshNetns netns;
    make_interfaces(netns);
    SECTION("an interface that is not there") {
        const auto gateway = Gateway::start(plan_for({"eth9"}));
        REQUIRE_FALSE(gateway);
        CHECK_THAT(gateway.error().text, Catch::Contains("'eth9'") && Catch::Contains("v0"));
    }
    SECTION("loopback is down") {
        netns.run("ip link set lo down");
        const auto gateway = Gateway::start(plan_for({"v0"}));
        REQUIRE_FALSE(gateway);
        CHECK_THAT(gateway.error().text, Catch::Contains("ip link set lo up"));
    }
    CHECK(look().guarded.empty());
    CHECK_FALSE(look().run_directory);
}

TEST_CASE("gateway: gateways of other namespaces that leave take no directory away from a load") {
    const std::string parent = "/sys/fs/bpf/" FGW_PIN_DIRECTORY;
    std::filesystem::create_directory(parent);
    test::Loaded loaded;
    /* What the last gateway of the machine does when it leaves, over and over. */
    const std::jthread leaving([&parent](const std::stop_token &enough) {
        while (!enough.stop_requested())
            ::rmdir(parent.c_str());
    });
    datapath::Pins pins(1); /* no namespace has this number */
    for (int load = 0; load < 200; ++load) {
        const Status pinned = pins.pin_aside(loaded.object());
        const Status removed = pins.remove_all();
        INFO("load " << load << ": " << (pinned ? "" : pinned.error().text));
        REQUIRE(pinned);
        REQUIRE(removed);
    }
}

TEST_CASE("gateway: what a dead gateway had attached is gone when its pins are removed") {
    const FreshNetns netns;
    make_interfaces(netns);
    const std::uint32_t v0 = ::if_nametoindex("v0");
    const std::uint64_t inode = *sys::netns_inode();
    const test::Loaded loaded;
    struct Cleared : datapath::Pins { /* after a failure, too */
        using Pins::Pins;
        ~Cleared() { (void)remove_all(); }
    } pins(inode);
    for (int time = 0; time < 50; ++time) {
        {
            const auto xdp = datapath::attach_xdp(loaded.object().xdp_program(), v0, "v0",
                                                  datapath::XdpMode::Generic);
            const auto lookup = datapath::attach_sk_lookup(loaded.object().sk_lookup_program());
            REQUIRE(xdp);
            REQUIRE(lookup);
            REQUIRE(pins.pin_aside(loaded.object()));
            REQUIRE(pins.pin_link_aside(xdp->link.get(), datapath::Pins::xdp_link_name(v0)));
            REQUIRE(pins.pin_link_aside(lookup->get(), FGW_PIN_SK_LOOKUP_LINK));
            REQUIRE(pins.commit());
        } /* its process is dead, its pins are not */
        REQUIRE(datapath::query_xdp(v0)->has_value());
        if (time % 2 == 0)
            REQUIRE(pins.unpin_link(datapath::Pins::xdp_link_name(v0)));
        else
            REQUIRE(pins.remove_all());
        INFO("time " << time);
        REQUIRE_FALSE(datapath::query_xdp(v0)->has_value());
        REQUIRE(pins.remove_all());
        REQUIRE(count_lookups(inode) == 0);
    }
}
