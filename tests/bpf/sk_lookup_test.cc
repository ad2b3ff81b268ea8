/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom a connection to a prefix meets. The socket that the program chose is known by its
 * cookie; the slot that it should choose is worked out by the same mix on the host.
 */
#include "fresh_netns.h"
#include "loaded.h"
#include "lookup.h"

#include "datapath/link.h"
#include "tests/support/prog_run.h"
#include "tests/support/wait.h"

#include <set>

using namespace faith;
using namespace faith::test;

namespace {

/* The program with a prefix, a hole in it, and listeners in some slots. */
class Lookup {
public:
    Lookup() {
        loaded.capture("2001:db8:f::/96");
        loaded.exempt("2001:db8:f::c000:2f0/124");
    }

    void listen(std::uint32_t count) {
        listeners.resize(count);
        for (std::uint32_t slot = 0; slot < count; ++slot)
            put(slot, listeners[slot]);
        loaded.configure(config(count));
    }
    void put(std::uint32_t slot, const Listener &listener) {
        const std::uint64_t fd = static_cast<std::uint64_t>(listener.fd.get());
        const Status done = loaded.maps().socks.put(slot, fd);
        INFO((done ? "" : done.error().text));
        REQUIRE(done);
    }
    /* A program captures the port that its listener is meant for. */
    void capture(std::uint32_t port, const Listener &listener) {
        const std::uint64_t fd = static_cast<std::uint64_t>(listener.fd.get());
        REQUIRE(loaded.maps().service_socks.put(port, fd));
        fgw_service service{};
        service.cookie = listener.cookie;
        REQUIRE(loaded.maps().services.put(port, service));
    }
    void empty(std::uint32_t slot) { REQUIRE(loaded.maps().socks.erase(slot)); }
    void only_ports(std::initializer_list<std::uint16_t> ports) {
        for (const std::uint16_t port : ports) {
            const std::uint32_t index = port / 64u;
            fgw_port_word word = **loaded.maps().ports.find(index);
            word.bits |= 1ull << port % 64;
            REQUIRE(loaded.maps().ports.put(index, word));
        }
        fgw_config narrow = config(static_cast<std::uint32_t>(listeners.size()));
        narrow.all_ports = 0;
        loaded.configure(narrow);
    }
    static fgw_config config(std::uint32_t count) { return Loaded::config(count); }

    /* "pass SLOT REASON", "pass REASON" or "drop REASON", as far as there is one. */
    std::string outcome(const Connection &connection) {
        const Loaded::Counts before = loaded.counts();
        const Result<LookupRun> run =
            run_on_lookup(loaded.object().sk_lookup_program(), connection.context());
        if (!run)
            return run.error().text;
        std::string text = run->verdict == SK_PASS ? "pass" : "drop";
        if (run->cookie != 0)
            text += " " + slot_of(run->cookie);
        const std::string counted = moved(before, loaded.counts());
        return counted.empty() ? text : text + " " + counted;
    }

    Loaded loaded{{FGW_PROG_SK_LOOKUP}};
    std::vector<Listener> listeners;

private:
    std::string slot_of(std::uint64_t cookie) const {
        for (std::size_t slot = 0; slot < listeners.size(); ++slot)
            if (listeners[slot].cookie == cookie)
                return std::to_string(slot);
        return "a stranger";
    }
};

std::string steered(std::uint32_t slot) { return "pass " + std::to_string(slot) + " STEERED +1"; }

} // namespace

TEST_CASE("sk_lookup: a connection to a prefix goes to the listener of its slot") {
    Lookup lookup;
    lookup.listen(4);
    std::set<std::uint32_t> used;
    for (std::uint16_t port = 40000; port < 40200; ++port) {
        const Connection connection{.from_port = port};
        used.insert(connection.slot(4));
        CHECK(lookup.outcome(connection) == steered(connection.slot(4)));
        CHECK(lookup.outcome(connection) == steered(connection.slot(4)));
    }
    CHECK(used.size() == 4);
}

TEST_CASE("sk_lookup: only the slots that the configuration names are used") {
    Lookup lookup;
    lookup.listen(4);
    lookup.loaded.configure(Lookup::config(1));
    for (std::uint16_t port = 40000; port < 40050; ++port)
        CHECK(lookup.outcome({.from_port = port}) == steered(0));
}

TEST_CASE("sk_lookup: an empty slot's connections go to the next one, the others stay") {
    Lookup lookup;
    lookup.listen(4);
    lookup.empty(1);
    lookup.empty(3);
    constexpr std::uint32_t instead[] = {0, 2, 2, 0};
    for (std::uint16_t port = 40000; port < 40200; ++port) {
        const Connection connection{.from_port = port};
        CHECK(lookup.outcome(connection) == steered(instead[connection.slot(4)]));
    }
}

TEST_CASE("sk_lookup: one listener in the last of all slots gets every connection") {
    Lookup lookup;
    lookup.listen(1);
    lookup.empty(0);
    lookup.put(FGW_MAX_LISTENERS - 1, lookup.listeners[0]);
    lookup.loaded.configure(Lookup::config(FGW_MAX_LISTENERS));
    std::set<std::uint32_t> first;
    for (std::uint16_t port = 40000; port < 41000; ++port) {
        const Connection connection{.from_port = port};
        first.insert(connection.slot(FGW_MAX_LISTENERS));
        CHECK(lookup.outcome(connection) == steered(0));
    }
    CHECK(first.size() == FGW_MAX_LISTENERS); /* searched from everywhere */
}

TEST_CASE("sk_lookup: without a listener the connection is reset, not left to others (F11, F14)") {
    Lookup lookup;
    CHECK(lookup.outcome({}) == "drop NO_LISTENER +1");
    lookup.loaded.configure(Lookup::config(4));
    CHECK(lookup.outcome({}) == "drop NO_LISTENER +1");
    lookup.listen(2);
    lookup.empty(0);
    lookup.empty(1);
    CHECK(lookup.outcome({}) == "drop NO_LISTENER +1");
}

TEST_CASE("sk_lookup: a listener that closes leaves its slot by itself") {
    Lookup lookup;
    lookup.listen(2);
    lookup.listeners[0].fd.reset();
    for (std::uint16_t port = 40000; port < 40050; ++port)
        CHECK(lookup.outcome({.from_port = port}) == steered(1));
    lookup.listeners[1].fd.reset();
    CHECK(lookup.outcome({}) == "drop NO_LISTENER +1");
}

TEST_CASE("sk_lookup: with a list of ports, others are reset") {
    Lookup lookup;
    lookup.listen(1);
    lookup.only_ports({1, 63, 64, 80, 65535});
    const std::vector<std::uint16_t> captured = {1, 63, 64, 80, 65535};
    /* 20480 is 80 in the other byte order. */
    const std::vector<std::uint16_t> others = {0, 2, 62, 65, 79, 81, 20480, 65534};
    for (const std::uint16_t port : captured) {
        INFO("port " << port);
        CHECK(lookup.outcome({.to_port = port}) == steered(0));
    }
    for (const std::uint16_t port : others) {
        INFO("port " << port);
        CHECK(lookup.outcome({.to_port = port}) == "drop PORT_NOT_CAPTURED +1");
    }
}

TEST_CASE("sk_lookup: a port that one client was told is captured for it, until the time is over") {
    Lookup lookup;
    lookup.listen(1);
    lookup.only_ports({21});
    const Connection data{.to_port = 50123};
    fgw_expected_key key{};
    std::copy(data.from.bytes.begin(), data.from.bytes.end(), key.client);
    std::copy(data.to.bytes.begin(), data.to.bytes.end(), key.destination);
    key.port = data.to_port;
    CHECK(lookup.outcome(data) == "drop PORT_NOT_CAPTURED +1");
    REQUIRE(lookup.loaded.maps().expected.put(key, {.until_ns = UINT64_MAX}));
    CHECK(lookup.outcome(data) == steered(0));
    const std::string refused = "drop PORT_NOT_CAPTURED +1";
    CHECK(lookup.outcome({.to_port = 50124}) == refused);
    CHECK(lookup.outcome({.from = address6("2001:db8:1::3"), .to_port = 50123}) == refused);
    CHECK(lookup.outcome({.to = address6("2001:db8:f::c000:202"), .to_port = 50123}) == refused);
    REQUIRE(lookup.loaded.maps().expected.put(key, {.until_ns = 1}));
    CHECK(lookup.outcome(data) == refused);
}

TEST_CASE("sk_lookup: a captured port is its program's, every other one the relay's (F11)") {
    Lookup lookup;
    lookup.listen(2);
    Listener program;
    lookup.capture(80, program);
    const std::string given = "pass a stranger SERVICE_STEERED +1"; /* no slot of the relay's */
    for (std::uint16_t port = 40000; port < 40050; ++port)
        CHECK(lookup.outcome({.from_port = port, .to_port = 80}) == given);
    const Connection other{.to_port = 81};
    CHECK(lookup.outcome(other) == steered(other.slot(2)));
    const Connection swapped{.to_port = 20480}; /* 80 in the other byte order */
    CHECK(lookup.outcome(swapped) == steered(swapped.slot(2)));
    CHECK(lookup.outcome({.to = address6("2001:db8:e::1"), .to_port = 80}) == "pass");
}

TEST_CASE("sk_lookup: a captured port whose program is gone is reset, never the relay's (F14)") {
    Lookup lookup;
    lookup.listen(2);
    Listener program;
    lookup.capture(80, program);
    program.fd.reset();
    CHECK(lookup.outcome({.to_port = 80}) == "drop SERVICE_GONE +1");
    Listener next;
    lookup.capture(80, next);
    CHECK(lookup.outcome({.to_port = 80}) == "pass a stranger SERVICE_STEERED +1");
    REQUIRE(lookup.loaded.maps().services.erase(80));
    CHECK(lookup.outcome({.to_port = 80}) == steered(Connection{.to_port = 80}.slot(2)));
}

TEST_CASE("sk_lookup: a captured port needs no relay, no list of ports, but the rules") {
    Lookup lookup;
    lookup.listen(1);
    lookup.only_ports({21});
    Listener program;
    lookup.capture(80, program);
    CHECK(lookup.outcome({.to_port = 80}) == "pass a stranger SERVICE_STEERED +1");
    lookup.empty(0);
    CHECK(lookup.outcome({.to_port = 80}) == "pass a stranger SERVICE_STEERED +1");
    lookup.loaded.rules("2001:db8:1::/48 deny 192.0.2.1");
    CHECK(lookup.outcome({.to_port = 80}) == "drop ACL_DENY +1");
    lookup.loaded.keepfaith(false);
    CHECK(lookup.outcome({.to_port = 80}) == "drop LOOKUP_OFF +1");
}

TEST_CASE("sk_lookup: a data port that FTP told one client goes to the service that told it") {
    Lookup lookup;
    lookup.listen(1);
    Listener program;
    lookup.capture(21, program);
    const Connection data{.to_port = 50123};
    fgw_expected_key key{};
    std::copy(data.from.bytes.begin(), data.from.bytes.end(), key.client);
    std::copy(data.to.bytes.begin(), data.to.bytes.end(), key.destination);
    key.port = data.to_port;
    CHECK(lookup.outcome(data) == steered(0));
    REQUIRE(lookup.loaded.maps().service_data.put(
        key, {.until_ns = UINT64_MAX, .service = 21, .pad = 0}));
    CHECK(lookup.outcome(data) == "pass a stranger SERVICE_STEERED +1");
    CHECK(lookup.outcome({.from = address6("2001:db8:1::3"), .to_port = 50123}) == steered(0));
    REQUIRE(lookup.loaded.maps().service_data.put(key, {.until_ns = 1, .service = 21, .pad = 0}));
    CHECK(lookup.outcome(data) == steered(0));
    REQUIRE(lookup.loaded.maps().service_data.put(
        key, {.until_ns = UINT64_MAX, .service = 21, .pad = 0}));
    program.fd.reset();
    CHECK(lookup.outcome(data) == "drop SERVICE_GONE +1");
}

TEST_CASE("sk_lookup: with keepfaith off the prefix is closed (F9)") {
    Lookup lookup;
    lookup.listen(1);
    lookup.loaded.keepfaith(false);
    CHECK(lookup.outcome({}) == "drop LOOKUP_OFF +1");
}

TEST_CASE("sk_lookup: no UDP socket is found for a prefix (F15)") {
    Lookup lookup;
    lookup.listen(1);
    CHECK(lookup.outcome({.protocol = IPPROTO_UDP}) == "drop LOOKUP_NOT_TCP +1");
}

TEST_CASE("sk_lookup: what is not to a prefix is not ours: passed, nothing chosen or counted") {
    Lookup lookup;
    lookup.listen(1);
    for (const std::uint32_t protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
        CHECK(lookup.outcome({.to = address6("2001:db8:e::1"), .protocol = protocol}) == "pass");
        CHECK(lookup.outcome({.to = address6("2001:db8:f::c000:2ff"), .protocol = protocol}) ==
              "pass");
        CHECK(lookup.outcome({.to = address6("::1"), .protocol = protocol}) == "pass");
    }
}

TEST_CASE("sk_lookup: IPv4 is not ours, not even with a prefix around everything") {
    Lookup lookup;
    lookup.listen(1);
    lookup.loaded.capture("::/0");
    lookup.loaded.exempt("2001:db8:1::/64"); /* where clients are */
    CHECK(lookup.outcome({}) == steered(0));
    CHECK(lookup.outcome({.family = AF_INET}) == "pass");
}

TEST_CASE("sk_lookup: ours is chosen although another program chose before us (F11)") {
    const FreshNetns netns;
    netns.run("ip -6 route add local 2001:db8:f::/96 dev lo");
    Lookup stranger;
    Lookup ours;
    stranger.listen(1);
    ours.listen(1);
    const Result<sys::UniqueFd> first =
        datapath::attach_sk_lookup(stranger.loaded.object().sk_lookup_program());
    const Result<sys::UniqueFd> second =
        datapath::attach_sk_lookup(ours.loaded.object().sk_lookup_program());
    REQUIRE(first);
    REQUIRE(second);

    const sys::UniqueFd client(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = htons(80);
    std::memcpy(&name.sin6_addr, address6("2001:db8:f::c000:201").bytes.data(), 16);
    REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr *>(&name), sizeof name) == 0);

    came(ours.listeners[0].fd.get());
    const sys::UniqueFd accepted(
        ::accept4(ours.listeners[0].fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(accepted);
    sockaddr_in6 asked{};
    socklen_t size = sizeof asked;
    REQUIRE(::getsockname(accepted.get(), reinterpret_cast<sockaddr *>(&asked), &size) == 0);
    CHECK(std::memcmp(&asked.sin6_addr, &name.sin6_addr, 16) == 0);
    CHECK(asked.sin6_port == name.sin6_port);
}
