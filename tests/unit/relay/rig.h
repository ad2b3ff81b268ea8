/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A worker run by the test's own thread, turn by turn, between a client on [::1] and a
 * server on 127.0.0.1, with a clock that stands still unless told.
 */
#pragma once

#include "peers.h"
#include "relay/worker.h"

#include <functional>
#include <memory>
#include <utility>

namespace rig {

using namespace faith;
using namespace faith::relay;
using sys::Millis;

inline Dial dial_to(std::uint16_t port) {
    return Dial{.target = Ip4{.value = 0x7f000001},
                .port = port,
                .source = std::nullopt,
                .rule = 7,
                .idle_timeout = Millis{60000},
                .connect_timeout = Millis{5000}};
}

inline PolicyRef policy_of(std::function<Decision(const Request &)> judge) {
    Policy policy;
    policy.judge = std::move(judge);
    return std::make_shared<const Policy>(std::move(policy));
}

struct Rig {
    peers::NoSigpipe no_sigpipe;
    sys::FakeClock clock;
    peers::Server server;
    Dial dial = dial_to(server.port); /* what the first policy answers; may be changed */
    PolicyBox policies{policy_of([this](const Request &) { return Decision(dial); })};
    Admission admission;
    Expectations expectations{clock};
    std::unique_ptr<Worker> worker;

    explicit Rig(Options options = {}, sys::UniqueFd listener = {}) {
        if (!listener) {
            Result<sys::UniqueFd> made = sys::listen6();
            REQUIRE(made);
            listener = std::move(*made);
        }
        Result<std::unique_ptr<Worker>> created =
            Worker::create(options,
                           Worker::Shared{.clock = clock,
                                          .policies = policies,
                                          .admission = admission,
                                          .expectations = expectations},
                           std::move(listener));
        REQUIRE(created);
        worker = std::move(*created);
        REQUIRE(worker->start_accepting());
    }

    std::uint16_t port() const { return peers::port_of(worker->listener()); }
    void turn() { REQUIRE(worker->loop().turn(Millis{1})); }
    /* All that can happen without new events from outside. */
    void settle() {
        for (int i = 0; i < 20; ++i)
            REQUIRE(worker->loop().turn(Millis{0}));
    }
    template <class Done>
    void until(Done done) {
        peers::until([this] { turn(); }, done);
    }
    void pass(Millis time) {
        clock.advance(time);
        settle();
    }
    std::uint64_t count(fgw_reason reason) const { return worker->stats().reasons[reason].get(); }
    std::uint64_t live() const {
        return worker->stats().sessions_opened.get() - worker->stats().sessions_closed.get();
    }

    /* A session that has got as far as both ends being connected. */
    struct Ends {
        sys::UniqueFd client;
        sys::UniqueFd server;
    };
    Ends connect() {
        Ends ends;
        const std::uint64_t before = count(FGW_CONNECTED);
        ends.client = peers::connect6(port());
        until([&] { return count(FGW_CONNECTED) == before + 1; });
        ends.server = server.await();
        REQUIRE(ends.server);
        return ends;
    }

    /* Carries all of the text from one end to the other; how it ended there. */
    std::string carry(int from, int to, std::string_view text) {
        std::string arrived;
        const std::size_t want = text.size();
        until([&] {
            REQUIRE(peers::push(from, text));
            REQUIRE(peers::pull(to, arrived) == peers::Seen::More);
            return arrived.size() >= want;
        });
        return arrived;
    }
    peers::Seen end_seen(int fd) {
        peers::Seen seen = peers::Seen::More;
        until([&] { return (seen = peers::pull(fd)) != peers::Seen::More; });
        return seen;
    }
};

} // namespace rig
