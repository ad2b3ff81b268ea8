/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/buffer.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

using namespace faith::relay;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

bool holds(const Buffer &buffer, std::string_view text) {
    return buffer.rest().size() == text.size() &&
           std::memcmp(buffer.rest().data(), text.data(), text.size()) == 0;
}

} // namespace

TEST_CASE("buffer: keeps a copy, and a used one starts afresh") {
    BufferPool pool;
    std::unique_ptr<Buffer> buffer = pool.get(bytes_of("hello"));
    CHECK(holds(*buffer, "hello"));
    buffer->begin += 4;
    CHECK(holds(*buffer, "o"));
    CHECK(pool.in_use() == 1);
    const Buffer *address = buffer.get();
    pool.put(std::move(buffer));
    CHECK(pool.in_use() == 0);
    CHECK(pool.idle() == 1);

    buffer = pool.get(bytes_of("abc"));
    CHECK(buffer.get() == address);
    CHECK(holds(*buffer, "abc"));
    pool.put(std::move(buffer));
    pool.put(nullptr);
    CHECK(pool.in_use() == 0);
    CHECK(pool.idle() == 1);
}

TEST_CASE("buffer: after a rush the pool keeps some, not all") {
    BufferPool pool;
    std::vector<std::unique_ptr<Buffer>> rush;
    for (int i = 0; i < 200; ++i)
        rush.push_back(pool.get(bytes_of("x")));
    CHECK(pool.in_use() == 200);
    for (std::unique_ptr<Buffer> &buffer : rush)
        pool.put(std::move(buffer));
    CHECK(pool.in_use() == 0);
    CHECK(pool.idle() > 0);
    CHECK(pool.idle() < 200);
}
