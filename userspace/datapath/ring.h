/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The reader's end of a ring: records of any kind that programs left there. */
#pragma once

#include "base/result.h"
#include "sys/clock.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

struct ring_buffer; /* libbpf's */

namespace faith::datapath {

class Ring {
public:
    using Told = std::function<void(std::span<const std::uint8_t>)>;

    struct Of {
        int map = -1;            /* its descriptor, not kept */
        const char *name = "";   /* for errors */
        int at_once = INT32_MAX; /* records that consume() takes before it comes back */
    };
    static Result<Ring> open(const Of &of, Told told);
    Ring(Ring &&) noexcept;
    Ring &operator=(Ring &&) noexcept;
    ~Ring();

    int fd() const; /* readable when there are records */
    /* Calls told for each record that is there. */
    Status consume() const;
    Status wait(sys::Millis longest) const; /* for the first, then as consume() */

private:
    struct State;
    explicit Ring(std::unique_ptr<State> state);
    std::unique_ptr<State> state_; /* libbpf has its address */
};

} // namespace faith::datapath
