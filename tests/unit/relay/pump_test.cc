/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/pump.h"

#include "peers.h"

#include <catch2/catch.hpp>

#include <memory>

using namespace faith::relay;
using faith::sys::PipePool;
using peers::Seen;
using Told = Pump::Told;
using Result = Pump::Result;

namespace {

/* writer -> source [pump] sink -> reader */
struct Line {
    peers::NoSigpipe no_sigpipe;
    peers::Tcp in;
    peers::Tcp out;
    peers::UniqueFd &writer = in.a;
    peers::UniqueFd &reader = out.b;
    BufferPool buffers;
    PipePool pipes;
    Counter moved;
    Counter spliced;
    std::unique_ptr<std::array<std::byte, read_bytes>> scratch =
        std::make_unique<std::array<std::byte, read_bytes>>();
    PumpTools tools{.scratch = *scratch, .buffers = buffers, .pipes = pipes, .spliced = spliced};
    Pump pump;
    std::string arrived;

    explicit Line(std::uint32_t most_pipes = 4, std::uint32_t pipe_bytes = 1 << 20)
        : pipes(most_pipes, pipe_bytes) {
        peers::set_option(in.b.get(), SOL_SOCKET, SO_OOBINLINE, 1);
        peers::set_option(out.a.get(), IPPROTO_TCP, TCP_NODELAY, 1);
        pump.open(in.b.get(), out.a.get(), moved);
    }
    ~Line() { pump.close(tools); }

    /* What epoll would say now, and the step that a session would take on it. */
    Result step() {
        pollfd source{.fd = in.b.get(), .events = POLLIN | POLLRDHUP, .revents = 0};
        pollfd sink{.fd = out.a.get(), .events = POLLOUT, .revents = 0};
        REQUIRE(::poll(&source, 1, 0) >= 0);
        REQUIRE(::poll(&sink, 1, 0) >= 0);
        if (pump.want_write())
            return (sink.revents & POLLOUT) != 0 ? pump.step(Told::Nothing, tools) : Result::Going;
        if (!pump.want_read() || source.revents == 0)
            return Result::Going;
        return pump.step((source.revents & POLLRDHUP) != 0 ? Told::Ended : Told::Readable, tools);
    }
    /* Steps until so many bytes in all have arrived; the reader takes that many a time. */
    void collect(std::size_t total, std::size_t takes = SIZE_MAX) {
        peers::until(
            [&] {
                REQUIRE(step() == Result::Going);
                REQUIRE(peers::pull(reader.get(), arrived, takes) == Seen::More);
            },
            [&] { return arrived.size() >= total; });
    }
    void carry(std::string_view text, std::size_t takes = SIZE_MAX) {
        const std::size_t total = arrived.size() + text.size();
        while (!text.empty()) {
            REQUIRE(peers::push(writer.get(), text));
            REQUIRE(step() == Result::Going);
            REQUIRE(peers::pull(reader.get(), arrived, takes) == Seen::More);
        }
        collect(total, takes);
    }
    void make_bulk() {
        const std::string bulk = peers::pattern(2000000);
        peers::until([&] { carry(bulk); }, [&] { return pump.engine() == Engine::Splice; });
        arrived.clear();
    }
    /* Writes until everything on the way is full and stays so. */
    std::string stall() {
        std::string all;
        peers::until(
            [&] {
                all += peers::stuff(writer.get());
                REQUIRE(step() == Result::Going);
            },
            [&] {
                const std::uint64_t before = pump.bytes();
                REQUIRE(step() == Result::Going);
                return pump.want_write() && pump.bytes() == before;
            });
        return all;
    }
};

} // namespace

TEST_CASE("pump: small messages are copied, and nothing is kept") {
    Line line;
    for (int i = 0; i < 100; ++i)
        line.carry("a small message");
    CHECK(line.arrived.size() == 1500);
    CHECK(line.moved.get() == 1500);
    CHECK(line.pump.bytes() == 1500);
    CHECK(line.spliced.get() == 0);
    CHECK(line.pump.engine() == Engine::Copy);
    CHECK(line.pipes.made() == 0);
    CHECK(line.buffers.in_use() + line.buffers.idle() == 0);
}

TEST_CASE("pump: bulk is spliced, through a pipe that goes back to the pool") {
    Line line;
    const std::string text = peers::pattern(8 * 1000 * 1000);
    line.carry(text);
    CHECK(line.arrived == text);
    CHECK(line.pump.engine() == Engine::Splice);
    CHECK(line.spliced.get() > text.size() / 2);
    CHECK(line.pipes.made() == 1);
    CHECK(line.pipes.in_use() == 0);
    CHECK(line.buffers.in_use() == 0);
}

TEST_CASE("pump: a direction that turns quiet goes back to copying") {
    Line line;
    line.make_bulk();
    for (int i = 0; i < 10; ++i)
        line.carry("x");
    CHECK(line.pump.engine() == Engine::Copy);
    const std::uint64_t before = line.spliced.get();
    line.carry("y");
    CHECK(line.spliced.get() == before);
}

TEST_CASE("pump: a sink that is full: one buffer or one pipe is held, no more is read") {
    Line line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    const std::string text = line.stall();
    CHECK_FALSE(line.pump.want_read());
    CHECK(line.buffers.in_use() + line.pipes.in_use() == 1);
    const Result result = line.pump.step(Told::Readable, line.tools);
    CHECK(result == Result::Going);
    CHECK(line.buffers.in_use() + line.pipes.in_use() == 1);

    line.collect(text.size(), 30000);
    CHECK(line.arrived == text);
    CHECK(line.buffers.in_use() + line.pipes.in_use() == 0);
}

TEST_CASE("pump: the end of the source is seen in the same step as the last bytes") {
    Line line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    std::string_view text = "last words";
    REQUIRE(peers::push(line.writer.get(), text));
    REQUIRE(::shutdown(line.writer.get(), SHUT_WR) == 0);
    CHECK_FALSE(line.pump.finished());
    CHECK(line.pump.step(Told::Ended, line.tools) == Result::Going);
    CHECK(line.pump.finished());
    CHECK_FALSE(line.pump.want_read());
    REQUIRE(peers::pull(line.reader.get(), line.arrived) == Seen::More);
    CHECK(line.arrived == "last words");
}

TEST_CASE("pump: no pipe to be had: bulk is copied, every byte arrives") {
    Line line(0);
    const std::string text = peers::pattern(8 * 1000 * 1000);
    line.carry(text, 200000);
    CHECK(line.arrived == text);
    CHECK(line.spliced.get() == 0);
    CHECK(line.pump.engine() == Engine::Splice);
}

TEST_CASE("pump: small segments fill a pipe's slots long before its bytes") {
    Line line(4, PipePool::least_useful); /* 16 slots */
    peers::set_option(line.writer.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    line.make_bulk();
    std::string text;
    for (int i = 0; i < 400; ++i) {
        const std::string piece =
            peers::pattern(1 + static_cast<std::size_t>(i) * 7 % 900, static_cast<unsigned>(i) + 1);
        std::string_view rest = piece;
        REQUIRE(peers::push(line.writer.get(), rest)); /* a segment each, all waiting */
        text += piece;
    }
    line.collect(text.size(), 5000);
    CHECK(line.arrived == text);
}

TEST_CASE("pump: an urgent byte amid bulk stops nothing and loses nothing") {
    Line line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    std::string text;
    std::string queue;
    const unsigned seed = std::random_device{}();
    INFO("seed " << seed);
    std::minstd_rand engine(seed);
    const auto random = [&] { return static_cast<unsigned>(engine()); };
    for (int i = 0; i < 60; ++i) {
        const std::string piece = peers::pattern(1 + random() % 200000, random());
        line.carry(piece);
        text += piece;
        /* Some urgent bytes meet an empty queue, some stand behind bytes not yet read. */
        const std::string before = peers::pattern(random() % 3000, random());
        std::string_view rest = before;
        REQUIRE(peers::push(line.writer.get(), rest));
        std::string_view urgent = "!";
        REQUIRE(peers::push(line.writer.get(), urgent, MSG_OOB));
        text += before + "!";
        if (i == 59) {
            /* And the FIN right behind: splice answers 0 at the mark now. */
            std::string_view tail = "after the mark";
            REQUIRE(peers::push(line.writer.get(), tail));
            text += "after the mark";
            REQUIRE(::shutdown(line.writer.get(), SHUT_WR) == 0);
        }
        line.collect(text.size());
    }
    CHECK(line.arrived == text);
    peers::until([&] { REQUIRE(line.step() == Result::Going); },
                 [&] { return line.pump.finished(); });
}

TEST_CASE("pump: a step has a budget, however much is waiting") {
    Line line;
    line.make_bulk();
    /* The receiver reads as fast as the pump writes: only the budget can stop a step. */
    const std::string text = peers::pattern(24 * 1000 * 1000);
    std::string_view rest = text;
    std::uint64_t most = 0;
    peers::until(
        [&] {
            REQUIRE(peers::push(line.writer.get(), rest));
            const std::uint64_t before = line.pump.bytes();
            REQUIRE(line.step() == Result::Going);
            most = std::max(most, line.pump.bytes() - before);
            REQUIRE(peers::pull(line.reader.get(), line.arrived) == Seen::More);
        },
        [&] { return line.arrived.size() == text.size(); });
    CHECK(most > read_bytes);
    /* The last splice may begin just below the budget. */
    CHECK(most < Pump::turn_bytes + Pump::splice_bytes + 2 * read_bytes);
}

TEST_CASE("pump: a reset source is told after the bytes that came before it") {
    Line line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    std::string_view text = "last words";
    REQUIRE(peers::push(line.writer.get(), text));
    peers::reset(line.writer);
    CHECK(line.pump.step(Told::Ended, line.tools) == Result::SourceFailed);
    REQUIRE(peers::pull(line.reader.get(), line.arrived) == Seen::More);
    CHECK(line.arrived == "last words");
}

TEST_CASE("pump: a reset sink is told, and what was held is given back") {
    Line line;
    SECTION("copying") {}
    SECTION("splicing") { line.make_bulk(); }
    (void)line.stall();
    peers::reset(line.reader);
    CHECK(line.pump.step(Told::Nothing, line.tools) == Result::SinkFailed);
    line.pump.close(line.tools);
    CHECK(line.buffers.in_use() == 0);
    CHECK(line.pipes.in_use() == 0);
    /* A pipe with bytes left is never used again. */
    CHECK(line.pipes.made() == 0);
}
