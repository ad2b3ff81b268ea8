/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the copying engine keeps what a sink did not take. A direction holds one only
 * while its sink is full, so idle sessions hold none. There is no limit on those in
 * use: a stalled sink keeps far more than this in its socket's own buffer.
 */
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace faith::relay {

inline constexpr std::size_t read_bytes = 64 * 1024; /* asked of one recv() */

struct Buffer {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::array<std::byte, read_bytes> data;

    std::span<const std::byte> rest() const { return {data.data() + begin, end - begin}; }
};

class BufferPool {
public:
    std::unique_ptr<Buffer> get(std::span<const std::byte> content); /* at most read_bytes */
    void put(std::unique_ptr<Buffer> buffer);
    std::size_t in_use() const { return in_use_; }
    std::size_t idle() const { return idle_.size(); }

private:
    static constexpr std::size_t most_idle = 64;
    std::vector<std::unique_ptr<Buffer>> idle_;
    std::size_t in_use_ = 0;
};

} // namespace faith::relay
