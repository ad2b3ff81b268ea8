/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One pump between two connections over loopback, stepped by the test. */
#pragma once

#include "peers.h"
#include "relay/pump.h"

#include <memory>

namespace relay_line {

using namespace faith::relay;
using faith::sys::PipePool;
using peers::Seen;
using Told = Pump::Told;
using Result = Pump::Result;

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
        if (pump.want_urgent())
            source.events |= POLLPRI;
        pollfd sink{.fd = out.a.get(), .events = POLLOUT, .revents = 0};
        REQUIRE(::poll(&source, 1, 0) >= 0);
        REQUIRE(::poll(&sink, 1, 0) >= 0);
        if (pump.want_write())
            return (sink.revents & POLLOUT) != 0 ? pump.step(Told::Nothing, tools) : Result::Going;
        if (!pump.want_read() || source.revents == 0)
            return Result::Going;
        if ((source.revents & POLLPRI) != 0)
            pump.urgent_told();
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

} // namespace relay_line
