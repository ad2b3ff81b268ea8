/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/admission.h"

#include <catch2/catch.hpp>

#include <thread>
#include <vector>

using namespace faith;
using namespace faith::relay;

namespace {

Ip6 client(std::string_view text) {
    const Result<Ip6> address = parse_ip6(text);
    REQUIRE(address);
    return *address;
}

Policy limits(std::uint32_t sessions, std::uint32_t per_source) {
    Policy policy;
    policy.max_sessions = sessions;
    policy.max_sessions_per_source = per_source;
    return policy;
}

} // namespace

TEST_CASE("admission: no limit admits, counts, and keeps no table") {
    Admission admission;
    const Policy policy = limits(0, 0);
    std::vector<Ticket> tickets(100);
    for (Ticket &ticket : tickets)
        CHECK_FALSE(admission.admit(client("2001:db8::1"), policy, ticket));
    CHECK(admission.sessions() == 100);
    CHECK(admission.sources() == 0);
    tickets.clear();
    CHECK(admission.sessions() == 0);
}

TEST_CASE("admission: max_sessions, and a place that came free") {
    Admission admission;
    const Policy policy = limits(2, 0);
    Ticket one;
    Ticket two;
    Ticket three;
    CHECK_FALSE(admission.admit(client("2001:db8::1"), policy, one));
    CHECK_FALSE(admission.admit(client("2001:db8::2"), policy, two));
    CHECK(admission.admit(client("2001:db8::3"), policy, three) == FGW_SESSION_LIMIT);
    CHECK_FALSE(three);
    CHECK(admission.sessions() == 2);
    one = Ticket{};
    CHECK_FALSE(admission.admit(client("2001:db8::3"), policy, three));
    CHECK(three);
}

TEST_CASE("admission: max_sessions_per_source is per /64, and others are not affected") {
    Admission admission;
    const Policy policy = limits(0, 2);
    Ticket one;
    Ticket two;
    Ticket three;
    Ticket other;
    CHECK_FALSE(admission.admit(client("2001:db8:0:1::1"), policy, one));
    CHECK_FALSE(admission.admit(client("2001:db8:0:1:ffff::2"), policy, two));
    CHECK(admission.admit(client("2001:db8:0:1::3"), policy, three) == FGW_SOURCE_LIMIT);
    CHECK_FALSE(admission.admit(client("2001:db8:0:2::1"), policy, other));
    CHECK(admission.sessions() == 3);
    CHECK(admission.sources() == 2);
    Ticket moved = std::move(two);
    two = Ticket{};
    CHECK(admission.admit(client("2001:db8:0:1::3"), policy, three) == FGW_SOURCE_LIMIT);
    moved = Ticket{};
    CHECK_FALSE(admission.admit(client("2001:db8:0:1::3"), policy, three));
    one = Ticket{};
    three = Ticket{};
    other = Ticket{};
    CHECK(admission.sources() == 0);
}

TEST_CASE("admission: a limit that comes or goes while sessions live leaves no count behind") {
    Admission admission;
    Ticket before;
    Ticket during;
    CHECK_FALSE(admission.admit(client("2001:db8::1"), limits(0, 0), before));
    CHECK_FALSE(admission.admit(client("2001:db8::1"), limits(0, 1), during));
    before = Ticket{};
    CHECK(admission.sources() == 1);
    during = Ticket{};
    CHECK(admission.sources() == 0);
    CHECK(admission.sessions() == 0);
}

TEST_CASE("admission: a source that has as many as it may is told, and when that is over") {
    std::vector<std::pair<std::uint64_t, bool>> told;
    Admission admission([&](std::uint64_t source, bool full) { told.emplace_back(source, full); });
    const std::uint64_t source = 0x20010db800000001;
    const Policy policy = limits(0, 2);
    admission.watch_sources(2);
    Ticket one;
    Ticket two;
    Ticket three;
    CHECK_FALSE(admission.admit(client("2001:db8:0:1::1"), policy, one));
    CHECK(told.empty());
    CHECK_FALSE(admission.admit(client("2001:db8:0:1::2"), policy, two));
    REQUIRE(told.size() == 1);
    CHECK(told[0] == std::pair(source, true));
    CHECK(admission.admit(client("2001:db8:0:1::3"), policy, three) == FGW_SOURCE_LIMIT);
    CHECK(told.size() == 1);
    two = Ticket{};
    REQUIRE(told.size() == 2);
    CHECK(told[1] == std::pair(source, false));
    one = Ticket{};
    CHECK(told.size() == 2);
}

TEST_CASE("admission: a limit that changes is told of for the sources that are there") {
    std::vector<bool> told;
    Admission admission([&](std::uint64_t, bool full) { told.push_back(full); });
    admission.watch_sources(3);
    Ticket one;
    Ticket two;
    CHECK_FALSE(admission.admit(client("2001:db8::1"), limits(0, 3), one));
    CHECK_FALSE(admission.admit(client("2001:db8::2"), limits(0, 3), two));
    CHECK(told.empty());
    admission.watch_sources(2);
    CHECK(told == std::vector{true});
    admission.watch_sources(2);
    CHECK(told.size() == 1);
    admission.watch_sources(3);
    CHECK(told == std::vector{true, false});
    admission.watch_sources(1);
    CHECK(told.size() == 3);
    admission.watch_sources(0); /* no limit any more */
    CHECK(told == std::vector{true, false, true, false});
}

TEST_CASE("admission: workers together never exceed a limit") {
    Admission admission;
    const Policy policy = limits(10, 7);
    std::atomic<int> most{0};
    std::atomic<int> inside{0};
    std::vector<std::thread> workers;
    for (int w = 0; w < 4; ++w)
        workers.emplace_back([&] {
            for (int i = 0; i < 3000; ++i) {
                Ticket ticket;
                if (admission.admit(Ip6{}, policy, ticket))
                    continue;
                const int now = ++inside;
                int seen = most.load();
                while (now > seen && !most.compare_exchange_weak(seen, now))
                    ;
                --inside;
            }
        });
    for (std::thread &worker : workers)
        worker.join();
    CHECK(most.load() >= 1);
    CHECK(most.load() <= 7);
    CHECK(admission.sessions() == 0);
    CHECK(admission.sources() == 0);
}
