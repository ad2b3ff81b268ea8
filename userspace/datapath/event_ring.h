/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The reader's end of fgw_events: what the programs told since somebody last looked. The
 * kernel keeps one read position for the map, not one for each reader, so the daemon reads
 * it; a command does only where no daemon runs.
 */
#pragma once

#include "base/result.h"
#include "faith/abi.h"
#include "sys/clock.h"

#include <functional>
#include <memory>

struct ring_buffer; /* libbpf's */

namespace faith::datapath {

class EventRing {
public:
    using Told = std::function<void(const fgw_event &)>;

    /* `ring` is the descriptor of the map; it is not kept. */
    static Result<EventRing> open(int ring, Told told);

    int fd() const;                         /* readable when there are events */
    Status consume() const;                 /* calls told for each that is there */
    Status wait(sys::Millis longest) const; /* for the first, then as consume() */

private:
    struct Free {
        void operator()(ring_buffer *ring) const;
    };
    EventRing(std::unique_ptr<Told> told, ring_buffer *ring)
        : told_(std::move(told)), ring_(ring) {}

    std::unique_ptr<Told> told_; /* libbpf has its address */
    std::unique_ptr<ring_buffer, Free> ring_;
};

} // namespace faith::datapath
