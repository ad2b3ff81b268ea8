/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* With real threads and a real clock; what a session does is tested in session_test.cc. */
#include "relay/relay.h"

#include "rig.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

using namespace rig;
using peers::Seen;

namespace {

std::unique_ptr<Relay> make_relay(const Options &options, PolicyRef policy) {
    Result<std::unique_ptr<Relay>> relay = Relay::create(options, std::move(policy));
    REQUIRE(relay);
    return std::move(*relay);
}

PolicyRef to(std::uint16_t port) {
    return policy_of([dial = dial_to(port)](const Request &) { return Decision(dial); });
}

/* A client by way of a given worker. */
peers::UniqueFd client_of(const Relay &relay, std::size_t worker) {
    return peers::connect6(peers::port_of(relay.listeners().at(worker)));
}

peers::UniqueFd accepted_by(const peers::Server &server) {
    peers::UniqueFd fd;
    peers::until([] { std::this_thread::yield(); },
                 [&] { return static_cast<bool>(fd = server.accept()); });
    return fd;
}

struct Line {
    peers::UniqueFd client;
    peers::UniqueFd server;
    std::string_view up;
    std::string_view down;
    std::string at_server;
    std::string at_client;
};

std::string field(const std::filesystem::path &file, const std::string &name) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);)
        if (line.rfind(name, 0) == 0)
            return line.substr(name.size());
    return "";
}

} // namespace

TEST_CASE("relay: workers may share one listener; when they stop accepting sessions go on (D14)") {
    const peers::Server server;
    Result<sys::UniqueFd> listener = sys::listen6();
    REQUIRE(listener);
    const std::uint16_t port = peers::port_of(listener->get());
    Options options{.workers = 2};
    options.listener = listener->get();
    const std::unique_ptr<Relay> relay = make_relay(options, to(server.port));
    listener->reset();
    REQUIRE(relay->start());
    const peers::UniqueFd client = peers::connect6(port);
    const peers::UniqueFd at_server = accepted_by(server);

    relay->stop_accepting();
    for (const int closed : relay->listeners())
        CHECK(closed == -1);
    const sys::Dialled late = sys::dial6({}, {.address = *parse_ip6("::1"), .port = port});
    std::string nothing;
    peers::until([] { std::this_thread::yield(); },
                 [&] {
                     return late.outcome == sys::Connect::Refused ||
                            peers::pull(late.fd.get(), nothing, 1) == Seen::Reset;
                 });
    const std::string up = peers::pattern(1000, 3);
    std::string_view left = up;
    std::string got;
    peers::until(
        [&] {
            REQUIRE(peers::push(client.get(), left));
            REQUIRE(peers::pull(at_server.get(), got, 2000) == Seen::More);
        },
        [&] { return got.size() == up.size(); });
    CHECK(got == up);
    CHECK(relay->totals().sessions_active == 1);
}

TEST_CASE("relay: two workers, sixteen sessions, bulk both ways at once, every byte") {
    const peers::Server server;
    const std::unique_ptr<Relay> relay = make_relay(
        Options{.workers = 2, .pipe_bytes = 1 << 18, .max_pipes_per_worker = 4}, to(server.port));
    CHECK(relay->listeners().size() == 2);
    REQUIRE(relay->start());
    const std::string up = peers::pattern(3000000, 1);
    const std::string down = peers::pattern(3000000, 2);
    std::vector<Line> lines(16);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        lines[i].client = client_of(*relay, i % 2);
        lines[i].server = accepted_by(server);
        lines[i].up = up;
        lines[i].down = down;
    }
    std::size_t done = 0;
    peers::until(
        [&] {
            done = 0;
            for (Line &line : lines) {
                REQUIRE(peers::push(line.client.get(), line.up));
                REQUIRE(peers::push(line.server.get(), line.down));
                REQUIRE(peers::pull(line.server.get(), line.at_server, 200000) == Seen::More);
                REQUIRE(peers::pull(line.client.get(), line.at_client, 200000) == Seen::More);
                done += line.at_client.size() + line.at_server.size();
            }
        },
        [&] { return done == lines.size() * (up.size() + down.size()); });
    for (const Line &line : lines) {
        CHECK(line.at_server == up);
        CHECK(line.at_client == down);
    }
    /* This asks each worker; the totals do not wait until what was sent is counted, too. */
    CHECK(relay->sessions().size() == 16);
    const Totals totals = relay->totals();
    CHECK(totals.workers == 2);
    CHECK(totals.sessions_active == 16);
    CHECK(totals.sessions_total == 16);
    CHECK(totals.bytes_to_server == 16 * up.size());
    CHECK(totals.bytes_to_client == 16 * down.size());
    CHECK(totals.bytes_spliced > 0);
    CHECK(totals.reasons[FGW_ACL_PERMIT] == 16);
    CHECK(totals.reasons[FGW_CONNECTED] == 16);
    CHECK(relay->notes().empty());

    relay->stop();
    for (const Line &line : lines) {
        CHECK(peers::pull(line.client.get()) == Seen::Reset);
        CHECK(peers::pull(line.server.get()) == Seen::Reset);
    }
    CHECK(relay->totals().sessions_active == 0);
    CHECK(relay->sessions().empty());
    relay->stop();
}

TEST_CASE("relay: nothing is accepted before start, and everything that waited after it") {
    const peers::Server server;
    const std::unique_ptr<Relay> relay = make_relay(Options{}, to(server.port));
    const peers::UniqueFd client = client_of(*relay, 0);
    CHECK(relay->sessions().empty());
    CHECK(relay->totals().sessions_total == 0);
    REQUIRE(relay->start());
    CHECK(accepted_by(server));
}

TEST_CASE("relay: once set_policy has returned, the old one judges no new connection") {
    const peers::Server server;
    const std::unique_ptr<Relay> relay = make_relay(Options{.workers = 2}, to(server.port));
    REQUIRE(relay->start());
    const PolicyRef refusing =
        policy_of([](const Request &) { return Decision(Refuse{FGW_ACL_DENY, {}, no_rule}); });
    for (int round = 0; round < 50; ++round) {
        relay->set_policy(refusing);
        const peers::UniqueFd refused = client_of(*relay, static_cast<std::size_t>(round % 2));
        Seen seen = Seen::More;
        peers::until([&] { seen = peers::pull(refused.get()); },
                     [&] { return seen != Seen::More; });
        REQUIRE(seen == Seen::Reset);
        relay->set_policy(to(server.port));
        const peers::UniqueFd served = client_of(*relay, static_cast<std::size_t>(round % 2));
        REQUIRE(accepted_by(server));
    }
    CHECK(relay->totals().reasons[FGW_ACL_DENY] == 50);
    CHECK(relay->totals().reasons[FGW_ACL_PERMIT] == 50);
}

TEST_CASE("relay: workers have names and see no signal") {
    const peers::Server server;
    const std::unique_ptr<Relay> relay = make_relay(Options{.workers = 2}, to(server.port));
    REQUIRE(relay->start());
    (void)relay->sessions(); /* both have run, so both have their names */
    std::vector<std::string> names;
    for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
        const std::string name = field(task.path() / "comm", "");
        if (name.rfind("fgw-worker-", 0) != 0)
            continue;
        names.push_back(name);
        const std::string mask = field(task.path() / "status", "SigBlk:\t");
        /* SIGHUP, SIGINT, SIGPIPE, SIGTERM: bits 0, 1, 12, 14 */
        CHECK((std::stoull(mask, nullptr, 16) & 0x5003) == 0x5003);
    }
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"fgw-worker-0", "fgw-worker-1"});
}

TEST_CASE("relay: pipes smaller than asked for are told") {
    const peers::Server server;
    /* More than any kernel gives. */
    const std::unique_ptr<Relay> relay =
        make_relay(Options{.workers = 1, .pipe_bytes = 0xf0000000, .max_pipes_per_worker = 1},
                   to(server.port));
    REQUIRE(relay->start());
    CHECK(relay->notes().empty());
    const peers::UniqueFd client = client_of(*relay, 0);
    const peers::UniqueFd end = accepted_by(server);
    const std::string text = peers::pattern(4000000);
    std::string_view rest = text;
    std::string arrived;
    peers::until(
        [&] {
            REQUIRE(peers::push(client.get(), rest));
            REQUIRE(peers::pull(end.get(), arrived) == Seen::More);
        },
        [&] { return arrived.size() == text.size(); });
    CHECK(arrived == text);
    CHECK_THAT(relay->notes(), Catch::Contains("fs.pipe-max-size"));
}

TEST_CASE("relay: no worker is an error; never started, it ends quietly") {
    const peers::Server server;
    CHECK_FALSE(Relay::create(Options{.workers = 0}, to(server.port)));
    const std::unique_ptr<Relay> relay = make_relay(Options{.workers = 3}, to(server.port));
    CHECK(relay->totals().workers == 3);
}
