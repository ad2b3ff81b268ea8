/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which rule decides, port by port. Rules are indices, the lower one goes first.
 *
 * A map is made of the same few others again and again while rules are compiled, so each
 * distinct map is kept once, for good, under a number: two are equal if their numbers
 * are, and what was computed from two of them is not computed twice.
 */
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace faith::acl {

struct PortPiece {
    std::uint16_t first = 0;
    std::uint16_t last = 65535; /* inclusive */
    std::uint32_t rule = 0;
    bool operator==(const PortPiece &) const = default;
};

/* A map in the form of a leaf: one answer, and the pieces that differ from it. */
struct PortSplit {
    std::uint32_t otherwise;       /* a rule, or no_rule */
    std::vector<PortPiece> pieces; /* sorted, disjoint; a rule may be no_rule */
};

class PortMaps {
public:
    using Id = std::uint32_t;
    static constexpr Id empty = 0; /* no rule decides any port */

    PortMaps();

    /* Claims may overlap and stand in any order. */
    Id of(std::vector<PortPiece> claims);
    /* On each port the lower rule of the two. */
    Id lower(Id a, Id b);
    /* a, without the ports where `before` has a lower rule. */
    Id left_by(Id a, Id before);

    /* Sorted, disjoint, as few as possible; ports without a rule are left out. */
    std::span<const PortPiece> pieces(Id map) const;
    /* The lowest of all its rules; no_rule if it is empty. */
    std::uint32_t lowest(Id map) const { return maps_[map].lowest; }
    /* A rule that is not below this one changes nothing: the highest of its rules, or
     * no_rule if a port is left without one. */
    std::uint32_t bound(Id map) const { return maps_[map].bound; }
    PortSplit split(Id map) const;
    /* How many there are: each Id is below. */
    std::size_t count() const { return maps_.size(); }

private:
    struct Map {
        std::size_t first = 0; /* in pool_ */
        std::size_t size = 0;
        std::uint32_t lowest = 0;
        std::uint32_t bound = 0;
    };
    using Memo = std::unordered_map<std::uint64_t, Id>;

    Id intern(const std::vector<PortPiece> &pieces);
    template <class Pick>
    Id combine(Memo &memo, Id a, Id b, Pick pick);

    std::vector<PortPiece> pool_;
    std::vector<Map> maps_;
    std::unordered_multimap<std::uint64_t, Id> by_hash_;
    Memo lower_;
    Memo left_by_;
    std::vector<PortPiece> scratch_;
};

} // namespace faith::acl
