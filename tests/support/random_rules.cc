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

template <std::size_t N>
std::uint8_t one_of(Random &random, const std::uint8_t (&values)[N]) {
    return values[random.between(0, N - 1)];
}

/* Sites, networks and hosts below one /32, now and then everybody. */
void as_people_do(Random &random, acl::Rule &rule) {
    constexpr std::uint8_t source_lengths[] = {48, 48, 48, 56, 64, 64, 128};
    constexpr std::uint8_t target_lengths[] = {8, 16, 24, 24, 32, 32};
    rule.source.address = {.bytes = {0x20, 0x01, 0x0d, 0xb8, random.byte(), random.byte()}};
    rule.source.length = random.one_in(200) ? std::uint8_t{0} : one_of(random, source_lengths);
    rule.source.address.bytes[7] = random.byte();
    rule.target = {.address = {.value = 0x0a000000U + (random.word() & 0x030307ffU)},
                   .length = random.one_in(10) ? std::uint8_t{0} : one_of(random, target_lengths)};
}

/* A longer, a shorter or the same prefix, perhaps the sibling. */
template <class Prefix>
void step(Random &random, Prefix &prefix, int max, auto flip) {
    const int moved = prefix.length + static_cast<int>(random.between(0, 4)) - 2;
    prefix.length = static_cast<std::uint8_t>(std::clamp(moved, 0, max));
    if (prefix.length > 0 && random.one_in(2))
        flip(prefix.length - 1U);
}

void near(Random &random, acl::Rule &rule, const acl::Rule &other) {
    if (random.one_in(5))
        rule = other;
    rule.source = other.source;
    rule.target = other.target;
    step(random, rule.source, 128, [&](unsigned bit) {
        rule.source.address.bytes[bit / 8] ^= static_cast<std::uint8_t>(0x80 >> bit % 8);
    });
    step(random, rule.target, 32,
         [&](unsigned bit) { rule.target.address.value ^= std::uint32_t{0x80000000} >> bit; });
    if (random.one_in(4))
        rule.ports = other.ports;
}

void crowd(Random &random, acl::Rule &rule) {
    rule.source.length = static_cast<std::uint8_t>(random.between(124, 128));
    rule.source.address = {};
    rule.source.address.bytes[15] = static_cast<std::uint8_t>(random.between(0, 15));
    rule.target.length = static_cast<std::uint8_t>(random.between(28, 32));
    rule.target.address.value = static_cast<std::uint32_t>(random.between(0, 15));
}

void about_ports(Random &random, acl::Rule &rule) {
    rule.source.length = static_cast<std::uint8_t>(random.between(0, 1));
    rule.target.length = static_cast<std::uint8_t>(random.between(0, 1));
    rule.ports.clear();
    for (std::uint64_t ranges = random.between(random.one_in(30) ? 0 : 1, 5); ranges > 0;
         ranges--) {
        const std::uint64_t first = random.between(1, 65535);
        const std::uint64_t width = random.one_in(2) ? 0 : random.between(0, 2000);
        rule.ports.push_back(
            {.first = static_cast<std::uint16_t>(first),
             .last = static_cast<std::uint16_t>(std::min<std::uint64_t>(first + width, 65535))});
    }
}

Ip6 one_more(Ip6 address) {
    for (std::size_t i = 16; i-- > 0 && ++address.bytes[i] == 0;) {
    }
    return address;
}

Ip6 one_less(Ip6 address) {
    for (std::size_t i = 16; i-- > 0 && address.bytes[i]-- == 0;) {
    }
    return address;
}

Ip6 last_of(const Prefix6 &prefix) {
    Ip6 address = prefix.masked().address;
    for (std::size_t bit = prefix.length; bit < 128; bit++)
        address.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80 >> bit % 8);
    return address;
}

/* The first or last address or one beside; sometimes one bit of it turned round, which
 * finds the prefixes around. */
Ip6 edge_of(Random &random, const Prefix6 &prefix) {
    const Ip6 edges[] = {prefix.masked().address, last_of(prefix),
                         one_less(prefix.masked().address), one_more(last_of(prefix))};
    Ip6 address = edges[random.between(0, 3)];
    if (random.one_in(4)) {
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

std::vector<acl::Rule> random_list(Random &random, std::size_t size) {
    enum Shape : std::uint64_t { Wild, People, Near, Crowd, Ports, Mixed };
    const std::uint64_t shape = random.between(Wild, Mixed);
    std::vector<acl::Rule> rules;
    for (std::size_t i = 0; i < size; i++) {
        acl::Rule rule = random_rule(random);
        switch (shape == Mixed ? random.between(Wild, Ports) : shape) {
        case People:
            as_people_do(random, rule);
            break;
        case Near:
            if (!rules.empty())
                near(random, rule, rules[random.between(0, rules.size() - 1)]);
            break;
        case Crowd:
            crowd(random, rule);
            break;
        case Ports:
            about_ports(random, rule);
            break;
        default:
            break;
        }
        rule.line = static_cast<std::uint32_t>(i + 1);
        rules.push_back(std::move(rule));
    }
    return rules;
}

acl::Packet random_packet(Random &random, const std::vector<acl::Rule> &rules) {
    acl::Packet packet = {.source = random_source(random),
                          .target = random_target(random),
                          .port = random_port(random)};
    if (rules.empty())
        return packet;
    const auto some_rule = [&]() -> const acl::Rule & {
        return rules[random.between(0, rules.size() - 1)];
    };
    /* The edges of one rule, or of two that may overlap. */
    const acl::Rule &rule = some_rule();
    const acl::Rule &other = random.one_in(3) ? some_rule() : rule;
    if (!random.one_in(5))
        packet.source = edge_of(random, rule.source);
    if (!random.one_in(5))
        packet.target = edge_of(random, other.target);
    const std::vector<acl::PortRange> &ports = random.one_in(2) ? rule.ports : other.ports;
    if (!ports.empty() && !random.one_in(5)) {
        const acl::PortRange &range = ports[random.between(0, ports.size() - 1)];
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
