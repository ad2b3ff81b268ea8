/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/support/random_rules.h"

#include <algorithm>

namespace faith::test {

namespace {

std::uint8_t random_length(Random &random, std::uint8_t max) {
    if (random.one_in(8))
        return random.one_in(2) ? 0 : max;
    return static_cast<std::uint8_t>(random.between(0, max));
}

Ip6 random_source(Random &random) {
    Ip6 address = {.bytes = {0x20, 0x01, 0x0d, 0xb8}};
    for (std::size_t i = 4; i < 16; i++)
        address.bytes[i] = random.one_in(3) ? static_cast<std::uint8_t>(random.between(0, 3)) : 0;
    if (random.one_in(10))
        for (std::uint8_t &byte : address.bytes)
            byte = random.byte();
    return address;
}

Ip4 random_target(Random &random) {
    if (random.one_in(10))
        return {.value = random.word()};
    return {.value = 0xc0000200U + static_cast<std::uint32_t>(random.between(0, 63))};
}

std::uint16_t random_port(Random &random) {
    return static_cast<std::uint16_t>(random.one_in(3) ? random.between(1, 65535)
                                                       : random.between(20, 30));
}

std::uint16_t beside(Random &random, std::uint16_t port) {
    const std::uint64_t moved = port + random.between(0, 2); /* -1, 0, +1 */
    return static_cast<std::uint16_t>(std::clamp<std::uint64_t>(moved, 2, 65536) - 1);
}

/* The bits behind the length all zero or all one, then perhaps one bit of the whole
 * turned round: first, last, or just outside. */
Ip6 edge_of(Random &random, const Prefix6 &prefix) {
    Ip6 address = prefix.masked().address;
    if (random.one_in(2))
        for (std::size_t bit = prefix.length; bit < 128; bit++)
            address.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80 >> bit % 8);
    if (random.one_in(3)) {
        const std::size_t bit = random.between(0, 127);
        address.bytes[bit / 8] ^= static_cast<std::uint8_t>(0x80 >> bit % 8);
    }
    return address;
}

Ip4 edge_of(Random &random, const Prefix4 &prefix) {
    const Ip4 first = prefix.masked().address;
    const std::uint32_t last =
        first.value + static_cast<std::uint32_t>((std::uint64_t{1} << (32 - prefix.length)) - 1);
    switch (random.between(0, 3)) {
    case 0:
        return first;
    case 1:
        return {.value = last};
    case 2:
        return {.value = first.value - 1};
    default:
        return {.value = last + 1};
    }
}

} // namespace

acl::Rule random_rule(Random &random) {
    acl::Rule rule;
    rule.source = {.address = random_source(random), .length = random_length(random, 128)};
    rule.action = random.one_in(2) ? acl::Action::Permit : acl::Action::Deny;
    rule.target = {.address = random_target(random), .length = random_length(random, 32)};
    if (random.one_in(5))
        rule.bind_source = Ip4{.value = 0xcb007100U + random.byte()};
    if (random.one_in(3))
        for (std::uint64_t ranges = random.between(1, 4); ranges > 0; ranges--) {
            const std::uint16_t first = random_port(random);
            const std::uint16_t last = random.one_in(2) ? first : random_port(random);
            rule.ports.push_back({.first = std::min(first, last), .last = std::max(first, last)});
        }
    rule.log = random.one_in(4);
    return rule;
}

std::vector<acl::Rule> random_rules(Random &random, std::size_t most) {
    std::vector<acl::Rule> rules(random.between(0, most));
    for (acl::Rule &rule : rules)
        rule = random_rule(random);
    return rules;
}

acl::Packet random_packet(Random &random, const std::vector<acl::Rule> &rules) {
    acl::Packet packet = {.source = random_source(random),
                          .target = random_target(random),
                          .port = random_port(random)};
    if (rules.empty())
        return packet;
    const acl::Rule &rule = rules[random.between(0, rules.size() - 1)];
    if (!random.one_in(5))
        packet.source = edge_of(random, rule.source);
    if (!random.one_in(5))
        packet.target = edge_of(random, rule.target);
    if (!rule.ports.empty() && !random.one_in(5)) {
        const acl::PortRange &range = rule.ports[random.between(0, rule.ports.size() - 1)];
        packet.port = beside(random, random.one_in(2) ? range.first : range.last);
    }
    return packet;
}

std::string to_text(const std::vector<acl::Rule> &rules) {
    std::string text;
    for (const acl::Rule &rule : rules)
        text += to_string(rule) + "\n";
    return text;
}

} // namespace faith::test
