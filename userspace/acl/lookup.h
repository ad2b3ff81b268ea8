/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An Image asked from user space, in the steps of the BPF programs: source to class, class
 * and destination to leaf, port to segment. A longest match is a probe of a hash table for
 * each prefix length in use, the longest first, so the cost depends on how many different
 * lengths the rules use, not on how many rules there are.
 */
#pragma once

#include "acl/evaluate.h"
#include "acl/image.h"

#include <cstdint>
#include <optional>
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
    struct SourceKey {
        std::uint64_t high; /* masked, the first byte on top */
        std::uint64_t low;
        std::uint64_t length;
        bool operator==(const SourceKey &) const = default;
        std::uint64_t hash() const;
    };
    struct DestinationKey {
        std::uint64_t class_and_address;
        std::uint64_t length;
        bool operator==(const DestinationKey &) const = default;
        std::uint64_t hash() const;
    };

    /* Open addressing, at most half full, no removal. */
    template <class Key>
    class Table {
    public:
        explicit Table(std::size_t size);
        void add(const Key &key, std::uint32_t value);
        std::optional<std::uint32_t> find(const Key &key) const;

    private:
        struct Cell {
            Key key{};
            std::uint32_t value = 0;
            bool used = false;
        };
        std::vector<Cell> cells_;
    };

    std::optional<std::uint32_t> class_of(const Ip6 &source) const;
    const fgw_acl_leaf *leaf_of(std::uint32_t class_id, Ip4 target) const;
    std::uint32_t verdict_at(const fgw_acl_leaf &leaf, std::uint16_t port) const;

    Table<SourceKey> sources_;
    Table<DestinationKey> destinations_;             /* to an index in leaves_ */
    std::vector<std::uint8_t> source_lengths_;       /* in use, the longest first */
    std::vector<std::uint64_t> destination_lengths_; /* by class: bit n, length n is in use */
    std::vector<fgw_acl_leaf> leaves_;
    std::vector<fgw_acl_segment> segments_;
    std::vector<std::uint32_t> rule_of_slot_;
};

} // namespace faith::acl
