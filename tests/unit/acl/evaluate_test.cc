/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/evaluate.h"
#include "acl/parse.h"
#include "tests/support/random_rules.h"

#include <catch2/catch.hpp>

#include <bitset>

using namespace faith;
using namespace faith::acl;
using faith::test::Random;

namespace {

std::vector<Rule> rules_of(std::string_view text) {
    Result<std::vector<Rule>> rules = parse(text, "test.conf");
    INFO((rules ? "" : rules.error().text));
    REQUIRE(rules);
    return *std::move(rules);
}

Packet packet(std::string_view source, std::string_view target, std::uint16_t port = 80) {
    return {.source = *parse_ip6(source), .target = *parse_ip4(target), .port = port};
}

bool permitted(const std::vector<Rule> &rules, const Packet &packet) {
    return evaluate(rules, packet).action == Action::Permit;
}

/* The second opinion, sharing no code with evaluate(): addresses as strings of bits, and
 * the ports of a rule as a set. */
template <std::size_t N>
std::string bits_of(const std::array<std::uint8_t, N> &bytes) {
    std::string bits;
    for (const std::uint8_t byte : bytes)
        bits += std::bitset<8>(byte).to_string();
    return bits;
}

bool same_start(const std::string &a, const std::string &b, std::size_t length) {
    return a.substr(0, length) == b.substr(0, length);
}

std::ptrdiff_t first_match(const std::vector<Rule> &rules, const Packet &packet) {
    for (std::size_t i = 0; i < rules.size(); i++) {
        const Rule &rule = rules[i];
        std::bitset<65536> ports;
        for (const PortRange &range : rule.ports)
            for (std::size_t port = range.first; port <= range.last; port++)
                ports.set(port);
        if (rule.ports.empty())
            ports.set();
        if (same_start(bits_of(rule.source.address.bytes), bits_of(packet.source.bytes),
                       rule.source.length) &&
            same_start(bits_of(rule.target.address.bytes()), bits_of(packet.target.bytes()),
                       rule.target.length) &&
            ports.test(packet.port))
            return static_cast<std::ptrdiff_t>(i);
    }
    return -1;
}

} // namespace

TEST_CASE("evaluate: first match wins, both sides must match (D27)") {
    const std::vector<Rule> rules = rules_of("2001:db8:1::/48 deny 10.0.0.0/8\n"
                                             "2001:db8:1::/48 permit 0.0.0.0/0\n"
                                             "2001:db8:1::/48 deny 192.0.2.0/24\n");
    CHECK_FALSE(permitted(rules, packet("2001:db8:1::5", "10.1.1.1")));
    CHECK(permitted(rules, packet("2001:db8:1::5", "11.1.1.1")));
    CHECK(permitted(rules, packet("2001:db8:1::5", "192.0.2.1")));
    CHECK(evaluate(rules, packet("2001:db8:1::5", "10.1.1.1")).rule == &rules[0]);
    CHECK(evaluate(rules, packet("2001:db8:1::5", "192.0.2.1")).rule == &rules[1]);
}

TEST_CASE("evaluate: no match denies, and so does no rule (D28, D29)") {
    const std::vector<Rule> rules = rules_of("2001:db8:1::/48 permit 0.0.0.0/0\n");
    const Verdict verdict = evaluate(rules, packet("2001:db8:2::5", "192.0.2.1"));
    CHECK(verdict.action == Action::Deny);
    CHECK(verdict.rule == nullptr);
    CHECK_FALSE(permitted({}, packet("2001:db8:1::5", "192.0.2.1")));
    CHECK_FALSE(permitted(rules_of("# only a comment\n"), packet("2001:db8:1::5", "192.0.2.1")));
}

TEST_CASE("evaluate: host bits behind the length do not count (D27)") {
    const std::vector<Rule> rules = rules_of("2001:db8:1::dead/48 permit 192.0.2.77/24\n");
    CHECK(permitted(rules, packet("2001:db8:1::5", "192.0.2.1")));
    CHECK_FALSE(permitted(rules, packet("2001:db8:2::dead", "192.0.2.77")));
}

TEST_CASE("evaluate: a port list narrows a rule, the next one may still match") {
    const std::vector<Rule> rules = rules_of("::/0 permit 192.0.2.1 port 22,8000-8099\n"
                                             "::/0 permit 192.0.2.2\n");
    CHECK(permitted(rules, packet("::5", "192.0.2.1", 22)));
    CHECK(permitted(rules, packet("::5", "192.0.2.1", 8000)));
    CHECK(permitted(rules, packet("::5", "192.0.2.1", 8099)));
    CHECK_FALSE(permitted(rules, packet("::5", "192.0.2.1", 8100)));
    CHECK_FALSE(permitted(rules, packet("::5", "192.0.2.1", 7999)));
    CHECK(permitted(rules, packet("::5", "192.0.2.2", 7999)));
}

TEST_CASE("evaluate: agrees with a dumber walk on random rules and packets") {
    Random random;
    INFO(random.seed());
    std::size_t matches = 0;
    for (int list = 0; list < 200; list++) {
        const std::vector<Rule> rules = test::random_rules(random, 12);
        for (int i = 0; i < 20; i++) {
            const Packet packet = test::random_packet(random, rules);
            const Verdict verdict = evaluate(rules, packet);
            const std::ptrdiff_t expected = first_match(rules, packet);
            CAPTURE(test::to_text(rules), to_string(packet.source), to_string(packet.target),
                    packet.port, expected);
            if (expected < 0) {
                REQUIRE(verdict.rule == nullptr);
                REQUIRE(verdict.action == Action::Deny);
                continue;
            }
            matches++;
            REQUIRE(verdict.rule == &rules[static_cast<std::size_t>(expected)]);
            REQUIRE(verdict.action == verdict.rule->action);
        }
    }
    CHECK(matches > 400); /* the generator aims: a tenth at the very least must hit */
    CHECK(matches < 3900);
}
