/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An Image asked from user space, in the steps of the BPF programs: source to class, class
 * and destination to leaf, port to segment. Nested prefixes are taken apart into intervals
 * once, so that a longest match is a binary search, with the same number of steps
 * whatever prefix lengths the rules use.
 */
#pragma once

#include "acl/evaluate.h"
#include "acl/image.h"

#include <cstdint>
#include <vector>

namespace faith::acl {

struct Answer {
    Action action = Action::Deny;
    std::uint32_t rule = no_rule; /* index in the list; no_rule when none matched */
    std::uint32_t slot = no_rule; /* its hit slot */
    bool operator==(const Answer &) const = default;
};

/* Made once for an image, which need not outlive it; then asked from any thread. */
class Lookup {
public:
    explicit Lookup(const Image &image);
    Answer find(const Packet &packet) const;

private:
    struct Source6 { /* an IPv6 address, quick to compare */
        std::uint64_t high;
        std::uint64_t low;
        auto operator<=>(const Source6 &) const = default;
    };
    struct SourceInterval { /* from an address on, up to the next one */
        Source6 first;
        std::uint32_t class_id;
    };
    struct TargetInterval {
        std::uint32_t first;
        std::uint32_t verdict;
        std::uint32_t first_segment;
        std::uint32_t segments;
    };

    static Source6 source_of(const std::uint8_t *address);
    void add_sources(const Image &image);
    void add_targets(const Image &image);
    std::uint32_t verdict_for(const Packet &packet) const;

    std::vector<SourceInterval> sources_;
    std::vector<TargetInterval> targets_; /* class by class */
    std::vector<std::size_t> class_end_;  /* in targets_; a class begins where the one
                                             before it ends */
    std::vector<fgw_acl_segment> segments_;
    std::vector<std::uint32_t> rule_of_slot_;
};

} // namespace faith::acl
