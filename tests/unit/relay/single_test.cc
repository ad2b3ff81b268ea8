/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/single.h"

#include "rig.h"

#include <catch2/catch.hpp>

#include <thread>

using namespace rig;
using peers::Seen;

namespace {

/* One connection, relayed in a thread, because the call returns with its end. */
class One {
public:
    explicit One(PolicyRef policy, Options options = {})
        : client(peers::connect6(peers::port_of(listener_.get()))) {
        peers::came(listener_.get());
        sys::UniqueFd accepted = sys::accept6(listener_.get()).fd;
        REQUIRE(accepted);
        thread_ = std::thread([this, policy, options, fd = std::move(accepted)]() mutable {
            totals_ = relay_one(options, policy, std::move(fd));
        });
    }
    ~One() {
        if (thread_.joinable())
            thread_.join();
    }
    Totals end() {
        thread_.join();
        REQUIRE(totals_);
        REQUIRE(*totals_);
        return **totals_;
    }

private:
    peers::NoSigpipe no_sigpipe_;
    sys::UniqueFd listener_ = *sys::listen6();
    std::optional<Result<Totals>> totals_;
    std::thread thread_;

public:
    sys::UniqueFd client;
};

Seen end_of(int fd, std::string &heard) {
    Seen seen = Seen::More;
    peers::until([] { std::this_thread::yield(); },
                 [&] { return (seen = peers::pull(fd, heard)) != Seen::More; });
    return seen;
}

} // namespace

TEST_CASE("single: one connection is carried to both its ends, and the call returns (D60)") {
    const peers::Server server;
    One one(policy_of([&](const Request &) { return Decision(dial_to(server.port)); }));
    sys::UniqueFd far;
    peers::until([] { std::this_thread::yield(); },
                 [&] { return static_cast<bool>(far = server.accept()); });
    REQUIRE(::send(one.client.get(), "question", 8, MSG_NOSIGNAL) == 8);
    REQUIRE(::shutdown(one.client.get(), SHUT_WR) == 0);
    std::string heard;
    CHECK(end_of(far.get(), heard) == Seen::End);
    CHECK(heard == "question");
    REQUIRE(::send(far.get(), "answer", 6, MSG_NOSIGNAL) == 6);
    far.reset();
    heard.clear();
    CHECK(end_of(one.client.get(), heard) == Seen::End);
    CHECK(heard == "answer");
    const Totals totals = one.end();
    CHECK(totals.sessions_total == 1);
    CHECK(totals.sessions_active == 0);
    CHECK(totals.bytes_to_server == 8);
    CHECK(totals.bytes_to_client == 6);
}

TEST_CASE("single: a connection that is refused is reset, and the call returns with the reason") {
    One one(policy_of(
        [](const Request &) { return Decision(Refuse{.reason = FGW_ACL_DENY, .target = {}}); }));
    std::string heard;
    CHECK(end_of(one.client.get(), heard) == Seen::Reset);
    const Totals totals = one.end();
    CHECK(totals.sessions_total == 0);
    CHECK(totals.reasons[FGW_ACL_DENY] == 1);
}

TEST_CASE("single: a server that refuses ends it at once") {
    std::uint16_t nobody = 0;
    {
        const peers::Server gone;
        nobody = gone.port;
    }
    One one(policy_of([&](const Request &) { return Decision(dial_to(nobody)); }));
    std::string heard;
    CHECK(end_of(one.client.get(), heard) == Seen::Reset);
    CHECK(one.end().reasons[FGW_CONNECT_REFUSED] == 1);
}

TEST_CASE("single: an idle connection ends in its time, and with it the call (D43)") {
    const peers::Server server;
    Dial dial = dial_to(server.port);
    dial.idle_timeout = Millis{50};
    One one(policy_of([&](const Request &) { return Decision(dial); }));
    std::string heard;
    CHECK(end_of(one.client.get(), heard) == Seen::Reset);
    CHECK(one.end().reasons[FGW_IDLE_TIMEOUT] == 1);
}
