/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The destinations of the rules of one source and of those around it. Sources are walked
 * outside in: push() when one is entered, list() its destinations, pop() when it is left.
 *
 * Every IPv4 prefix that a rule names has a position; positions are sorted so that those
 * inside a prefix follow it without a gap. A position carries the rules pushed for it,
 * without those that a shorter prefix decides earlier. list() descends from the short
 * prefixes to the long ones with the map that holds so far, and asks for the next
 * position with a rule below that map's bound: what cannot change the answer is not
 * visited, however many rules there are.
 */
#pragma once

#include "acl/ports.h"
#include "acl/rule.h"

#include <span>
#include <vector>

namespace faith::acl {

/* Values at positions, and the next position with a small one, in logarithmic time. */
class LowestValues {
public:
    explicit LowestValues(std::size_t size);
    void set(std::size_t position, std::uint32_t value);
    /* The first position of [from, to) with a value below the bound, else `to`. */
    std::size_t next(std::size_t from, std::size_t to, std::uint32_t bound) const;

private:
    std::size_t leaves_; /* a power of two */
    std::vector<std::uint32_t> tree_;
};

struct Destination {
    Prefix4 target;
    PortMaps::Id ports;
    bool operator==(const Destination &) const = default;
};

/* What may still be listed. */
struct Room {
    std::size_t destinations;
    std::size_t segments;
};

enum class Listed { All, TooManyDestinations, TooManySegments };

class Destinations {
public:
    Destinations(std::span<const Rule> rules, PortMaps &maps);

    /* The rules of one source, by index. */
    void push(std::span<const std::uint32_t> rules);
    void pop();
    /* Appends the destinations that decide something, inside before outside, so that the
     * longest match is the first match of the list; takes what they need from the room.
     * Segments are taken once for each distinct map. */
    Listed list(std::vector<Destination> &out, Room &room);

private:
    struct Undo {
        std::size_t position;
        PortMaps::Id before;
    };

    void set(std::size_t position, PortMaps::Id map);
    PortMaps::Id claims_of(std::span<const std::pair<std::size_t, std::uint32_t>> rules);
    bool take(PortMaps::Id map);
    std::uint64_t visit(std::size_t from, std::size_t to, PortMaps::Id outer);

    std::span<const Rule> rules_;
    PortMaps &maps_;
    std::vector<Prefix4> targets_;
    std::vector<std::size_t> outer_; /* the nearest prefix around it, else none */
    std::vector<std::size_t> end_;   /* behind the last position inside it */
    std::vector<std::size_t> position_of_;
    std::vector<PortMaps::Id> map_;
    LowestValues lowest_;
    std::vector<Undo> undo_;
    std::vector<std::size_t> frames_; /* size of undo_ at each push */
    std::vector<bool> taken_;         /* by map: its segments are paid for */
    std::vector<Destination> *out_ = nullptr;
    Room *room_ = nullptr;
    Listed listed_ = Listed::All;
};

} // namespace faith::acl
