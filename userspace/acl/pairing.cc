/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/pairing.h"

#include "acl/image.h"

#include <algorithm>

namespace faith::acl {

namespace {

class Hash {
public:
    void add(std::uint64_t value) {
        value_ = (value_ ^ value) * 0x9e3779b97f4a7c15;
        value_ ^= value_ >> 32;
    }
    std::uint64_t value() const { return value_; }

private:
    std::uint64_t value_ = 0;
};

/* Equal for rules of the same meaning. Of the ports only the ends count, which are the
 * same however the list is written. */
std::uint64_t meaning_hash(const Rule &rule) {
    Hash hash;
    for (const std::uint8_t byte : rule.source.masked().address.bytes)
        hash.add(byte);
    hash.add(rule.source.length);
    hash.add(rule.action == Action::Permit);
    hash.add(rule.target.masked().address.value);
    hash.add(rule.target.length);
    hash.add(rule.bind_source ? rule.bind_source->value + std::uint64_t{1} : 0);
    hash.add(rule.limit_per_second ? *rule.limit_per_second + std::uint64_t{1} : 0);
    hash.add(rule.log);
    PortRange ends;
    if (!rule.ports.empty())
        ends = rule.ports.front();
    for (const PortRange &range : rule.ports) {
        ends.first = std::min(ends.first, range.first);
        ends.last = std::max(ends.last, range.last);
    }
    hash.add(ends.first);
    hash.add(ends.last);
    return hash.value();
}

/* The rules of the old list that are not paired yet, found by what they mean. */
class Unpaired {
public:
    explicit Unpaired(std::span<const Rule> rules) : rules_(rules) {
        entries_.reserve(rules.size());
        for (std::uint32_t i = 0; i < rules.size(); i++)
            entries_.push_back({.hash = meaning_hash(rules[i]), .rule = i});
        std::sort(entries_.begin(), entries_.end(), [](const Entry &a, const Entry &b) {
            return a.hash != b.hash ? a.hash < b.hash : a.rule < b.rule;
        });
    }

    std::uint32_t take(const Rule &rule) {
        const std::uint64_t hash = meaning_hash(rule);
        const auto first = std::lower_bound(
            entries_.begin(), entries_.end(), hash,
            [](const Entry &entry, std::uint64_t wanted) { return entry.hash < wanted; });
        if (first == entries_.end() || first->hash != hash)
            return no_rule;
        /* A list that repeats one rule many times must not be searched from its start
         * each time. */
        for (auto entry = first + first->skip; entry != entries_.end() && entry->hash == hash;
             ++entry) {
            if (entry->taken || !rules_[entry->rule].same_meaning(rule))
                continue;
            entry->taken = true;
            while (first + first->skip != entries_.end() && (first + first->skip)->taken)
                first->skip++;
            return entry->rule;
        }
        return no_rule;
    }

private:
    struct Entry {
        std::uint64_t hash;
        std::uint32_t rule;
        bool taken = false;
        std::ptrdiff_t skip = 0; /* in the first of a hash: so many are taken */
    };

    std::span<const Rule> rules_;
    std::vector<Entry> entries_;
};

} // namespace

std::vector<std::uint32_t> pair_rules(std::span<const Rule> from, std::span<const Rule> to) {
    Unpaired unpaired(from);
    std::vector<std::uint32_t> pairs;
    pairs.reserve(to.size());
    for (const Rule &rule : to)
        pairs.push_back(unpaired.take(rule));
    return pairs;
}

} // namespace faith::acl
