/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/parse.h"
#include "acl/rule.h"
#include "tests/support/random_rules.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::acl;
using faith::test::Random;

namespace {

Rule rule_of(std::string_view text) {
    Result<std::vector<Rule>> rules = parse(text, "test.conf");
    INFO((rules ? "" : rules.error().text));
    REQUIRE(rules);
    REQUIRE(rules->size() == 1);
    return rules->front();
}

bool same(std::string_view a, std::string_view b) { return rule_of(a).same_meaning(rule_of(b)); }

/* Field by field, as written. */
bool identical(const Rule &a, const Rule &b) {
    return a.source == b.source && a.action == b.action && a.target == b.target &&
           a.bind_source == b.bind_source && a.ports == b.ports &&
           a.limit_per_second == b.limit_per_second && a.log == b.log;
}

} // namespace

TEST_CASE("rule: prints in one form") {
    CHECK(to_string(rule_of("2001:DB8::/32\tPermit 192.0.2.1 203.0.113.5 log PORT 22,8000-8099")) ==
          "2001:db8::/32 permit 192.0.2.1/32 203.0.113.5 port 22,8000-8099 log");
    Rule limited = rule_of("::/0 deny 10.0.0.0/8");
    CHECK(to_string(limited) == "::/0 deny 10.0.0.0/8");
    limited.limit_per_second = 5;
    CHECK(to_string(limited) == "::/0 deny 10.0.0.0/8 limit 5/s");
}

TEST_CASE("rule: what is printed parses to the same rule") {
    Random random;
    INFO(random.seed());
    for (int i = 0; i < 5'000; i++) {
        const Rule rule = test::random_rule(random);
        const std::string text = to_string(rule);
        CAPTURE(text);
        const Rule again = rule_of(text);
        REQUIRE(identical(again, rule));
        REQUIRE(again.same_meaning(rule));
    }
}

TEST_CASE("rule: same meaning, however it is written") {
    CHECK(same("2001:db8::1/32 deny 10.1.2.3/8", "2001:db8::/32 DENY 10.0.0.0/8 # the same"));
    CHECK(same("::/0 permit 0.0.0.0/0", "::/0 permit 0.0.0.0/0 port 1-65535"));
    CHECK(same("::/0 permit 0.0.0.0/0 port 22,80-90", "::/0 permit 0.0.0.0/0 port 85-90,22,80-84"));
    CHECK(same("::/0 permit 0.0.0.0/0 port 60000-65535,65535",
               "::/0 permit 0.0.0.0/0 port 60000-65535"));
}

TEST_CASE("rule: each field is part of the meaning") {
    constexpr std::string_view base = "2001:db8::/32 permit 192.0.2.0/24";
    for (const char *other :
         {"2001:db8::/33 permit 192.0.2.0/24", "2001:db9::/32 permit 192.0.2.0/24",
          "2001:db8::/32 deny 192.0.2.0/24", "2001:db8::/32 permit 192.0.2.0/25",
          "2001:db8::/32 permit 192.0.3.0/24", "2001:db8::/32 permit 192.0.2.0/24 192.0.2.9",
          "2001:db8::/32 permit 192.0.2.0/24 port 22", "2001:db8::/32 permit 192.0.2.0/24 log"}) {
        CAPTURE(other);
        CHECK_FALSE(same(base, other));
    }
    Rule limited = rule_of(base);
    limited.limit_per_second = 1;
    CHECK_FALSE(limited.same_meaning(rule_of(base)));
    CHECK_FALSE(same("::/0 permit 0.0.0.0/0 port 22,24", "::/0 permit 0.0.0.0/0 port 22-24"));
}

TEST_CASE("rule: says where it comes from") {
    Rule rule = rule_of("# first line\n\n::/0 deny 10.0.0.0/8");
    CHECK(origin(rule) == "test.conf:3");
    rule.line = 0;
    CHECK(origin(rule) == "test.conf (::/0 deny 10.0.0.0/8)");
    rule.file.clear();
    CHECK(origin(rule) == "default rule (::/0 deny 10.0.0.0/8)");
}
