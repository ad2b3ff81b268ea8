/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/worker.h"

#include "rig.h"

#include <catch2/catch.hpp>

#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

using namespace rig;
using peers::Seen;

/* Counts what the whole test program allocates, for the one test that asks. Sanitizers
 * bring an allocator of their own; under them nothing is counted. */
namespace {
std::atomic<std::uint64_t> allocations{0};
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *operator new(std::size_t bytes) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void *memory = std::malloc(bytes == 0 ? 1 : bytes))
        return memory;
    throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace {

/* A session from SYN to both FINs, with a question and an answer. */
void short_session(Rig &rig) {
    const Rig::Ends ends = rig.connect();
    std::array<char, 8> buffer{};
    REQUIRE(::send(ends.client.get(), "question", 8, MSG_NOSIGNAL) == 8);
    rig.until([&] { return ::recv(ends.server.get(), buffer.data(), 8, 0) == 8; });
    REQUIRE(::send(ends.server.get(), "answer", 6, MSG_NOSIGNAL) == 6);
    REQUIRE(::shutdown(ends.server.get(), SHUT_WR) == 0);
    rig.until([&] { return ::recv(ends.client.get(), buffer.data(), 8, 0) == 6; });
    REQUIRE(::shutdown(ends.client.get(), SHUT_WR) == 0);
    rig.until([&] { return rig.live() == 0; });
}

/* So many have connected and are not accepted: what TCP_INFO says of a listener. */
bool wait_at(int listener, std::uint32_t count) {
    tcp_info info{};
    socklen_t length = sizeof info;
    REQUIRE(::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &length) == 0);
    return info.tcpi_unacked == count;
}

} // namespace

TEST_CASE("worker: many wait at the door, all are let in") {
    Rig rig;
    std::vector<peers::UniqueFd> clients;
    for (int i = 0; i < 200; ++i)
        clients.push_back(peers::connect6(rig.port()));
    peers::until([] {}, [&] { return wait_at(rig.worker->listener(), 200); });
    for (int i = 0; i < 10; ++i) /* 1 + 2 + 4 + ... + 64 + 64, and two to spare */
        rig.turn();
    CHECK(rig.worker->stats().sessions_opened.get() == 200);
    std::vector<peers::UniqueFd> servers;
    rig.until([&] {
        while (peers::UniqueFd fd = rig.server.accept())
            servers.push_back(std::move(fd));
        return servers.size() == 200;
    });
    CHECK(rig.live() == 200);
    CHECK(rig.worker->sessions().size() == 200);
    rig.worker->end_sessions();
    CHECK(rig.live() == 0);
    for (const peers::UniqueFd &client : clients)
        CHECK(rig.end_seen(client.get()) == Seen::Reset);
    for (const peers::UniqueFd &server : servers)
        CHECK(rig.end_seen(server.get()) == Seen::Reset);
    CHECK(rig.admission.sessions() == 0);
}

TEST_CASE("worker: the judge is asked about client, destination and port, and can refuse") {
    Rig rig;
    std::vector<Request> asked;
    rig.policies.set(policy_of([&](const Request &request) {
        asked.push_back(request);
        return Decision(Refuse{.reason = FGW_ACL_DENY, .target = {}, .rule = 3});
    }));
    const peers::UniqueFd client = peers::connect6(rig.port());
    CHECK(rig.end_seen(client.get()) == Seen::Reset);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].client.is_loopback());
    CHECK(asked[0].destination.is_loopback());
    CHECK(asked[0].port == rig.port());
    CHECK(rig.count(FGW_ACL_DENY) == 1);
    CHECK(rig.count(FGW_ACL_PERMIT) == 0);
    CHECK(rig.worker->stats().sessions_opened.get() == 0);
    CHECK_FALSE(rig.server.accept());
}

TEST_CASE("worker: a client with an IPv4-mapped address is refused unasked (D12)") {
    peers::UniqueFd dual(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    peers::set_option(dual.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    REQUIRE(::bind(dual.get(), reinterpret_cast<sockaddr *>(&any), sizeof any) == 0);
    REQUIRE(::listen(dual.get(), 16) == 0);
    Rig rig({}, std::move(dual));
    bool asked = false;
    rig.policies.set(policy_of([&](const Request &) {
        asked = true;
        return Decision(rig.dial);
    }));
    const peers::UniqueFd client = peers::connect4(rig.port());
    CHECK(rig.end_seen(client.get()) == Seen::Reset);
    CHECK(rig.count(FGW_CLIENT_NOT_IP6) == 1);
    CHECK_FALSE(asked);
}

TEST_CASE("worker: a client whose server cannot be dialled from a reserved port is reset; one line "
          "in ten seconds says so (D32)") {
    std::string said;
    Options options;
    options.complain = [&](std::string_view text) { said += std::string(text) + "\n"; };
    Rig rig(options);
    rig.dial.reserved_port = true;
    const peers::Unprivileged unprivileged;
    const auto refused = [&] {
        const peers::UniqueFd client = peers::connect6(rig.port());
        CHECK(rig.end_seen(client.get()) == Seen::Reset);
    };
    refused();
    refused();
    const std::string line = "no permission for a reserved source port (CAP_NET_BIND_SERVICE): ::1 "
                             "cannot be connected to 127.0.0.1:" +
                             std::to_string(rig.dial.port) + "\n";
    CHECK(said == line);
    CHECK(rig.count(FGW_NO_RESERVED_PORT) == 2);
    rig.pass(Millis{9'999});
    refused();
    CHECK(said == line);
    rig.pass(Millis{1});
    refused();
    CHECK(said == line + line);
    CHECK(rig.live() == 0);
    CHECK_FALSE(rig.server.accept());

    rig.dial.reserved_port = false;
    Rig::Ends ends = rig.connect();
    CHECK(rig.carry(ends.client.get(), ends.server.get(), "as ever") == "as ever");
}

TEST_CASE("worker: a new policy is for new connections") {
    Rig rig;
    Rig::Ends old = rig.connect();
    rig.policies.set(
        policy_of([](const Request &) { return Decision(Refuse{FGW_ACL_NO_MATCH, {}, no_rule}); }));
    const peers::UniqueFd client = peers::connect6(rig.port());
    CHECK(rig.end_seen(client.get()) == Seen::Reset);
    CHECK(rig.count(FGW_ACL_NO_MATCH) == 1);
    CHECK(rig.carry(old.client.get(), old.server.get(), "still here") == "still here");
}

TEST_CASE("worker: revoke() resets the sessions that the newest policy refuses, and counts them") {
    Rig rig;
    Rig::Ends kept = rig.connect();
    std::vector<Rig::Ends> others;
    for (int i = 0; i < 3; ++i)
        others.push_back(rig.connect());
    CHECK(rig.worker->revoke() == 0);

    /* A session is known to the judge by what it was asked when the session began. */
    std::vector<Request> asked;
    rig.policies.set(policy_of([&](const Request &request) -> Decision {
        asked.push_back(request);
        if (asked.size() == 1)
            return rig.dial;
        return Refuse{FGW_ACL_DENY, {}, no_rule};
    }));
    CHECK(rig.worker->revoke() == 3);
    REQUIRE(asked.size() == 4);
    for (const Request &request : asked) {
        CHECK(request.client.is_loopback());
        CHECK(request.destination.is_loopback());
        CHECK(request.port == rig.server.port);
    }
    for (Rig::Ends &each : others) {
        CHECK(rig.end_seen(each.client.get()) == Seen::Reset);
        CHECK(rig.end_seen(each.server.get()) == Seen::Reset);
    }
    CHECK(rig.count(FGW_REVOKED) == 3);
    CHECK(rig.count(FGW_ACL_DENY) == 0); /* nobody new was turned away */
    CHECK(rig.live() == 1);
    CHECK(rig.carry(kept.client.get(), kept.server.get(), "still here") == "still here");
    CHECK(rig.worker->revoke() == 1); /* those that are over are asked about no more */
    CHECK(asked.size() == 5);
    CHECK(rig.admission.sessions() == 0);
}

TEST_CASE("worker: max_sessions and max_sessions_per_source, and places that come free") {
    Rig rig;
    Policy policy;
    policy.judge = [&](const Request &) { return Decision(rig.dial); };
    fgw_reason reason = FGW_SESSION_LIMIT;
    SECTION("in all") { policy.max_sessions = 2; }
    SECTION("per source") {
        policy.max_sessions_per_source = 2;
        reason = FGW_SOURCE_LIMIT;
    }
    rig.policies.set(std::make_shared<const Policy>(policy));
    const Rig::Ends one = rig.connect();
    Rig::Ends two = rig.connect();
    const peers::UniqueFd third = peers::connect6(rig.port());
    CHECK(rig.end_seen(third.get()) == Seen::Reset);
    CHECK(rig.count(reason) == 1);
    CHECK(rig.worker->stats().sessions_opened.get() == 2);
    peers::reset(two.client);
    rig.until([&] { return rig.live() == 1; });
    (void)rig.connect();
    CHECK(rig.count(reason) == 1);
}

namespace {

/* What the worker looked like while the process could have few more descriptors. Looks
 * and says nothing meanwhile: UBSan needs a descriptor to check what Catch does. */
struct Scarce {
    std::uint64_t live = 0;
    std::uint64_t opened = 0;
    std::uint64_t pauses = 0;
    bool paused = false;
    std::uint32_t pipes = 0;
};

class FewDescriptors {
public:
    FewDescriptors(Rig &rig, rlim_t more) : rig_(rig) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const peers::UniqueFd lowest_free(::dup(0));
        const rlimit tight{.rlim_cur = static_cast<rlim_t>(lowest_free.get()) + more,
                           .rlim_max = before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    }
    ~FewDescriptors() { lift(); }
    FewDescriptors(const FewDescriptors &) = delete;
    FewDescriptors &operator=(const FewDescriptors &) = delete;

    Scarce look() {
        for (int i = 0; i < 20; ++i)
            (void)static_cast<bool>(rig_.worker->loop().turn(Millis{0}));
        return Scarce{.live = rig_.live(),
                      .opened = rig_.worker->stats().sessions_opened.get(),
                      .pauses = rig_.count(FGW_OUT_OF_FDS),
                      .paused = rig_.worker->paused(),
                      .pipes = rig_.worker->pipes().made()};
    }
    void lift() { (void)::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    Rig &rig_;
    rlimit before_{};
};

} // namespace

TEST_CASE("worker: out of descriptors: accepting pauses, nobody is turned away (D11)") {
    Rig rig;
    std::vector<peers::UniqueFd> clients;
    for (int i = 0; i < 10; ++i)
        clients.push_back(peers::connect6(rig.port()));
    FewDescriptors few(rig, 6);
    const Scarce first = few.look();
    const Scarce second = few.look();
    SECTION("a session ends, and one that waited takes its place") {
        const linger now{.l_onoff = 1, .l_linger = 0};
        (void)::setsockopt(clients[0].get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        clients[0].reset();
        const Scarce third = few.look();
        few.lift();
        CHECK(third.opened > first.opened);
        CHECK(third.paused);
    }
    SECTION("descriptors come free elsewhere") {
        few.lift();
        rig.pass(Millis{99});
        CHECK(rig.live() == first.live);
        rig.pass(Millis{1});
        CHECK(rig.live() == 10);
        CHECK_FALSE(rig.worker->paused());
    }
    CHECK(first.live == 3); /* two descriptors each */
    CHECK(first.paused);
    CHECK(first.pauses >= 1);
    CHECK(second.pauses == first.pauses); /* paused, not spinning */
    rig.pass(Millis{100});
    rig.until([&] { return rig.worker->stats().sessions_opened.get() == 10; });
    CHECK(rig.count(FGW_CONNECT_FAILED) == 0);
}

TEST_CASE("worker: idle pipes are given up before a client has to wait") {
    Rig rig;
    const Rig::Ends ends = rig.connect();
    const std::string text = peers::pattern(4 * 1000 * 1000);
    CHECK(rig.carry(ends.server.get(), ends.client.get(), text) == text);
    REQUIRE(rig.worker->pipes().made() > 0);
    CHECK(rig.worker->sessions().at(0).engine == "splice");
    const peers::UniqueFd client = peers::connect6(rig.port());
    FewDescriptors few(rig, 0);
    const Scarce first = few.look();
    rig.clock.advance(Millis{100});
    const Scarce second = few.look();
    few.lift();
    CHECK(first.pipes == 0);
    CHECK(second.live == 2);
}

TEST_CASE("worker: after the first ones, a session allocates nothing") {
    Rig rig;
    for (int i = 0; i < 5; ++i)
        short_session(rig);
    const std::uint64_t before = allocations.load();
    for (int i = 0; i < 5; ++i)
        short_session(rig);
    CHECK(allocations.load() == before);
}

TEST_CASE("worker: destroyed with sessions alive, it leaves no descriptor open") {
    const std::size_t before = peers::open_descriptors();
    {
        Rig rig;
        const Rig::Ends ends = rig.connect();
        const Rig::Ends more = rig.connect();
        (void)peers::stuff(more.server.get());
        rig.settle();
        rig.worker.reset();
        CHECK(rig.admission.sessions() == 0);
    }
    CHECK(peers::open_descriptors() == before);
}
