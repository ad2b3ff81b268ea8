/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* News of network changes, in a network namespace of each test's own. */
#include "fresh_netns.h"
#include "sys/rtnl.h"
#include "tests/support/wait.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <map>

using namespace faith;
using namespace faith::sys;
using namespace std::chrono_literals;

namespace {

/* A monitor, and how often it told what. */
class Listener {
public:
    Listener() {
        Result<std::unique_ptr<EventLoop>> loop = EventLoop::create(clock_);
        REQUIRE(loop);
        loop_ = *std::move(loop);
        Result<std::unique_ptr<RouteMonitor>> monitor =
            RouteMonitor::create(*loop_, [this](Change change) { ++told_[change]; });
        REQUIRE(monitor);
        monitor_ = *std::move(monitor);
    }

    /* Turns the loop until this was told. */
    void await(Change change) {
        const Millis deadline = clock_.now() + 5s * test::slow();
        while (told_[change] == 0) {
            REQUIRE(clock_.now() < deadline);
            REQUIRE(loop_->turn(100ms));
        }
    }
    /* One turn over what the kernel has sent so far. */
    void turn() { REQUIRE(loop_->turn(0ms)); }
    /* Reads what is there, so that only later news counts. */
    void forget() {
        turn();
        told_.clear();
    }
    int told(Change change) { return told_[change]; }

private:
    MonotonicClock clock_;
    std::unique_ptr<EventLoop> loop_;
    std::unique_ptr<RouteMonitor> monitor_;
    std::map<Change, int> told_;
};

} // namespace

TEST_CASE("rtnl: links, addresses of both families and IPv6 routes are news") {
    const FreshNetns netns;
    Listener listener;
    SECTION("a link appears") {
        netns.run("ip link add v0 type veth peer name v1");
        listener.await(Change::Links);
        CHECK(listener.told(Change::Routes6) == 0);
    }
    SECTION("an IPv4 address comes") {
        netns.run("ip addr add 192.0.2.1/32 dev lo");
        listener.await(Change::Addresses);
        CHECK(listener.told(Change::Links) == 0);
    }
    SECTION("an IPv6 address goes") {
        netns.run("ip addr add 2001:db8::1/128 dev lo");
        listener.await(Change::Addresses);
        listener.forget();
        netns.run("ip addr del 2001:db8::1/128 dev lo");
        listener.await(Change::Addresses);
    }
    SECTION("an IPv6 route comes and goes") {
        netns.run("ip -6 route add unreachable 2001:db8::/32");
        listener.await(Change::Routes6);
        listener.forget();
        netns.run("ip -6 route del unreachable 2001:db8::/32");
        listener.await(Change::Routes6);
        CHECK(listener.told(Change::Addresses) == 0);
    }
    CHECK(listener.told(Change::Everything) == 0);
}

TEST_CASE("rtnl: IPv4 routes and neighbours are no news") {
    const FreshNetns netns;
    Listener listener;
    netns.run("ip route add unreachable 198.51.100.0/24");
    netns.run("ip neigh add 2001:db8::9 lladdr 02:00:00:00:00:01 dev lo");
    listener.turn();
    for (const Change change :
         {Change::Links, Change::Addresses, Change::Routes6, Change::Everything})
        CHECK(listener.told(change) == 0);
}

TEST_CASE("rtnl: a burst is told once per kind") {
    const FreshNetns netns;
    Listener listener;
    netns.run("for i in 1 2 3 4 5 6 7 8; do echo route add unreachable 2001:db8:$i::/48; "
              "echo addr add 192.0.2.$i/32 dev lo; done | ip -batch -");
    listener.turn();
    CHECK(listener.told(Change::Routes6) == 1);
    CHECK(listener.told(Change::Addresses) == 1);
    CHECK(listener.told(Change::Links) == 0);
    CHECK(listener.told(Change::Everything) == 0);
}

TEST_CASE("rtnl: what the kernel had to drop is told as Everything, and news go on") {
    const FreshNetns netns;
    Listener listener;
    /* Far more than a socket's receive buffer holds. */
    netns.run("i=1; while [ $i -le 4000 ]; do printf 'route add unreachable 2001:db8:%x::/48\\n' "
              "$i; i=$((i+1)); done | ip -6 -batch -");
    listener.await(Change::Everything);
    CHECK(listener.told(Change::Everything) == 1);
    CHECK(listener.told(Change::Routes6) <= 1);
    /* What was still queued is read; then the ordinary news are back. */
    do {
        listener.forget();
        listener.turn();
    } while (listener.told(Change::Everything) + listener.told(Change::Routes6) != 0);
    netns.run("ip -6 route del unreachable 2001:db8:1::/48");
    listener.await(Change::Routes6);
    CHECK(listener.told(Change::Everything) == 0);
}

TEST_CASE("rtnl: a monitor that is gone tells nothing") {
    const FreshNetns netns;
    MonotonicClock clock;
    Result<std::unique_ptr<EventLoop>> loop = EventLoop::create(clock);
    REQUIRE(loop);
    int told = 0;
    {
        Result<std::unique_ptr<RouteMonitor>> monitor =
            RouteMonitor::create(**loop, [&](Change) { ++told; });
        REQUIRE(monitor);
        netns.run("ip addr add 192.0.2.1/32 dev lo");
    }
    REQUIRE((*loop)->turn(0ms));
    CHECK(told == 0);
}
