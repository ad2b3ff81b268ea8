/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/support/image_walk.h"

#include <algorithm>

namespace faith::test {

namespace {

bool same_start(const std::uint8_t *a, const std::uint8_t *b, std::uint32_t bits) {
    const std::uint32_t whole = bits / 8;
    if (!std::equal(a, a + whole, b))
        return false;
    for (std::uint32_t bit = 8 * whole; bit < bits; bit++)
        if (((a[bit / 8] ^ b[bit / 8]) & 0x80 >> bit % 8) != 0)
            return false;
    return true;
}

/* The data of an LPM key is what follows its length. */
const std::uint8_t *data_of(const fgw_acl_dst_key &key) {
    return reinterpret_cast<const std::uint8_t *>(&key) + sizeof key.prefix_len;
}

std::ptrdiff_t find_source(const acl::Image &image, const Ip6 &source) {
    std::ptrdiff_t best = -1;
    std::uint32_t longest = 0;
    for (std::size_t i = 0; i < image.source_keys.size(); i++) {
        const fgw_prefix_key &key = image.source_keys[i];
        if ((best < 0 || key.prefix_len > longest) &&
            same_start(key.addr, source.bytes.data(), key.prefix_len)) {
            best = static_cast<std::ptrdiff_t>(i);
            longest = key.prefix_len;
        }
    }
    return best;
}

std::ptrdiff_t find_destination(const acl::Image &image, std::uint32_t class_id, Ip4 target) {
    fgw_acl_dst_key wanted = {.prefix_len = 64, .class_id = {}, .addr = {}};
    std::ranges::copy(Ip4{.value = class_id}.bytes(), wanted.class_id);
    std::ranges::copy(target.bytes(), wanted.addr);
    std::ptrdiff_t best = -1;
    std::uint32_t longest = 0;
    for (std::size_t i = 0; i < image.destination_keys.size(); i++) {
        const fgw_acl_dst_key &key = image.destination_keys[i];
        if ((best < 0 || key.prefix_len > longest) &&
            same_start(data_of(key), data_of(wanted), key.prefix_len)) {
            best = static_cast<std::ptrdiff_t>(i);
            longest = key.prefix_len;
        }
    }
    return best;
}

std::string verdict_text(std::uint32_t verdict, const acl::Image &image,
                         std::span<const acl::Rule> rules) {
    if (verdict == FGW_VERDICT_NO_RULE)
        return "no rule";
    const std::uint32_t slot = verdict & FGW_VERDICT_SLOT;
    const auto found = std::ranges::find(image.slots, slot);
    const std::string line =
        found == image.slots.end()
            ? "?"
            : std::to_string(rules[static_cast<std::size_t>(found - image.slots.begin())].line);
    return std::string(verdict & FGW_VERDICT_PERMIT ? "permit" : "deny") + " by line " + line +
           ", slot " + std::to_string(slot);
}

} // namespace

std::uint32_t walk(const acl::Image &image, const acl::Packet &packet) {
    const std::ptrdiff_t source = find_source(image, packet.source);
    if (source < 0)
        return FGW_VERDICT_NO_RULE;
    const std::ptrdiff_t destination = find_destination(
        image, image.source_values[static_cast<std::size_t>(source)].class_id, packet.target);
    if (destination < 0)
        return FGW_VERDICT_NO_RULE;
    const fgw_acl_leaf &leaf = image.destination_values[static_cast<std::size_t>(destination)];
    for (std::uint32_t i = 0; i < leaf.segments; i++) {
        const fgw_acl_segment &segment = image.segments.at(leaf.first_segment + i);
        if (segment.first_port <= packet.port && packet.port <= segment.last_port)
            return segment.verdict;
    }
    return leaf.verdict;
}

std::string to_text(const acl::Image &image, std::span<const acl::Rule> rules) {
    std::string text;
    for (std::size_t s = 0; s < image.source_keys.size(); s++) {
        const fgw_prefix_key &source = image.source_keys[s];
        Prefix6 prefix = {.address = {}, .length = static_cast<std::uint8_t>(source.prefix_len)};
        std::ranges::copy(source.addr, prefix.address.bytes.begin());
        const std::uint32_t class_id = image.source_values[s].class_id;
        text += to_string(prefix) + ": class " + std::to_string(class_id) + "\n";
        for (std::size_t d = 0; d < image.destination_keys.size(); d++) {
            const fgw_acl_dst_key &key = image.destination_keys[d];
            if (Ip4::from_bytes(key.class_id).value != class_id)
                continue;
            const fgw_acl_leaf &leaf = image.destination_values[d];
            text += "  " +
                    to_string(Prefix4{.address = Ip4::from_bytes(key.addr),
                                      .length = static_cast<std::uint8_t>(key.prefix_len - 32)}) +
                    ": " + verdict_text(leaf.verdict, image, rules) + "\n";
            for (std::uint32_t i = 0; i < leaf.segments; i++) {
                const fgw_acl_segment &segment = image.segments.at(leaf.first_segment + i);
                text += "    port " + std::to_string(segment.first_port) + "-" +
                        std::to_string(segment.last_port) + ": " +
                        verdict_text(segment.verdict, image, rules) + " (segment " +
                        std::to_string(leaf.first_segment + i) + ")\n";
            }
        }
    }
    return text;
}

} // namespace faith::test
