/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The pure headers of bpf/lib, reading plain memory. */
#pragma once

#include "lib/ctx_mem.h"
#include "lib/eth.h"
#include "lib/faith.h"
#include "lib/ip6.h"

#include "tests/support/packet.h"

namespace faith::test {

/* A cursor at the front of bytes that live as long as this does. */
struct Reading {
    explicit Reading(Bytes bytes)
        : content(std::move(bytes)),
          packet_{content.data(), static_cast<std::uint32_t>(content.size())},
          cursor(cursor_at(&packet_, 0)) {}
    Reading(const Reading &) = delete;
    Reading &operator=(const Reading &) = delete;

    const Bytes content;
    const packet packet_;
    struct cursor cursor;
};

} // namespace faith::test
