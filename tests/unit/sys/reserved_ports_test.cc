/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* With ports that anybody may bind; the reserved ones are in tests/netns/reserved_test.py. */
#include "sys/reserved_ports.h"

#include "tests/unit/relay/peers.h"

#include <catch2/catch.hpp>

#include <deque>

using namespace faith;
using namespace faith::sys;

namespace {

constexpr Ip4 loopback{.value = 0x7f000001};

std::uint16_t port_at(int number) { return static_cast<std::uint16_t>(20000 + number); }

/* So many ports in a row that nobody has now, below the ephemeral ones; of another run of
 * these tests others. */
std::uint16_t free_ports(std::uint16_t count) {
    for (int start = ::getpid() % 1000 * 10, low = start; low < start + 2000; low += count) {
        bool all = true;
        for (std::uint16_t i = 0; i < count; ++i)
            all = all && listen4({.address = loopback, .port = port_at(low + i)});
        if (all)
            return port_at(low);
    }
    FAIL("no free ports");
    return 0;
}

struct Ports {
    std::uint16_t low;
    FakeClock clock;
    ReservedPorts ports;

    explicit Ports(std::uint16_t count)
        : low(free_ports(count)), ports(clock, static_cast<std::uint16_t>(low + count - 1), low) {}

    UniqueFd connect(std::uint16_t target, Connect want, Ip4 source = {}) {
        int error = 0;
        UniqueFd fd = open_tcp4(error);
        REQUIRE(fd);
        CHECK(ports.connect4(fd, source, {.address = loopback, .port = target}) == want);
        return fd;
    }
    int above_low(const UniqueFd &fd) const {
        const Result<Endpoint4> local = local4(fd.get());
        REQUIRE(local);
        return local->port - low;
    }
};

} // namespace

TEST_CASE("reserved_ports: downwards, and round again behind the one given last (D32)") {
    const peers::Server server;
    Ports three(3);
    for (const int want : {2, 1, 0, 2}) {
        UniqueFd fd = three.connect(server.port, Connect::Pending);
        CHECK(three.above_low(fd) == want);
        reset_on_close(fd.get()); /* or the port stays in TIME_WAIT */
    }
}

TEST_CASE("reserved_ports: address and port in one bind (D31)") {
    const peers::Server server;
    Ports two(2);
    const Ip4 source{.value = 0x7f000209};
    const UniqueFd fd = two.connect(server.port, Connect::Pending, source);
    CHECK(local4(fd.get())->address == source);
    CHECK(two.above_low(fd) == 1);
    CHECK(server.await());
}

TEST_CASE("reserved_ports: one port serves several targets, but none of them twice") {
    const peers::Server first;
    const peers::Server second;
    Ports two(2);
    std::vector<UniqueFd> open;
    for (int i = 0; i < 2; ++i)
        for (const peers::Server *server : {&first, &second})
            open.push_back(two.connect(server->port, Connect::Pending));
    (void)two.connect(first.port, Connect::NoPort);
    (void)two.connect(second.port, Connect::NoPort);
    const int freed = two.above_low(open[0]);
    reset_on_close(open[0].get());
    open[0].reset();
    two.clock.advance(ReservedPorts::believed_for);
    const UniqueFd again = two.connect(first.port, Connect::Pending);
    CHECK(two.above_low(again) == freed);
    (void)two.connect(second.port, Connect::NoPort);
}

TEST_CASE("reserved_ports: a search in vain is believed for a moment, for its target alone (D32)") {
    const peers::Server first;
    const peers::Server second;
    Ports one(1);
    UniqueFd open = one.connect(first.port, Connect::Pending);
    (void)one.connect(first.port, Connect::NoPort);
    reset_on_close(open.get());
    open.reset(); /* there is one again, and nobody looks for it yet */
    one.clock.advance(ReservedPorts::believed_for - Millis{1});
    (void)one.connect(first.port, Connect::NoPort);
    CHECK(one.above_low(one.connect(second.port, Connect::Pending)) == 0);
    one.clock.advance(Millis{1});
    CHECK(one.above_low(one.connect(first.port, Connect::Pending)) == 0);
}

TEST_CASE("reserved_ports: of many searches in vain the newest are remembered (D32)") {
    Ports one(1);
    std::deque<peers::Server> servers(10);
    std::vector<UniqueFd> open;
    for (const peers::Server &server : servers) {
        open.push_back(one.connect(server.port, Connect::Pending));
        (void)one.connect(server.port, Connect::NoPort);
    }
    for (const UniqueFd &fd : open)
        reset_on_close(fd.get());
    open.clear();
    CHECK(one.above_low(one.connect(servers.front().port, Connect::Pending)) == 0);
    (void)one.connect(servers.back().port, Connect::NoPort);
}

TEST_CASE("reserved_ports: a port where somebody listens is left out") {
    const peers::Server server;
    Ports three(3);
    const Result<UniqueFd> other =
        listen4({.address = loopback, .port = static_cast<std::uint16_t>(three.low + 2)});
    REQUIRE(other);
    const UniqueFd fd = three.connect(server.port, Connect::Pending, loopback);
    CHECK(three.above_low(fd) == 1);
}

TEST_CASE("reserved_ports: what is no matter of ports is told at once") {
    Ports two(2);
    const Ip4 not_here{.value = 0xc0000201}; /* 192.0.2.1 */
    (void)two.connect(9, Connect::Unreachable, not_here);
    const peers::Server server;
    CHECK(two.above_low(two.connect(server.port, Connect::Pending)) == 0);
}

TEST_CASE("reserved_ports: a listener on the next port where nobody else listens (D58)") {
    Ports three(3);
    std::vector<UniqueFd> listeners;
    for (const int want : {2, 1, 0}) {
        Result<UniqueFd> listener = three.ports.listen4(loopback);
        REQUIRE(listener);
        CHECK(three.above_low(*listener) == want);
        listeners.push_back(*std::move(listener));
    }
    const Result<UniqueFd> none = three.ports.listen4(loopback);
    REQUIRE_FALSE(none);
    CHECK(none.error().text.starts_with("every reserved port: "));
    listeners.pop_back();
    const peers::Server server;
    CHECK(three.above_low(three.connect(server.port, Connect::Pending)) == 0);
    CHECK_FALSE(three.ports.listen4(Ip4{.value = 0xc0000201})); /* 192.0.2.1 */
}

TEST_CASE("reserved_ports: IPv6 from an address of nobody; one port for one client once (L4)") {
    const Result<UniqueFd> first = listen6();
    const Result<UniqueFd> second = listen6();
    REQUIRE(first);
    REQUIRE(second);
    const Ip6 loopback6 = local6(first->get())->address;
    Ports one(1);
    const auto dial = [&](const Result<UniqueFd> &listener) {
        return one.ports.dial6(loopback6, *local6(listener->get()));
    };
    const Dialled a = dial(first);
    const Dialled b = dial(second);
    CHECK(a.outcome == Connect::Pending);
    CHECK(b.outcome == Connect::Pending);
    CHECK(local6(a.fd.get())->port == one.low);
    CHECK(local6(b.fd.get())->port == one.low);
    CHECK(dial(first).outcome == Connect::NoPort);
    const Ip6 nobody = *parse_ip6("2001:db8::1");
    CHECK(local6(one.ports.dial6(nobody, *local6(first->get())).fd.get())->address == nobody);
}

TEST_CASE("reserved_ports: without CAP_NET_BIND_SERVICE that is told at the first try") {
    const peers::Unprivileged unprivileged;
    const FakeClock clock;
    ReservedPorts ports(clock);
    int error = 0;
    UniqueFd fd = open_tcp4(error);
    const int before = fd.get();
    CHECK(ports.connect4(fd, {}, {.address = loopback, .port = 9}) == Connect::NotAllowed);
    CHECK(fd.get() == before);
}
