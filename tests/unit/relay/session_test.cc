/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/session.h"

#include "rig.h"

#include <catch2/catch.hpp>

using namespace rig;
using peers::Seen;

TEST_CASE("session: bytes go both ways and are counted") {
    Rig rig;
    Rig::Ends ends = rig.connect();
    CHECK(rig.carry(ends.client.get(), ends.server.get(), "request") == "request");
    CHECK(rig.carry(ends.server.get(), ends.client.get(), "an answer") == "an answer");
    CHECK(rig.worker->stats().bytes_to_server.get() == 7);
    CHECK(rig.worker->stats().bytes_to_client.get() == 9);
    CHECK(rig.worker->stats().bytes_spliced.get() == 0);
    CHECK(rig.count(FGW_ACL_PERMIT) == 1);
}

TEST_CASE("session: what a client said while its server was dialled is not lost") {
    Rig rig;
    peers::UniqueFd client = peers::connect6(rig.port());
    std::string_view text = "early";
    REQUIRE(peers::push(client.get(), text));
    REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
    std::string arrived;
    peers::UniqueFd server;
    rig.until([&] { return static_cast<bool>(server = rig.server.accept()); });
    Seen seen = Seen::More;
    rig.until([&] { return (seen = peers::pull(server.get(), arrived)) != Seen::More; });
    CHECK(seen == Seen::End);
    CHECK(arrived == "early");
}

/* --- half close (D40) ------------------------------------------------------------------------ */

namespace {

/* One side ends first; a megabyte still comes from the other, then its end. */
void half_close(bool client_first) {
    Rig rig;
    Rig::Ends ends = rig.connect();
    const int first = (client_first ? ends.client : ends.server).get();
    const int second = (client_first ? ends.server : ends.client).get();
    const std::string said = peers::pattern(1000000, 1);
    const std::string answer = peers::pattern(1000000, 2);

    CHECK(rig.carry(first, second, said) == said);
    REQUIRE(::shutdown(first, SHUT_WR) == 0);
    CHECK(rig.end_seen(second) == Seen::End);
    CHECK(rig.carry(second, first, answer) == answer);
    CHECK(rig.live() == 1);
    REQUIRE(::shutdown(second, SHUT_WR) == 0);
    CHECK(rig.end_seen(first) == Seen::End);
    rig.until([&] { return rig.live() == 0; });
    CHECK(rig.count(FGW_CLOSED) == 1);
}

} // namespace

TEST_CASE("session: half close, client first: 1 MB still comes from the server (D40)") {
    half_close(true);
}

TEST_CASE("session: half close, server first: 1 MB still comes from the client (D40)") {
    half_close(false);
}

TEST_CASE("session: a FIN overtakes nothing: all that was held is delivered before it (D40)") {
    Rig rig;
    for (const bool up : {true, false}) {
        Rig::Ends ends = rig.connect();
        const int from = (up ? ends.client : ends.server).get();
        const int to = (up ? ends.server : ends.client).get();
        /* The reader sleeps until every buffer on the way is full. */
        const std::string text = peers::pattern(24 * 1000 * 1000);
        std::string_view rest = text;
        std::size_t before = 0;
        do {
            before = rest.size();
            REQUIRE(peers::push(from, rest));
            rig.settle();
        } while (rest.size() != before);
        std::string arrived;
        Seen seen = Seen::More;
        bool ended = false;
        rig.until([&] {
            REQUIRE(peers::push(from, rest));
            if (rest.empty() && !std::exchange(ended, true))
                REQUIRE(::shutdown(from, SHUT_WR) == 0);
            seen = peers::pull(to, arrived, 300000);
            return seen != Seen::More;
        });
        CHECK(seen == Seen::End);
        CHECK(arrived == text);
    }
    CHECK(rig.worker->buffers().in_use() == 0);
    CHECK(rig.worker->pipes().in_use() == 0);
}

TEST_CASE("session: both have ended but one reads slowly: no byte lost, and no busy loop") {
    Rig rig;
    Rig::Ends ends = rig.connect();
    REQUIRE(::shutdown(ends.client.get(), SHUT_WR) == 0);
    CHECK(rig.end_seen(ends.server.get()) == Seen::End);
    /* The server's socket is shut for sending. Fill the way to the client until the relay
     * holds bytes, but leave room on the server's side for its FIN to arrive. */
    std::string text;
    std::string arrived;
    std::uint64_t before = 0;
    do {
        before = rig.worker->stats().bytes_to_client.get();
        const std::string piece = peers::pattern(200000, static_cast<unsigned>(text.size()) + 1);
        std::string_view rest = piece;
        REQUIRE(peers::push(ends.server.get(), rest));
        REQUIRE(rest.empty());
        text += piece;
        rig.settle();
    } while (rig.worker->stats().bytes_to_client.get() != before);
    REQUIRE(::shutdown(ends.server.get(), SHUT_WR) == 0);
    rig.settle();
    REQUIRE(rig.live() == 1);
    /* Nothing can move now: a turn must wait its full time. */
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(rig.worker->loop().turn(Millis{30}));
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(30));

    Seen seen = Seen::More;
    rig.until(
        [&] { return (seen = peers::pull(ends.client.get(), arrived, 300000)) != Seen::More; });
    CHECK(seen == Seen::End);
    CHECK(arrived == text);
    rig.until([&] { return rig.live() == 0; });
    CHECK(rig.count(FGW_CLOSED) == 1);
}

/* --- reset (D42) ----------------------------------------------------------------------------- */

TEST_CASE("session: RST on one side becomes RST on the other (D42)") {
    Rig rig;
    Rig::Ends ends = rig.connect();
    SECTION("by the client") {
        peers::reset(ends.client);
        CHECK(rig.end_seen(ends.server.get()) == Seen::Reset);
        CHECK(rig.count(FGW_CLIENT_RESET) == 1);
    }
    SECTION("by the server") {
        peers::reset(ends.server);
        CHECK(rig.end_seen(ends.client.get()) == Seen::Reset);
        CHECK(rig.count(FGW_SERVER_RESET) == 1);
    }
    SECTION("by the client, which had ended before") {
        REQUIRE(::shutdown(ends.client.get(), SHUT_WR) == 0);
        CHECK(rig.end_seen(ends.server.get()) == Seen::End);
        peers::reset(ends.client);
        rig.until([&] { return rig.live() == 0; });
        CHECK(rig.count(FGW_CLIENT_RESET) == 1);
        std::string_view text = "x";
        CHECK_FALSE((peers::push(ends.server.get(), text) && text.empty() &&
                     rig.end_seen(ends.server.get()) == Seen::End));
    }
    SECTION("by the server, after the client had ended") {
        REQUIRE(::shutdown(ends.client.get(), SHUT_WR) == 0);
        CHECK(rig.end_seen(ends.server.get()) == Seen::End);
        peers::reset(ends.server);
        CHECK(rig.end_seen(ends.client.get()) == Seen::Reset);
        CHECK(rig.count(FGW_SERVER_RESET) == 1);
    }
    SECTION("by the client, after the server had ended") {
        REQUIRE(::shutdown(ends.server.get(), SHUT_WR) == 0);
        CHECK(rig.end_seen(ends.client.get()) == Seen::End);
        peers::reset(ends.client);
        CHECK(rig.end_seen(ends.server.get()) == Seen::Reset);
        CHECK(rig.count(FGW_CLIENT_RESET) == 1);
    }
    CHECK(rig.live() == 0);
    CHECK(rig.count(FGW_CLOSED) == 0);
}

TEST_CASE("session: RST in the middle of a stalled transfer, from either end (D42)") {
    for (const bool up : {true, false})
        for (const bool by_source : {true, false}) {
            INFO("up " << up << ", by the source " << by_source);
            Rig rig;
            Rig::Ends ends = rig.connect();
            peers::UniqueFd &from = up ? ends.client : ends.server;
            peers::UniqueFd &to = up ? ends.server : ends.client;
            const std::string text = peers::pattern(24 * 1000 * 1000);
            std::string_view rest = text;
            std::size_t before = 0;
            do {
                before = rest.size();
                REQUIRE(peers::push(from.get(), rest));
                rig.settle();
            } while (rest.size() != before);

            peers::UniqueFd &resets = by_source ? from : to;
            peers::UniqueFd &other = by_source ? to : from;
            const bool by_client = up == by_source;
            peers::reset(resets);
            CHECK(rig.end_seen(other.get()) == Seen::Reset);
            CHECK(rig.live() == 0);
            CHECK(rig.count(by_client ? FGW_CLIENT_RESET : FGW_SERVER_RESET) == 1);
            CHECK(rig.worker->pipes().in_use() == 0);
            CHECK(rig.worker->buffers().in_use() == 0);
        }
}

TEST_CASE("session: a server's answer before its reset still reaches the client") {
    Rig rig;
    Rig::Ends ends = rig.connect();
    std::string_view upload = "bytes that nobody reads";
    REQUIRE(peers::push(ends.client.get(), upload));
    rig.settle();
    SECTION("the relay hears it from the server's socket") {}
    SECTION("the relay hears it when it hands on what the client still sends") {
        /* Epoll tells in the order of arrival: the client's bytes come first. */
        std::string_view more = "more bytes";
        REQUIRE(peers::push(ends.client.get(), more));
    }
    std::string_view answer = "413 too large";
    REQUIRE(peers::push(ends.server.get(), answer));
    ends.server.reset(); /* unread bytes wait: the kernel answers with a RST */
    std::string arrived;
    Seen seen = Seen::More;
    rig.until([&] { return (seen = peers::pull(ends.client.get(), arrived)) != Seen::More; });
    CHECK(seen == Seen::Reset);
    CHECK(arrived == "413 too large");
    CHECK(rig.count(FGW_SERVER_RESET) == 1);
}

/* --- connecting (D33, D34) ------------------------------------------------------------------- */

TEST_CASE("session: a server that refuses: the client gets a RST (D34)") {
    Rig rig;
    rig.server.fd.reset();
    const peers::UniqueFd client = peers::connect6(rig.port());
    CHECK(rig.end_seen(client.get()) == Seen::Reset);
    CHECK(rig.count(FGW_CONNECT_REFUSED) == 1);
    CHECK(rig.live() == 0);
}

TEST_CASE("session: a target that cannot be reached: the client gets a RST (D34)") {
    Rig rig;
    rig.dial.target = Ip4{.value = 0xffffffff}; /* connect() says ENETUNREACH or EACCES */
    const peers::UniqueFd client = peers::connect6(rig.port());
    CHECK(rig.end_seen(client.get()) == Seen::Reset);
    CHECK(rig.count(FGW_CONNECT_FAILED) == 1);
}

TEST_CASE("session: a source address that is not ours: refused, not sent from another") {
    Rig rig;
    rig.dial.source = Ip4{.value = 0xc0000201}; /* 192.0.2.1 */
    const peers::UniqueFd client = peers::connect6(rig.port());
    CHECK(rig.end_seen(client.get()) == Seen::Reset);
    CHECK(rig.count(FGW_CONNECT_FAILED) == 1);
}

TEST_CASE("session: the IPv4 side is bound to the source address asked for") {
    Rig rig;
    rig.dial.source = Ip4{.value = 0x7f000203}; /* 127.0.2.3 */
    const Rig::Ends ends = rig.connect();
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    REQUIRE(::getpeername(ends.server.get(), reinterpret_cast<sockaddr *>(&peer), &length) == 0);
    CHECK(ntohl(peer.sin_addr.s_addr) == 0x7f000203);
    CHECK(rig.worker->sessions().at(0).source == Ip4{.value = 0x7f000203});
}

namespace {

/* A server whose queue is full: SYNs to it are dropped, and connecting takes for ever. */
struct Deaf {
    peers::Server server{0};
    std::vector<peers::UniqueFd> waiting;

    Deaf() {
        for (int i = 0; i < 4; ++i) {
            peers::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_port = htons(server.port);
            to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            (void)::connect(fd.get(), reinterpret_cast<sockaddr *>(&to), sizeof to);
            waiting.push_back(std::move(fd));
        }
    }
};

} // namespace

TEST_CASE("session: connect timeout of its own, exact, and a RST (D33, D34)") {
    const Deaf deaf;
    Rig rig;
    rig.dial = dial_to(deaf.server.port);
    rig.dial.connect_timeout = Millis{3000};
    const peers::UniqueFd client = peers::connect6(rig.port());
    rig.until([&] { return rig.live() == 1; });
    CHECK(rig.worker->sessions().at(0).engine == "connecting");
    rig.pass(Millis{2999});
    CHECK(rig.live() == 1);
    rig.pass(Millis{1});
    CHECK(rig.live() == 0);
    CHECK(rig.count(FGW_CONNECT_TIMEOUT) == 1);
    CHECK(rig.end_seen(client.get()) == Seen::Reset);
}

TEST_CASE("session: a client that resets while its server is dialled ends the attempt") {
    const Deaf deaf;
    Rig rig;
    rig.dial = dial_to(deaf.server.port);
    peers::UniqueFd client = peers::connect6(rig.port());
    rig.until([&] { return rig.live() == 1; });
    peers::reset(client);
    rig.pass(Millis{200}); /* from then on the client is watched */
    rig.until([&] { return rig.live() == 0; });
    CHECK(rig.count(FGW_CLIENT_RESET) == 1);
}

/* --- the idle timer (D43) -------------------------------------------------------------------- */

TEST_CASE("session: the idle timer is exact, and activity in either direction keeps it (D43)") {
    Rig rig;
    rig.dial.idle_timeout = Millis{10000};
    Rig::Ends ends = rig.connect();
    SECTION("silence") {
        rig.pass(Millis{9999});
        CHECK(rig.live() == 1);
        CHECK(rig.worker->sessions().at(0).idle_ms == 9999);
        rig.pass(Millis{1});
    }
    SECTION("only the server speaks") {
        for (int i = 0; i < 5; ++i) {
            rig.pass(Millis{9000});
            CHECK(rig.carry(ends.server.get(), ends.client.get(), "x") == "x");
        }
        rig.pass(Millis{9999});
        CHECK(rig.live() == 1);
        rig.pass(Millis{1});
    }
    SECTION("only the client speaks") {
        for (int i = 0; i < 5; ++i) {
            rig.pass(Millis{9000});
            CHECK(rig.carry(ends.client.get(), ends.server.get(), "x") == "x");
        }
        rig.pass(Millis{9999});
        CHECK(rig.live() == 1);
        rig.pass(Millis{1});
    }
    CHECK(rig.live() == 0);
    CHECK(rig.count(FGW_IDLE_TIMEOUT) == 1);
    CHECK(rig.end_seen(ends.client.get()) == Seen::Reset);
    CHECK(rig.end_seen(ends.server.get()) == Seen::Reset);
}

TEST_CASE("session: an idle timeout shorter than the connect timeout is kept") {
    Rig rig;
    rig.dial.idle_timeout = Millis{50};
    const Rig::Ends ends = rig.connect();
    rig.pass(Millis{49});
    CHECK(rig.live() == 1);
    rig.pass(Millis{1});
    CHECK(rig.live() == 0);
}

TEST_CASE("session: a receiver that takes nothing is idle; one that takes a little is not") {
    Rig rig;
    rig.dial.idle_timeout = Millis{10000};
    Rig::Ends ends = rig.connect();
    std::string arrived;
    const std::string text = peers::pattern(24 * 1000 * 1000);
    std::string_view rest = text;
    std::size_t before = 0;
    do {
        before = rest.size();
        REQUIRE(peers::push(ends.server.get(), rest));
        rig.settle();
    } while (rest.size() != before);
    rig.pass(Millis{9000});
    const std::uint64_t moved = rig.worker->stats().bytes_to_client.get();
    rig.until([&] {
        REQUIRE(peers::pull(ends.client.get(), arrived, 100000) == Seen::More);
        return rig.worker->stats().bytes_to_client.get() != moved;
    });
    rig.settle();
    rig.pass(Millis{9999});
    CHECK(rig.live() == 1);
    rig.pass(Millis{1});
    CHECK(rig.live() == 0);
}

TEST_CASE("session: half closed, it has a time limit of its own, from the last byte on") {
    Rig rig;
    rig.dial.half_closed_timeout = Millis{3000};
    const bool by_client = GENERATE(true, false);
    Rig::Ends ends = rig.connect();
    const int ended = (by_client ? ends.client : ends.server).get();
    const int other = (by_client ? ends.server : ends.client).get();
    rig.pass(Millis{59'000}); /* as idle_timeout has it, while both are open */
    CHECK(rig.live() == 1);
    REQUIRE(::shutdown(ended, SHUT_WR) == 0);
    CHECK(rig.end_seen(other) == Seen::End);
    rig.pass(Millis{2000});
    CHECK(rig.carry(other, ended, "still here") == "still here");
    rig.pass(Millis{2999});
    CHECK(rig.live() == 1);
    rig.pass(Millis{1});
    CHECK(rig.live() == 0);
    CHECK(rig.count(FGW_IDLE_TIMEOUT) == 1);
    CHECK(rig.end_seen(ended) == Seen::Reset);
}

TEST_CASE("session: zero is no idle timeout") {
    Rig rig;
    rig.dial.idle_timeout = Millis{0};
    rig.dial.connect_timeout = Millis{0};
    const Rig::Ends ends = rig.connect();
    rig.pass(std::chrono::hours(24 * 365));
    CHECK(rig.live() == 1);
}

/* --- what sockets are like -------------------------------------------------------------------- */

TEST_CASE("session: told about, it says who, where, on whose word, and how much") {
    Rig rig;
    Rig::Ends ends = rig.connect();
    CHECK(rig.carry(ends.client.get(), ends.server.get(), "abc") == "abc");
    rig.pass(Millis{1500});
    const std::vector<SessionInfo> list = rig.worker->sessions();
    REQUIRE(list.size() == 1);
    const SessionInfo &info = list[0];
    CHECK(info.client.is_loopback());
    CHECK(info.client_port == peers::port_of(ends.client.get()));
    CHECK(info.destination.is_loopback());
    CHECK(info.server == Ip4{.value = 0x7f000001});
    CHECK(info.port == rig.server.port);
    CHECK(info.source == Ip4{.value = 0x7f000001});
    CHECK(info.rule == 7);
    CHECK(info.age_ms == 1500);
    CHECK(info.idle_ms == 1500);
    CHECK(info.bytes_to_server == 3);
    CHECK(info.bytes_to_client == 0);
    CHECK(info.engine == "copy");
}
