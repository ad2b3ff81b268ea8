/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Urgent bytes, through a pump and through a session: each in its place, and as one (D38, D39). */
#include "line.h"
#include "rig.h"

#include <catch2/catch.hpp>

using namespace faith::relay;
using faith::sys::Millis;
using faith::sys::UniqueFd;
using peers::Heard;
using peers::Seen;
using relay_line::Line;
using rig::Rig;
using Told = Pump::Told;
using Result = Pump::Result;

namespace {

/* A line whose receiver looks for the mark. */
struct UrgentLine : Line {
    Heard sent;
    Heard heard;

    UrgentLine() {
        peers::set_option(reader.get(), SOL_SOCKET, SO_OOBINLINE, 1);
        peers::set_option(writer.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    }
    void turn() {
        REQUIRE(step() == Result::Going);
        REQUIRE(peers::hear(reader.get(), heard) == Seen::More);
    }
    void settle() {
        peers::until([&] { turn(); }, [&] { return heard.text.size() >= sent.text.size(); });
    }
    void say(std::string_view text) {
        sent.text += text;
        peers::until(
            [&] {
                REQUIRE(peers::push(writer.get(), text));
                if (!text.empty())
                    turn();
            },
            [&] { return text.empty(); });
    }
    void say_urgent(char byte) {
        sent.urgent.push_back(sent.text.size());
        sent.text += byte;
        std::string_view text(&byte, 1);
        peers::until(
            [&] {
                REQUIRE(peers::push(writer.get(), text, MSG_OOB));
                if (!text.empty())
                    turn();
            },
            [&] { return text.empty(); });
    }
    /* All of it is waiting before the pump looks. */
    void wait_for(int bytes) const { peers::arrived(in.b.get(), bytes); }
};

std::string bytes(std::size_t size) { return peers::pattern(size, static_cast<unsigned>(size)); }

} // namespace

TEST_CASE("pump: an urgent byte leaves in its place and as one, whatever is around it (D38)") {
    UrgentLine line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    for (const std::size_t before : {0U, 1U, 2000U, 65535U, 65536U, 65537U, 131072U, 400000U}) {
        for (const std::size_t after : {0U, 1U, 3000U, 65536U, 300000U}) {
            line.say(bytes(before));
            line.say_urgent('!');
            line.say(bytes(after));
            line.settle();
            REQUIRE(line.heard.urgent == line.sent.urgent);
        }
    }
    CHECK(line.heard == line.sent);
    CHECK(line.buffers.in_use() + line.pipes.in_use() == 0);
}

TEST_CASE("pump: urgent bytes at any place of a stream of any shape (D38)") {
    UrgentLine line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    const unsigned seed = std::random_device{}();
    INFO("seed " << seed);
    std::minstd_rand engine(seed);
    for (int i = 0; i < 60; ++i) {
        const std::size_t large = 1 + engine() % 200000;
        const std::size_t small = engine() % 3000;
        line.say(bytes(large));
        if (i % 3 == 0)
            line.settle(); /* it meets an empty queue */
        line.say(bytes(small));
        line.say_urgent(static_cast<char>(engine()));
        line.say(bytes(small / 2));
        line.settle();
    }
    CHECK(line.heard == line.sent);
}

TEST_CASE("pump: a direction goes back to splicing behind an urgent byte") {
    UrgentLine line;
    line.make_bulk();
    line.say(bytes(100000));
    line.say_urgent('!');
    line.settle();
    CHECK(line.pump.want_urgent());
    CHECK(line.pump.engine() == Engine::Splice);
    const std::uint64_t before = line.spliced.get();
    line.say(bytes(2000000));
    line.settle();
    CHECK(line.spliced.get() - before == 2000000);
    CHECK(line.heard == line.sent);
}

TEST_CASE("pump: an urgent byte of which epoll has not spoken yet is one all the same") {
    UrgentLine line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    line.say_urgent('!');
    line.say("and more");
    line.wait_for(9);
    /* As a session's first attempt, and as after a sink that was full. */
    REQUIRE(line.pump.step(Told::Nothing, line.tools) == Result::Going);
    line.settle();
    CHECK(line.heard == line.sent);
}

TEST_CASE("pump: an urgent byte right behind a full read is one all the same") {
    UrgentLine line;
    peers::set_option(line.in.b.get(), SOL_SOCKET, SO_RCVBUF, 1 << 20);
    line.say(bytes(read_bytes));
    line.say_urgent('!');
    line.say("and more");
    line.wait_for(static_cast<int>(read_bytes) + 9);
    /* epoll spoke when the urgent byte was not there: not of it. */
    REQUIRE(line.pump.step(Told::Readable, line.tools) == Result::Going);
    line.settle();
    CHECK(line.heard == line.sent);
}

TEST_CASE("pump: an urgent byte as the last before the FIN, and the FIN (D38, D40)") {
    UrgentLine line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    const std::size_t before = GENERATE(0U, 10U, 65536U, 500000U);
    line.say(bytes(before));
    line.say_urgent('!');
    SECTION("right before it") {}
    SECTION("with something between") { line.say("the end"); }
    REQUIRE(::shutdown(line.writer.get(), SHUT_WR) == 0);
    peers::until([&] { line.turn(); }, [&] { return line.pump.finished(); });
    line.settle();
    CHECK(line.heard == line.sent);
}

TEST_CASE("pump: of two urgent bytes before anybody looked the first is an ordinary one (D39)") {
    UrgentLine line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    line.say("a");
    line.say_urgent('1');
    SECTION("next to each other") {}
    SECTION("apart") { line.say("b"); }
    line.say_urgent('2');
    line.say("c");
    line.wait_for(static_cast<int>(line.sent.text.size()));
    line.settle();
    line.sent.urgent.erase(line.sent.urgent.begin());
    CHECK(line.heard == line.sent);
}

TEST_CASE("pump: an urgent byte that a full sink does not take waits alone, and goes first (D38)") {
    UrgentLine line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    const std::string filler = peers::stuff(line.out.a.get()); /* past the pump */
    line.sent.text += filler;
    line.say_urgent('!');
    line.say("behind it");
    line.wait_for(10);
    REQUIRE(line.step() == Result::Going);
    CHECK(line.pump.want_write());
    CHECK_FALSE(line.pump.want_read());
    CHECK_FALSE(line.pump.want_urgent());
    CHECK(line.buffers.in_use() == 1);
    CHECK(line.pump.step(Told::Readable, line.tools) == Result::Going);
    CHECK(line.buffers.in_use() == 1);
    line.settle();
    CHECK(line.heard == line.sent);
    CHECK(line.buffers.in_use() == 0);
}

TEST_CASE("pump: an urgent byte that is told twice is taken once") {
    UrgentLine line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    line.say("x");
    line.say_urgent('!');
    line.settle();
    line.pump.urgent_told(); /* by an event of the same batch */
    CHECK(line.pump.step(Told::Readable, line.tools) == Result::Going);
    CHECK(line.pump.want_urgent());
    line.say("y");
    line.say_urgent('?');
    line.settle();
    CHECK(line.heard == line.sent);
}

TEST_CASE(
    "pump: while an urgent byte is ahead epoll is not asked for it: it would say so for ever") {
    UrgentLine line;
    CHECK(line.pump.want_urgent());
    line.pump.urgent_told();
    CHECK(line.pump.want_read());
    CHECK_FALSE(line.pump.want_urgent());
}

TEST_CASE("pump: a sink that is reset while an urgent byte waits for it") {
    UrgentLine line;
    (void)peers::stuff(line.out.a.get());
    line.say_urgent('!');
    line.wait_for(1);
    REQUIRE(line.step() == Result::Going);
    REQUIRE(line.pump.want_write());
    peers::reset(line.reader);
    CHECK(line.pump.step(Told::Nothing, line.tools) == Result::SinkFailed);
    line.pump.close(line.tools);
    CHECK(line.buffers.in_use() == 0);
}

/* --- through a session ------------------------------------------------------------------- */

namespace {

void say(int fd, std::string_view text, int flags = 0) {
    REQUIRE(peers::push(fd, text, flags));
    REQUIRE(text.empty());
}

void hear_all(Rig &rig, int fd, Heard &heard, std::size_t bytes) {
    peers::set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
    rig.until([&] {
        REQUIRE(peers::hear(fd, heard) == Seen::More);
        return heard.text.size() >= bytes;
    });
}

/* A turn waits its full time: nothing wakes the loop again and again. */
bool sleeps(Rig &rig) {
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(rig.worker->loop().turn(Millis{30}));
    return std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(30);
}

} // namespace

TEST_CASE("session: an urgent byte crosses in its place, either way (D38)") {
    Rig rig;
    Rig::Ends ends = rig.connect();
    const bool up = GENERATE(true, false);
    const int from = (up ? ends.client : ends.server).get();
    const int to = (up ? ends.server : ends.client).get();
    Heard heard;
    Heard want;
    for (int i = 0; i < 20; ++i) {
        say(from, "before");
        say(from, "!", MSG_OOB);
        say(from, "after");
        want.urgent.push_back(want.text.size() + 6);
        want.text += "before!after";
        hear_all(rig, to, heard, want.text.size());
    }
    CHECK(heard == want);
    rig.settle();
    CHECK(sleeps(rig));
}

TEST_CASE("session: an urgent byte sent before the server was reached is one there (D38)") {
    Rig rig;
    const bool first = GENERATE(true, false);
    UniqueFd client = peers::connect6(rig.port());
    if (!first)
        say(client.get(), "before");
    say(client.get(), "!", MSG_OOB);
    say(client.get(), "after");
    UniqueFd server;
    rig.until([&] { return static_cast<bool>(server = rig.server.accept()); });
    Heard heard;
    hear_all(rig, server.get(), heard, first ? 6 : 12);
    CHECK(heard == (first ? Heard{.text = "!after", .urgent = {0}}
                          : Heard{.text = "before!after", .urgent = {6}}));
}

TEST_CASE("session: an urgent byte alone, and then the FIN (D38, D40)") {
    Rig rig;
    Rig::Ends ends = rig.connect();
    say(ends.client.get(), "!", MSG_OOB);
    REQUIRE(::shutdown(ends.client.get(), SHUT_WR) == 0);
    Heard heard;
    peers::set_option(ends.server.get(), SOL_SOCKET, SO_OOBINLINE, 1);
    rig.until([&] { return peers::hear(ends.server.get(), heard) == Seen::End; });
    CHECK(heard == Heard{.text = "!", .urgent = {0}});
}

TEST_CASE("session: an urgent byte that waits for a full sink wakes nobody (D38)") {
    Rig rig;
    Rig::Ends ends = rig.connect();
    Heard want;
    /* Fill the way to the client until the relay holds bytes, the server's own does not. */
    std::uint64_t before = 0;
    do {
        before = rig.worker->stats().bytes_to_client.get();
        want.text += peers::pattern(200000, static_cast<unsigned>(want.text.size()) + 1);
        say(ends.server.get(), std::string_view(want.text).substr(want.text.size() - 200000));
        rig.settle();
    } while (rig.worker->stats().bytes_to_client.get() != before);
    want.urgent.push_back(want.text.size());
    want.text += "!after";
    say(ends.server.get(), "!", MSG_OOB);
    say(ends.server.get(), "after");
    rig.settle();
    CHECK(sleeps(rig));
    Heard heard;
    hear_all(rig, ends.client.get(), heard, want.text.size());
    CHECK(heard == want);
}
