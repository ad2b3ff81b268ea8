/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "line.h"

#include <catch2/catch.hpp>

using namespace faith::relay;
using faith::sys::PipePool;
using peers::Seen;
using relay_line::Line;
using Told = Pump::Told;
using Result = Pump::Result;

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
