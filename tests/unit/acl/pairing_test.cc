/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/pairing.h"

#include "acl/image.h"
#include "acl/parse.h"
#include "tests/support/cpu_time.h"
#include "tests/support/random_rules.h"

#include <catch2/catch.hpp>

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

using Pairs = std::vector<std::uint32_t>;

Pairs pairs_of(std::string_view from, std::string_view to) {
    return pair_rules(rules_of(from), rules_of(to));
}

/* The definition, in quadratic time. */
Pairs slow_pairs(const std::vector<Rule> &from, const std::vector<Rule> &to) {
    std::vector<bool> taken(from.size(), false);
    Pairs pairs(to.size(), no_rule);
    for (std::size_t i = 0; i < to.size(); i++)
        for (std::uint32_t j = 0; j < from.size() && pairs[i] == no_rule; j++)
            if (!taken[j] && from[j].same_meaning(to[i])) {
                taken[j] = true;
                pairs[i] = j;
            }
    return pairs;
}

} // namespace

TEST_CASE("pairing: a rule is found wherever it stands and however it is written") {
    CHECK(pairs_of("::/0 permit 1.0.0.0/8\n"
                   "2001:db8::/32 permit 2.0.0.0/8 port 80-81,443\n",
                   "2001:db8::5/32 PERMIT 2.3.4.5/8 port 443,80,81 # the same\n"
                   "::/0 deny 1.0.0.0/8\n"
                   "::/0 permit 1.0.0.0/8\n") == Pairs{1, no_rule, 0});
}

TEST_CASE("pairing: duplicates pair up in order, each once") {
    CHECK(pairs_of("::/0 permit 1.0.0.0/8\n::/0 permit 1.0.0.0/8\n",
                   "::/0 permit 1.0.0.0/8\n::/0 permit 1.0.0.0/8\n::/0 permit 1.0.0.0/8\n") ==
          Pairs{0, 1, no_rule});
}

TEST_CASE("pairing: whatever a rule can say makes it another rule") {
    const std::string_view rule = "2001:db8::/32 permit 1.2.0.0/16 192.0.2.1 port 22\n";
    for (const std::string_view other :
         {"2001:db9::/32 permit 1.2.0.0/16 192.0.2.1 port 22\n",
          "2001:db8::/33 permit 1.2.0.0/16 192.0.2.1 port 22\n",
          "2001:db8::/32 deny 1.2.0.0/16 192.0.2.1 port 22\n",
          "2001:db8::/32 permit 1.3.0.0/16 192.0.2.1 port 22\n",
          "2001:db8::/32 permit 1.2.0.0/15 192.0.2.1 port 22\n",
          "2001:db8::/32 permit 1.2.0.0/16 192.0.2.2 port 22\n",
          "2001:db8::/32 permit 1.2.0.0/16 port 22\n",
          "2001:db8::/32 permit 1.2.0.0/16 192.0.2.1 port 23\n",
          "2001:db8::/32 permit 1.2.0.0/16 192.0.2.1\n",
          "2001:db8::/32 permit 1.2.0.0/16 192.0.2.1 port 22 log\n"}) {
        CAPTURE(other);
        CHECK(pairs_of(rule, other) == Pairs{no_rule});
    }
    CHECK(pairs_of(rule, rule) == Pairs{0});
    /* Between the same ends, other ports. */
    CHECK(pairs_of("::/0 permit 1.0.0.0/8 port 1,3,9\n", "::/0 permit 1.0.0.0/8 port 1,4,9\n") ==
          Pairs{no_rule});
    CHECK(pairs_of("::/0 permit 1.0.0.0/8 port 1,3,9\n::/0 permit 1.0.0.0/8 port 1,4,9\n",
                   "::/0 permit 1.0.0.0/8 port 1,4,9\n::/0 permit 1.0.0.0/8 port 1,4,9\n") ==
          Pairs{1, no_rule});
}

TEST_CASE("pairing: agrees with trying every pair") {
    Random random;
    INFO(random.seed());
    for (int round = 0; round < 300; round++) {
        const std::vector<Rule> from = test::random_list(random, random.between(0, 30));
        std::vector<Rule> to = test::random_list(random, random.between(0, 10));
        for (std::uint64_t copies = random.between(0, 30); copies > 0 && !from.empty(); copies--)
            to.push_back(from[random.between(0, from.size() - 1)]);
        CAPTURE(test::to_text(from), test::to_text(to));
        REQUIRE(pair_rules(from, to) == slow_pairs(from, to));
    }
}

TEST_CASE("pairing: one rule written 100,000 times takes no time") {
    const std::vector<Rule> rules(100'000, rules_of("::/0 permit 1.0.0.0/8\n").front());
    const auto start = test::cpu_time();
    const Pairs pairs = pair_rules(rules, rules);
    CHECK(pairs.back() == 99'999);
    /* Trying every pair takes minutes. */
    CHECK((test::cpu_time() - start).count() < 5);
}
