/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/expectations.h"

#include <catch2/catch.hpp>

#include <string>
#include <thread>

using namespace faith;
using namespace faith::relay;
using Answer = Expectations::Answer;

namespace {

const Ip6 alice = *parse_ip6("2001:db8:6::a");
const Ip6 bob = *parse_ip6("2001:db8:6::b");
const Ip6 server = *parse_ip6("64:ff9b::c000:202");
const Ip6 other_server = *parse_ip6("64:ff9b::c000:203");
constexpr Ip4 source{.value = 0xc0000201};

struct Table {
    sys::FakeClock clock;
    std::string announced;
    Expectations table{clock,
                       {.open =
                            [this](const DataPort &port, Millis wait) {
                                note("+", port);
                                CHECK(wait == Millis{7000});
                            },
                        .close = [this](const DataPort &port) { note("-", port); }}};
    DataTrafficRef traffic = std::make_shared<DataTraffic>();
    std::optional<Expectations::Taken> taken;

    void note(const char *sign, const DataPort &port) {
        announced += sign + std::to_string(port.port) + " ";
    }
    ExpectationId add(const Ip6 &client, std::uint16_t port) {
        return table.add(DataPort{.client = client, .destination = server, .port = port},
                         Expected{.source = source, .traffic = traffic, .wait = Millis{7000}});
    }
    Answer take(const Ip6 &client, std::uint16_t port, const Ip6 &destination = server) {
        return table.take(DataPort{.client = client, .destination = destination, .port = port},
                          taken);
    }
};

} // namespace

TEST_CASE("expectations: the client that was told is let in, once, and holds the port (D52)") {
    Table t;
    CHECK(t.table.empty());
    CHECK(t.take(alice, 5000) == Answer::Unknown);
    t.add(alice, 5000);
    CHECK_FALSE(t.table.empty());
    CHECK(t.take(alice, 5016) == Answer::Unknown); /* of the same shard */
    CHECK(t.take(alice, 5000, other_server) == Answer::Unknown);
    CHECK(t.take(bob, 5000) == Answer::Stranger);
    REQUIRE(t.take(alice, 5000) == Answer::Taken);
    CHECK(t.taken->source == source);
    CHECK(t.traffic->live.load() == 1);

    std::optional<Expectations::Taken> first = std::move(t.taken);
    CHECK(t.take(alice, 5000) == Answer::Stranger);
    CHECK(t.take(bob, 5000) == Answer::Stranger);
    CHECK(t.traffic->live.load() == 1);
    t.clock.advance(Millis{7000});
    first.reset();
    CHECK(t.traffic->live.load() == 0);
    CHECK(Millis{t.traffic->ended.load()} == t.clock.now());
    CHECK(t.table.empty());
    CHECK(t.take(bob, 5000) == Answer::Unknown);
}

TEST_CASE("expectations: withdrawn, the port is a port like any other") {
    Table t;
    const ExpectationId entry = t.add(alice, 5000);
    t.table.withdraw(entry);
    CHECK(t.table.empty());
    CHECK(t.take(alice, 5000) == Answer::Unknown);
    t.table.withdraw(entry);
    CHECK(t.table.empty());
}

TEST_CASE("expectations: a connection that has come is not withdrawn with its control connection") {
    Table t;
    const ExpectationId entry = t.add(alice, 5000);
    REQUIRE(t.take(alice, 5000) == Answer::Taken);
    t.table.withdraw(entry);
    CHECK(t.take(bob, 5000) == Answer::Stranger);
    DataLease lease = std::move(t.taken->lease);
    t.taken.reset();
    CHECK(lease);
    CHECK(t.traffic->live.load() == 1);
    lease = DataLease{};
    CHECK(t.traffic->live.load() == 0);
    CHECK(t.table.empty());
}

TEST_CASE("expectations: who waits for a client is told once, of active data and of no other") {
    Table t;
    int told = 0;
    t.traffic->dialled = [&] { ++told; };
    t.add(alice, 5000);
    REQUIRE(t.take(alice, 5000) == Answer::Taken);
    CHECK(t.traffic->dialling == 0); /* it may be another thread's */
    t.taken->lease.connected();
    t.taken.reset();
    CHECK(told == 0);

    DataLease first = DataLease::active(t.clock, t.traffic);
    DataLease second = DataLease::active(t.clock, t.traffic);
    CHECK(t.traffic->dialling == 2);
    DataLease moved = std::move(first);
    moved.connected();
    CHECK(told == 0);
    second = DataLease{}; /* it never was */
    CHECK(told == 1);
    CHECK(t.traffic->live.load() == 1);
    moved = DataLease{};
    CHECK(told == 1);
    CHECK(t.traffic->live.load() == 0);
}

TEST_CASE("expectations: a port can be for two clients, as servers see different addresses") {
    Table t;
    t.add(alice, 5000);
    t.add(bob, 5000);
    REQUIRE(t.take(bob, 5000) == Answer::Taken);
    DataLease bobs = std::move(t.taken->lease);
    CHECK(t.take(bob, 5000) == Answer::Stranger);
    REQUIRE(t.take(alice, 5000) == Answer::Taken);
}

TEST_CASE("expectations: who captures some ports only hears which one is to be let in") {
    Table t;
    t.table.withdraw(t.add(alice, 5000));
    t.add(alice, 5001);
    CHECK(t.announced == "+5000 -5000 +5001 ");
    CHECK(t.take(bob, 5001) == Answer::Stranger);
    REQUIRE(t.take(alice, 5001) == Answer::Taken);
    t.taken.reset();
    CHECK(t.announced == "+5000 -5000 +5001 -5001 ");
}

TEST_CASE("expectations: workers take at the same time, each entry once") {
    sys::FakeClock clock;
    Expectations table(clock);
    const DataTrafficRef traffic = std::make_shared<DataTraffic>();
    constexpr std::uint16_t ports = 2000;
    for (std::uint16_t port = 1; port <= ports; ++port)
        table.add(DataPort{.client = alice, .destination = server, .port = port},
                  Expected{.source = source, .traffic = traffic, .wait = Millis{7000}});
    std::atomic<int> taken{0};
    const auto work = [&] {
        for (std::uint16_t port = 1; port <= ports; ++port) {
            std::optional<Expectations::Taken> mine;
            if (table.take(DataPort{.client = alice, .destination = server, .port = port}, mine) ==
                Answer::Taken)
                taken.fetch_add(1);
        }
    };
    std::thread other(work);
    work();
    other.join();
    CHECK(taken.load() == ports);
    CHECK(table.empty());
    CHECK(traffic->live.load() == 0);
}
