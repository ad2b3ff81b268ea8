/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/pipe.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace faith::sys {

namespace {

constexpr std::uint32_t pause_after_refusal = 1024;

/*
 * Asks for less and less until the kernel agrees: EPERM means above fs.pipe-max-size,
 * or above the user's share fs.pipe-user-pages-soft, and then half may still be had.
 */
std::uint32_t grow(int fd, std::uint32_t bytes) {
    for (std::uint32_t ask = bytes; ask >= PipePool::least_useful; ask /= 2)
        if (::fcntl(fd, F_SETPIPE_SZ, static_cast<int>(ask)) >= 0)
            break;
    const int got = ::fcntl(fd, F_GETPIPE_SZ);
    return got < 0 ? 0 : static_cast<std::uint32_t>(got);
}

} // namespace

Moved splice_in(int source, Pipe &pipe, std::size_t most) {
    const ssize_t got =
        ::splice(source, nullptr, pipe.in.get(), nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    const Moved moved = moved_from(got, errno);
    pipe.bytes += moved.bytes;
    return moved;
}

Moved splice_out(Pipe &pipe, int sink) {
    /* Never SPLICE_F_MORE: on the last piece it holds the data back for up to 200 ms,
     * and nobody knows here whether this piece is the last. */
    const ssize_t put = ::splice(pipe.out.get(), nullptr, sink, nullptr, pipe.bytes,
                                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    const Moved moved = moved_from(put, errno);
    pipe.bytes -= moved.bytes;
    return moved;
}

Pipe PipePool::get() {
    if (!idle_.empty()) {
        Pipe pipe = std::move(idle_.back());
        idle_.pop_back();
        return pipe;
    }
    if (made_ >= most_)
        return Pipe{};
    if (pause_ > 0) {
        --pause_;
        return Pipe{};
    }
    return make();
}

void PipePool::put(Pipe &pipe) {
    Pipe mine = std::exchange(pipe, Pipe{});
    if (mine && mine.bytes == 0)
        idle_.push_back(std::move(mine));
    else if (mine)
        --made_;
}

void PipePool::close_idle() {
    made_ -= static_cast<std::uint32_t>(idle_.size());
    idle_.clear();
}

Pipe PipePool::make() {
    std::array<int, 2> ends{-1, -1};
    Pipe pipe;
    if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0) {
        pipe.out.reset(ends[0]);
        pipe.in.reset(ends[1]);
        pipe.capacity = grow(pipe.in.get(), bytes_);
    }
    if (std::max(ends[0], ends[1]) >= ceiling_)
        pipe = Pipe{};
    if (pipe && pipe.capacity < bytes_) {
        const std::uint32_t before = shrunk_to();
        if (before == 0 || pipe.capacity < before)
            shrunk_to_.store(pipe.capacity, std::memory_order_relaxed);
    }
    if (!pipe || pipe.capacity < least_useful) {
        refused_.store(refused() + 1, std::memory_order_relaxed);
        pause_ = pause_after_refusal;
        return Pipe{};
    }
    ++made_;
    idle_.reserve(made_); /* so that put() never allocates */
    return pipe;
}

} // namespace faith::sys
