/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A list of rules as a provider writes it, and packets of its customers. */
#pragma once

#include "acl/evaluate.h"
#include "tests/support/random.h"

#include <algorithm>
#include <vector>

namespace faith::bench {

constexpr std::size_t questions = 100'000;

inline acl::Rule rule_of(test::Random &random, std::uint32_t number) {
    acl::Rule rule;
    rule.file = "bench.conf";
    rule.line = number + 1;
    /* Private networks are closed to everybody; then a rule for each site. */
    constexpr Prefix4 closed[] = {{.address = {.value = 0x0a000000}, .length = 8},
                                  {.address = {.value = 0xac100000}, .length = 12},
                                  {.address = {.value = 0xc0a80000}, .length = 16}};
    if (number < std::size(closed)) {
        rule.target = closed[number];
        return rule;
    }
    rule.action = acl::Action::Permit;
    rule.source = {.address = {.bytes = {0x20, 0x01, static_cast<std::uint8_t>(number >> 16),
                                         static_cast<std::uint8_t>(number >> 8),
                                         static_cast<std::uint8_t>(number)}},
                   .length = static_cast<std::uint8_t>(random.one_in(5) ? 56 : 48)};
    if (random.one_in(3))
        rule.target = {.address = {.value = 0xc6000000 | (random.word() & 0xffffff)},
                       .length = static_cast<std::uint8_t>(random.one_in(3) ? 32 : 24)};
    if (random.one_in(5))
        rule.ports = {{.first = 80, .last = 80}, {.first = 443, .last = 443}};
    return rule;
}

inline std::vector<acl::Rule> provider_rules(test::Random &random, std::uint32_t size) {
    std::vector<acl::Rule> rules;
    for (std::uint32_t number = 0; number < size; number++)
        rules.push_back(rule_of(random, number));
    return rules;
}

/* Clients of all sites, as they come. */
inline std::vector<acl::Packet> packets_for(test::Random &random,
                                            const std::vector<acl::Rule> &rules) {
    std::vector<acl::Packet> packets(questions);
    for (acl::Packet &packet : packets) {
        const acl::Rule &rule = rules[random.between(0, rules.size() - 1)];
        packet.source = rule.source.address;
        packet.source.bytes[15] = random.byte();
        packet.target.value = rule.target.address.value | (random.word() & 0xff);
        packet.port = random.one_in(2) ? 443 : 22;
    }
    return packets;
}

inline double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return values[values.size() / 2];
}

} // namespace faith::bench
