/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv4 fragments to packets (RFC 791 3.2, RFC 815), with bounds: so many bytes for all packets
 * together, so long for each; beyond them the oldest is given up. Fragments that overlap make
 * their packet void, as in IPv6 (RFC 5722): no sender makes them, and no check must depend on
 * which of two answers is taken. Pure: whoever calls says what time it is.
 */
#pragma once

#include "slowpath/ip4.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <vector>

namespace faith::slowpath {

using Millis = std::chrono::milliseconds;
using Packet = std::vector<std::uint8_t>;

class Reassembly {
public:
    struct Limits {
        std::size_t bytes = 4 << 20;
        Millis longest{30'000};
    };
    struct Counts { /* packets, not fragments */
        std::uint64_t late = 0;
        std::uint64_t bad = 0;
        std::uint64_t full = 0;
    };

    Reassembly() = default;
    explicit Reassembly(Limits limits) : limits_(limits) {}

    /* A fragment with its header, and the interface it came in by. The whole packet when it
     * was the last one missing. */
    std::optional<Packet> add(std::uint32_t interface_index, Bytes fragment, Millis now);
    void give_up_late(Millis now);
    bool empty() const { return packets_.empty(); }
    std::size_t bytes() const { return bytes_; } /* held, with what holding them costs */
    const Counts &counts() const { return counts_; }

private:
    struct Key {
        std::uint32_t interface_index = 0;
        Ip4 source;
        Ip4 destination;
        std::uint16_t identification = 0;
        std::uint8_t protocol = 0;
        auto operator<=>(const Key &) const = default;
    };
    struct Unfinished {
        Millis since{0};
        std::map<std::size_t, Packet> pieces; /* by offset; disjoint */
        Packet header;                        /* of the first fragment; empty: not here yet */
        std::optional<std::size_t> length;    /* of all pieces, once the last one is here */
        std::size_t held = 0;                 /* bytes of pieces */
        std::size_t cost = 0;                 /* what it counts against the limit */
        std::uint8_t marks = 0;               /* congestion marks seen, a bit for each */
        std::list<Key>::iterator place;       /* in order_ */
    };
    using Place = std::map<Key, Unfinished>::iterator;

    Place find_or_begin(const Key &key, Millis now);
    void forget(Place place);
    void forget_bad(Place place);

    Limits limits_;
    std::map<Key, Unfinished> packets_;
    std::list<Key> order_; /* oldest first */
    std::size_t bytes_ = 0;
    Counts counts_;
};

} // namespace faith::slowpath
