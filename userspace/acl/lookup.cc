/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/lookup.h"

#include <algorithm>
#include <bit>

namespace faith::acl {

namespace {

std::uint64_t mix(std::uint64_t value) {
    value *= 0x9e3779b97f4a7c15;
    return value ^ value >> 32;
}

std::uint64_t mask64(unsigned length) {
    return length == 0 ? 0 : ~std::uint64_t{0} << (64 - length);
}

std::uint64_t load64(const std::uint8_t *bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

std::uint64_t class_and(std::uint32_t class_id, Ip4 address) {
    return std::uint64_t{class_id} << 32 | address.value;
}

} // namespace

std::uint64_t Lookup::SourceKey::hash() const { return mix(mix(mix(high) ^ low) ^ length); }

std::uint64_t Lookup::DestinationKey::hash() const { return mix(mix(class_and_address) ^ length); }

template <class Key>
Lookup::Table<Key>::Table(std::size_t size) : cells_(std::bit_ceil(2 * size + 1)) {}

template <class Key>
void Lookup::Table<Key>::add(const Key &key, std::uint32_t value) {
    std::size_t cell = key.hash() & (cells_.size() - 1);
    while (cells_[cell].used)
        cell = (cell + 1) & (cells_.size() - 1);
    cells_[cell] = {.key = key, .value = value, .used = true};
}

template <class Key>
std::optional<std::uint32_t> Lookup::Table<Key>::find(const Key &key) const {
    std::size_t cell = key.hash() & (cells_.size() - 1);
    for (; cells_[cell].used; cell = (cell + 1) & (cells_.size() - 1))
        if (cells_[cell].key == key)
            return cells_[cell].value;
    return std::nullopt;
}

Lookup::Lookup(const Image &image)
    : sources_(image.source_keys.size()), destinations_(image.destination_keys.size()),
      leaves_(image.destination_values), segments_(image.segments),
      rule_of_slot_(slots_end(image), no_rule) {
    std::uint32_t classes = 0;
    for (std::size_t i = 0; i < image.source_keys.size(); i++) {
        const fgw_prefix_key &key = image.source_keys[i];
        const std::uint32_t class_id = image.source_values[i].class_id;
        sources_.add(
            {.high = load64(key.addr), .low = load64(key.addr + 8), .length = key.prefix_len},
            class_id);
        source_lengths_.push_back(static_cast<std::uint8_t>(key.prefix_len));
        classes = std::max(classes, class_id + 1);
    }
    std::sort(source_lengths_.rbegin(), source_lengths_.rend());
    source_lengths_.erase(std::unique(source_lengths_.begin(), source_lengths_.end()),
                          source_lengths_.end());
    destination_lengths_.resize(classes);
    for (std::uint32_t i = 0; i < image.destination_keys.size(); i++) {
        const fgw_acl_dst_key &key = image.destination_keys[i];
        const std::uint32_t length = key.prefix_len - FGW_ACL_CLASS_BITS;
        const std::uint32_t class_id = Ip4::from_bytes(key.class_id).value;
        destinations_.add(
            {.class_and_address = class_and(class_id, Ip4::from_bytes(key.addr)), .length = length},
            i);
        destination_lengths_[class_id] |= std::uint64_t{1} << length;
    }
    for (std::uint32_t rule = 0; rule < image.slots.size(); rule++)
        rule_of_slot_[image.slots[rule]] = rule;
}

std::optional<std::uint32_t> Lookup::class_of(const Ip6 &source) const {
    const std::uint64_t high = load64(source.bytes.data());
    const std::uint64_t low = load64(source.bytes.data() + 8);
    for (const std::uint8_t length : source_lengths_) {
        const unsigned in_high = std::min<unsigned>(length, 64);
        const std::optional<std::uint32_t> found =
            sources_.find({.high = high & mask64(in_high),
                           .low = low & mask64(length - in_high),
                           .length = length});
        if (found)
            return found;
    }
    return std::nullopt;
}

const fgw_acl_leaf *Lookup::leaf_of(std::uint32_t class_id, Ip4 target) const {
    std::uint64_t lengths = destination_lengths_[class_id];
    while (lengths != 0) {
        const unsigned length = static_cast<unsigned>(std::bit_width(lengths)) - 1;
        const std::optional<std::uint32_t> found = destinations_.find(
            {.class_and_address = class_and(class_id, target) & mask64(FGW_ACL_CLASS_BITS + length),
             .length = length});
        if (found)
            return &leaves_[*found];
        lengths ^= std::uint64_t{1} << length;
    }
    return nullptr;
}

std::uint32_t Lookup::verdict_at(const fgw_acl_leaf &leaf, std::uint16_t port) const {
    const auto first = segments_.begin() + leaf.first_segment;
    const auto end = first + leaf.segments;
    const auto segment = std::partition_point(first, end, [port](const fgw_acl_segment &candidate) {
        return candidate.last_port < port;
    });
    return segment != end && segment->first_port <= port ? segment->verdict : leaf.verdict;
}

Answer Lookup::find(const Packet &packet) const {
    const std::optional<std::uint32_t> class_id = class_of(packet.source);
    const fgw_acl_leaf *leaf = class_id ? leaf_of(*class_id, packet.target) : nullptr;
    const std::uint32_t verdict = leaf ? verdict_at(*leaf, packet.port) : FGW_VERDICT_NO_RULE;
    if (verdict == FGW_VERDICT_NO_RULE)
        return {};
    const std::uint32_t slot = verdict & FGW_VERDICT_SLOT;
    return {.action = verdict & FGW_VERDICT_PERMIT ? Action::Permit : Action::Deny,
            .rule = rule_of_slot_[slot],
            .slot = slot};
}

} // namespace faith::acl
