/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/lookup.h"

#include <algorithm>
#include <optional>

namespace faith::acl {

namespace {

/* Where nothing matches. No class of an image has this number. */
constexpr std::uint32_t no_class = 0;

std::optional<std::uint32_t> next(std::uint32_t address) {
    return address == UINT32_MAX ? std::nullopt : std::optional(address + 1);
}

template <class Source6>
std::optional<Source6> next(Source6 address) {
    if (++address.low == 0 && ++address.high == 0)
        return std::nullopt;
    return address;
}

std::uint64_t load64(const std::uint8_t *bytes) {
    return std::uint64_t{Ip4::from_bytes(bytes).value} << 32 | Ip4::from_bytes(bytes + 4).value;
}

/* The bits behind a length, of 64. */
std::uint64_t bits_behind(std::uint32_t length) {
    return length >= 64 ? 0 : ~std::uint64_t{0} >> length;
}

/* A prefix with what it stands for. */
template <class Address, class Value>
struct Entry {
    Address first;
    Address last;
    Value value;
};

/* Calls emit(address, value) for every address from which another value holds, in
 * ascending order, beginning with the lowest address. The inner of two prefixes wins. */
template <class Address, class Value>
void take_apart(std::vector<Entry<Address, Value>> entries, const Value &otherwise, auto emit) {
    std::ranges::sort(entries, [](const auto &a, const auto &b) {
        return a.first != b.first ? a.first < b.first : a.last > b.last;
    });
    std::vector<const Entry<Address, Value> *> around;
    std::optional<Address> from = Address{}; /* what is before it has been emitted */
    const auto up_to = [&](const std::optional<Address> &end) {
        if (from && from != end)
            emit(*from, around.empty() ? otherwise : around.back()->value);
        from = end;
    };
    const auto leave = [&] {
        up_to(next(around.back()->last));
        around.pop_back();
    };
    for (const Entry<Address, Value> &entry : entries) {
        while (!around.empty() && around.back()->last < entry.first)
            leave();
        up_to(entry.first);
        around.push_back(&entry);
    }
    while (!around.empty())
        leave();
    up_to(std::nullopt);
}

/* The last of those that begin at the address or before; there is one. */
template <class Iterator, class Address>
const auto &holding_at(Iterator begin, Iterator end, const Address &address) {
    return *std::prev(
        std::upper_bound(begin, end, address, [](const Address &wanted, const auto &interval) {
            return wanted < interval.first;
        }));
}

} // namespace

Lookup::Lookup(const Image &image)
    : segments_(image.segments), rule_of_slot_(slots_end(image), no_rule) {
    add_sources(image);
    add_targets(image);
    for (std::uint32_t rule = 0; rule < image.slots.size(); rule++)
        rule_of_slot_[image.slots[rule]] = rule;
}

Lookup::Source6 Lookup::source_of(const std::uint8_t *address) {
    return {.high = load64(address), .low = load64(address + 8)};
}

void Lookup::add_sources(const Image &image) {
    std::vector<Entry<Source6, std::uint32_t>> entries;
    entries.reserve(image.source_keys.size());
    for (std::size_t i = 0; i < image.source_keys.size(); i++) {
        const fgw_prefix_key &key = image.source_keys[i];
        const Source6 first = source_of(key.addr);
        const std::uint32_t in_low = std::max(key.prefix_len, 64U) - 64;
        entries.push_back({.first = first,
                           .last = {.high = first.high | bits_behind(key.prefix_len),
                                    .low = first.low | bits_behind(in_low)},
                           .value = image.source_values[i].class_id});
    }
    take_apart(std::move(entries), no_class, [&](const Source6 &first, std::uint32_t class_id) {
        sources_.push_back({.first = first, .class_id = class_id});
    });
}

void Lookup::add_targets(const Image &image) {
    using Leaf = Entry<std::uint32_t, fgw_acl_leaf>;
    std::uint32_t classes = no_class + 1;
    for (const fgw_acl_class &value : image.source_values)
        classes = std::max(classes, value.class_id + 1);
    std::vector<std::vector<Leaf>> by_class(classes);
    for (std::size_t i = 0; i < image.destination_keys.size(); i++) {
        const fgw_acl_dst_key &key = image.destination_keys[i];
        const std::uint32_t first = Ip4::from_bytes(key.addr).value;
        const std::uint32_t length = key.prefix_len - FGW_ACL_CLASS_BITS;
        const auto inside = static_cast<std::uint32_t>((std::uint64_t{1} << (32 - length)) - 1);
        by_class.at(Ip4::from_bytes(key.class_id).value)
            .push_back(
                {.first = first, .last = first + inside, .value = image.destination_values[i]});
    }
    const fgw_acl_leaf none = {
        .verdict = FGW_VERDICT_NO_RULE, .first_segment = 0, .segments = 0, .pad = 0};
    for (std::vector<Leaf> &leaves : by_class) {
        take_apart(std::move(leaves), none, [&](std::uint32_t first, const fgw_acl_leaf &leaf) {
            targets_.push_back({.first = first,
                                .verdict = leaf.verdict,
                                .first_segment = leaf.first_segment,
                                .segments = leaf.segments});
        });
        class_end_.push_back(targets_.size());
    }
}

std::uint32_t Lookup::verdict_for(const Packet &packet) const {
    const SourceInterval &source =
        holding_at(sources_.begin(), sources_.end(), source_of(packet.source.bytes.data()));
    if (source.class_id == no_class)
        return FGW_VERDICT_NO_RULE;
    const auto at = [](const auto &of, std::size_t index) {
        return of.begin() + static_cast<std::ptrdiff_t>(index);
    };
    const TargetInterval &leaf =
        holding_at(at(targets_, class_end_[source.class_id - 1]),
                   at(targets_, class_end_[source.class_id]), packet.target.value);
    const auto end = at(segments_, std::size_t{leaf.first_segment} + leaf.segments);
    const auto segment = std::partition_point(
        at(segments_, leaf.first_segment), end,
        [&](const fgw_acl_segment &candidate) { return candidate.last_port < packet.port; });
    return segment != end && segment->first_port <= packet.port ? segment->verdict : leaf.verdict;
}

Answer Lookup::find(const Packet &packet) const {
    const std::uint32_t verdict = verdict_for(packet);
    if (verdict == FGW_VERDICT_NO_RULE)
        return {};
    const std::uint32_t slot = verdict & FGW_VERDICT_SLOT;
    return {.action = verdict & FGW_VERDICT_PERMIT ? Action::Permit : Action::Deny,
            .rule = rule_of_slot_[slot],
            .slot = slot};
}

} // namespace faith::acl
