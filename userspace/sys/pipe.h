/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pipes for splice(2), and a pool of them. A pipe holds pages, not bytes: a slot is
 * taken by each piece of a packet, however small, so "64 KiB" means 16 pieces. What
 * F_SETPIPE_SZ really gave is remembered; a pool that gets pipes too small to be
 * worth it stops making them for a while, and its users copy instead.
 */
#pragma once

#include "sys/fd.h"
#include "sys/moved.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace faith::sys {

struct Pipe {
    UniqueFd in; /* the end that is written to */
    UniqueFd out;
    std::uint32_t capacity = 0;
    std::size_t bytes = 0; /* spliced in and not yet out */

    explicit operator bool() const { return static_cast<bool>(in); }
};

/* Source to pipe, at most that many bytes. Again: the source is empty or the pipe is
 * full; only the caller's knowledge of pipe.bytes tells which. */
Moved splice_in(int source, Pipe &pipe, std::size_t most);
/* Pipe to sink, all that the sink takes. */
Moved splice_out(Pipe &pipe, int sink);

class PipePool {
public:
    /* Below this a pipe has fewer slots than one read of the copying engine has pages. */
    static constexpr std::uint32_t least_useful = 64 * 1024;

    /* A pipe with a descriptor from `ceiling` up counts as one that could not be made. */
    PipePool(std::uint32_t most, std::uint32_t bytes, int ceiling = std::numeric_limits<int>::max())
        : most_(most), bytes_(bytes), ceiling_(ceiling) {}

    Pipe get();           /* empty handle: use no pipe now */
    void put(Pipe &pipe); /* takes it; one with bytes left is closed, never used again */
    void close_idle();    /* gives descriptors back to those who need them more */

    std::uint32_t in_use() const { return made_ - static_cast<std::uint32_t>(idle_.size()); }
    std::uint32_t made() const { return made_; }
    std::uint32_t asked() const { return bytes_; }

    /* The smallest capacity the kernel gave so far, 0 if it gave all that was asked;
     * any thread may ask. */
    std::uint32_t shrunk_to() const { return shrunk_to_.load(std::memory_order_relaxed); }
    /* Pipes that could not be made at all or were too small; any thread may ask. */
    std::uint32_t refused() const { return refused_.load(std::memory_order_relaxed); }

private:
    Pipe make();

    const std::uint32_t most_;
    const std::uint32_t bytes_;
    const int ceiling_;
    std::uint32_t made_ = 0;
    std::uint32_t pause_ = 0; /* calls of get() to let pass before trying to make one again */
    std::vector<Pipe> idle_;
    std::atomic<std::uint32_t> shrunk_to_{0};
    std::atomic<std::uint32_t> refused_{0};
};

} // namespace faith::sys
