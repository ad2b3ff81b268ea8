/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/rule_set.h"

#include "acl/evaluate.h"
#include "acl/parse.h"

#include <catch2/catch.hpp>

using namespace faith;

TEST_CASE("rule_set: the lookup answers as the list does") {
    const auto rules = *acl::parse("2001:db8:6::/48 deny 10.0.0.0/8\n"
                                   "2001:db8:6::/48 permit 0.0.0.0/0 port 22,80-90\n",
                                   "faithd.conf");
    const daemon::RuleSetRef set = *daemon::make_rule_set(rules, {});
    for (const char *target : {"10.1.2.3", "192.0.2.1"})
        for (const std::uint16_t port : std::initializer_list<std::uint16_t>{21, 22, 80, 90, 91}) {
            const acl::Packet packet{
                .source = *parse_ip6("2001:db8:6::2"), .target = *parse_ip4(target), .port = port};
            const acl::Verdict walked = acl::evaluate(set->rules, packet);
            const acl::Answer found = set->lookup.find(packet);
            INFO(target << " port " << port);
            CHECK(found.action == walked.action);
            CHECK((found.rule == acl::no_rule) == (walked.rule == nullptr));
        }
}

TEST_CASE("rule_set: a rule that tries to open what nobody may reach is warned of") {
    const std::vector<Prefix4> never = {*parse_prefix4("127.0.0.0/8")};
    const daemon::RuleSetRef set = *daemon::make_rule_set(
        *acl::parse("::/0 permit 127.0.0.1\n::/0 permit 192.0.2.0/24\n", "faithd.conf"), never);
    REQUIRE(set->warnings.size() == 1);
    CHECK_THAT(set->warnings[0], Catch::StartsWith("faithd.conf:1"));
}
