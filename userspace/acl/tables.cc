/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/tables.h"

#include "base/addr.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <span>
#include <tuple>

namespace faith::acl {

namespace {

constexpr std::size_t byte_values = 256;

/* A prefix of one part of the key (source, target or port), at the high end of 128 bits. */
struct Entry {
    std::array<std::uint64_t, 2> bits;
    std::uint32_t length;
    std::uint32_t value; /* a verdict, or the root of the next part's trie */
};

bool outer_first(const Entry &a, const Entry &b) {
    return std::tie(a.bits, a.length) < std::tie(b.bits, b.length);
}

std::uint32_t byte_at(const Entry &entry, std::uint32_t depth) {
    return static_cast<std::uint32_t>(entry.bits[depth / 8] >> (56 - 8 * (depth % 8))) & 0xff;
}

/* How many whole bytes are the same in both. */
std::uint32_t common_bytes(const Entry &a, const Entry &b) {
    std::uint32_t same = 0;
    while (same < 16 && byte_at(a, same) == byte_at(b, same))
        same++;
    return same;
}

std::uint64_t front(std::uint64_t word, std::uint32_t bytes) {
    return bytes >= 8 ? word : word & ~(~std::uint64_t{0} >> (8 * bytes));
}

/* Bytes in a row that have one value. */
struct Run {
    std::uint32_t first;
    std::uint32_t value;
};

void describe_narrow(fgw_acl_node &node, std::span<const Run> runs) {
    node.narrow = 1;
    std::ranges::fill(node.values, runs.back().value);
    node.firsts = ~std::uint64_t{0};
    for (std::size_t i = 0; i < runs.size(); i++) {
        node.values[i] = runs[i].value;
        node.firsts ^= std::uint64_t{0xff ^ runs[i].first} << (8 * i);
    }
}

void describe_wide(fgw_acl_node &node, std::span<const Run> runs) {
    for (const Run &run : runs)
        node.starts[run.first / 64] |= std::uint64_t{1} << (run.first % 64);
    std::uint64_t before = 0;
    for (std::size_t word = 0; word < std::size(node.starts); word++) {
        node.ranks |= before << (8 * word);
        before += static_cast<std::uint64_t>(std::popcount(node.starts[word]));
    }
}

/* Inner nodes come before those that point to them, so every number is final. */
class Builder {
public:
    /* Entries are sorted outer first and end behind the byte `from`; keys in none of them
     * get what is inherited. Returns the value that stands for them all. */
    std::uint32_t build(std::span<const Entry> entries, std::uint32_t part_at, std::uint32_t from,
                        std::uint32_t inherited);
    Tables finish(const Image &image, std::uint32_t root, std::uint32_t generation);

private:
    using Row = std::array<std::uint32_t, byte_values>;

    std::uint32_t add_node(const Entry &inside, std::uint32_t part_at, std::uint32_t depth,
                           const Row &row, std::uint32_t miss);
    void add_values(std::span<const Run> runs);

    std::vector<fgw_acl_block> blocks_ = {fgw_acl_block{}}; /* room for the head */
};

std::uint32_t Builder::build(std::span<const Entry> entries, std::uint32_t part_at,
                             std::uint32_t from, std::uint32_t inherited) {
    if (entries.empty())
        return inherited;
    std::uint32_t depth = common_bytes(entries.front(), entries.back());
    for (const Entry &entry : entries)
        depth = std::min(depth, (entry.length - 1) / 8);
    depth = std::max(depth, from);

    const std::uint32_t decided = 8 * (depth + 1); /* longer entries need a further byte */
    Row row;
    row.fill(inherited);
    for (const Entry &entry : entries)
        if (entry.length <= decided)
            std::fill_n(row.begin() + byte_at(entry, depth), 1U << (decided - entry.length),
                        entry.value);
    for (std::size_t first = 0, end = 0; first < entries.size(); first = end) {
        const std::uint32_t byte = byte_at(entries[first], depth);
        end = first + 1;
        if (entries[first].length <= decided)
            continue;
        while (end < entries.size() && byte_at(entries[end], depth) == byte)
            end++;
        row[byte] = build(entries.subspan(first, end - first), part_at, depth + 1, row[byte]);
    }
    if (std::ranges::all_of(row, [&](std::uint32_t value) { return value == inherited; }))
        return inherited;
    return add_node(entries.front(), part_at, depth, row, inherited);
}

std::uint32_t Builder::add_node(const Entry &inside, std::uint32_t part_at, std::uint32_t depth,
                                const Row &row, std::uint32_t miss) {
    fgw_acl_node node{};
    node.prefix[0] = front(inside.bits[0], depth);
    node.prefix[1] = depth > 8 ? front(inside.bits[1], depth - 8) : 0;
    node.miss = miss;
    node.depth = static_cast<std::uint8_t>(part_at + depth);
    std::vector<Run> runs;
    for (std::uint32_t byte = 0; byte < byte_values; byte++)
        if (byte == 0 || row[byte] != row[byte - 1])
            runs.push_back({.first = byte, .value = row[byte]});
    const bool narrow = runs.size() <= FGW_ACL_NARROW_RUNS;
    narrow ? describe_narrow(node, runs) : describe_wide(node, runs);
    const std::size_t at = blocks_.size();
    blocks_.push_back({.node = node});
    if (!narrow)
        add_values(runs);
    return FGW_ACL_NODE | static_cast<std::uint32_t>(at);
}

void Builder::add_values(std::span<const Run> runs) {
    for (std::size_t i = 0; i < runs.size(); i++) {
        if (i % FGW_ACL_BLOCK_VALUES == 0)
            blocks_.emplace_back();
        blocks_.back().values[i % FGW_ACL_BLOCK_VALUES] = runs[i].value;
    }
}

Tables Builder::finish(const Image &image, std::uint32_t root, std::uint32_t generation) {
    fgw_acl_head head{};
    head.root = root;
    head.generation = generation;
    head.blocks = static_cast<std::uint32_t>(blocks_.size());
    head.rules = static_cast<std::uint32_t>(image.slots.size());
    head.hash = image.hash;
    blocks_.front().head = head;
    return Tables{.blocks = std::move(blocks_)};
}

/* A range of ports as prefixes of 16 bits: the fewest that cover it. */
void add_range(std::vector<Entry> &entries, const fgw_acl_segment &segment) {
    std::uint32_t first = segment.first_port;
    const std::uint32_t end = std::uint32_t{segment.last_port} + 1;
    while (first < end) {
        std::uint32_t free_bits = 0;
        while (free_bits < 16 && (first & (1U << free_bits)) == 0 &&
               first + (2U << free_bits) <= end)
            free_bits++;
        entries.push_back({.bits = {std::uint64_t{first} << 48, 0},
                           .length = 16 - free_bits,
                           .value = segment.verdict});
        first += 1U << free_bits;
    }
}

std::uint32_t ports_of(Builder &builder, const Image &image, const fgw_acl_leaf &leaf) {
    std::vector<Entry> entries;
    for (std::uint32_t i = 0; i < leaf.segments; i++)
        add_range(entries, image.segments[leaf.first_segment + i]);
    /* A prefix of no bits says it for every port, and then there is nothing to look up. */
    if (entries.size() == 1 && entries.front().length == 0)
        return entries.front().value;
    return builder.build(entries, FGW_ACL_PORT_AT, 0, leaf.verdict);
}

/* Leaves of one port list share its trie. */
class Ports {
public:
    Ports(Builder &builder, const Image &image) : builder_(builder), image_(image) {}
    std::uint32_t of(const fgw_acl_leaf &leaf) {
        if (leaf.segments == 0)
            return leaf.verdict;
        const auto [known, is_new] =
            known_.try_emplace({leaf.first_segment, leaf.segments, leaf.verdict});
        if (is_new)
            known->second = ports_of(builder_, image_, leaf);
        return known->second;
    }

private:
    Builder &builder_;
    const Image &image_;
    std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::uint32_t> known_;
};

/* Sorts, takes an entry for every key out, and builds the rest. */
std::uint32_t build_part(Builder &builder, std::vector<Entry> &entries, std::uint32_t part_at) {
    std::sort(entries.begin(), entries.end(), outer_first);
    std::uint32_t otherwise = FGW_VERDICT_NO_RULE;
    std::span<const Entry> inner = entries;
    if (!inner.empty() && inner.front().length == 0) {
        otherwise = inner.front().value;
        inner = inner.subspan(1);
    }
    return builder.build(inner, part_at, 0, otherwise);
}

/* The trie of each class, by class number; classes stand in the image one after another. */
std::vector<std::uint32_t> classes_of(Builder &builder, const Image &image) {
    std::vector<std::uint32_t> roots(image.source_keys.size() + 1, FGW_VERDICT_NO_RULE);
    Ports ports(builder, image);
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < image.destination_keys.size(); i++) {
        const fgw_acl_dst_key &key = image.destination_keys[i];
        entries.push_back({.bits = {std::uint64_t{Ip4::from_bytes(key.addr).value} << 32, 0},
                           .length = key.prefix_len - FGW_ACL_CLASS_BITS,
                           .value = ports.of(image.destination_values[i])});
        const std::uint32_t class_id = Ip4::from_bytes(key.class_id).value;
        const bool last = i + 1 == image.destination_keys.size() ||
                          Ip4::from_bytes(image.destination_keys[i + 1].class_id).value != class_id;
        if (!last)
            continue;
        if (class_id >= roots.size())
            roots.resize(class_id + 1, FGW_VERDICT_NO_RULE);
        roots[class_id] = build_part(builder, entries, FGW_ACL_TARGET_AT);
        entries.clear();
    }
    return roots;
}

std::uint64_t word_of(const std::uint8_t *bytes) {
    return std::uint64_t{Ip4::from_bytes(bytes).value} << 32 | Ip4::from_bytes(bytes + 4).value;
}

} // namespace

Tables lay_out(const Image &image, std::uint32_t generation) {
    Builder builder;
    const std::vector<std::uint32_t> classes = classes_of(builder, image);
    std::vector<Entry> sources;
    sources.reserve(image.source_keys.size());
    for (std::size_t i = 0; i < image.source_keys.size(); i++)
        sources.push_back(
            {.bits = {word_of(image.source_keys[i].addr), word_of(image.source_keys[i].addr + 8)},
             .length = image.source_keys[i].prefix_len,
             .value = classes[image.source_values[i].class_id]});
    const std::uint32_t root = build_part(builder, sources, 0);
    return builder.finish(image, root, generation);
}

} // namespace faith::acl
