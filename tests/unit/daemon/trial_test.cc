/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/trial.h"

#include "acl/parse.h"
#include "prefix/target.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::daemon;

namespace {

PolicyInputs inputs() {
    PolicyInputs made{};
    made.prefixes = {prefix::well_known()};
    made.never.assign(prefix::built_in_never().begin(), prefix::built_in_never().end());
    made.own_addresses = {*parse_ip4("192.0.2.1")};
    made.rules = *make_rule_set(*acl::parse("2001:db8:6::/64 deny 192.0.2.3\n"
                                            "2001:db8:6::/64 permit 0.0.0.0/0 port 22\n",
                                            "faithd.conf"),
                                {});
    return made;
}

Trial ask(const char *source, const char *target, std::uint16_t port = 22,
          PolicyInputs asked = inputs()) {
    return try_connection(
        std::move(asked),
        {.source = *parse_ip6(source), .target = *parse_ip4(target), .port = port});
}

} // namespace

TEST_CASE("trial: the first rule that matches decides and is named") {
    CHECK(to_json(ask("2001:db8:6::2", "192.0.2.2"), 4) ==
          Json({{"verdict", "permit"},
                {"reason", "ACL_PERMIT"},
                {"sentence", "permitted by a rule"},
                {"rule",
                 {{"file", "faithd.conf"},
                  {"line", 2},
                  {"text", "2001:db8:6::/64 permit 0.0.0.0/0 port 22"}}},
                {"generation", 4}}));
    const Json denied = to_json(ask("2001:db8:6::2", "192.0.2.3"), std::nullopt);
    CHECK(denied["verdict"] == "deny");
    CHECK(denied["rule"]["line"] == 1);
    CHECK(denied["generation"].is_null());
}

TEST_CASE("trial: no rule that matches is a denial with rule null") {
    const Json denied = to_json(ask("2001:db8:6::2", "192.0.2.2", 80), 1);
    CHECK(denied["verdict"] == "deny");
    CHECK(denied["reason"] == "ACL_NO_MATCH");
    CHECK(denied["rule"].is_null());
}

TEST_CASE("trial: what no rule opens is denied, and the rule that tries is named") {
    for (const auto &[target, reason] :
         {std::pair{"127.0.0.1", FGW_NEVER_TARGET}, std::pair{"192.0.2.1", FGW_OWN_TARGET},
          std::pair{"10.0.0.1", FGW_NOT_GLOBAL}}) {
        const Trial trial = ask("2001:db8:6::2", target);
        CHECK(trial.reason == reason);
        REQUIRE(trial.rule != nullptr);
        CHECK(trial.rule->line == 2);
    }
}

TEST_CASE("trial: who poses as what no client is, is denied") {
    CHECK(ask("::ffff:192.0.2.9", "192.0.2.2").reason == FGW_CLIENT_NOT_IP6);
    CHECK(ask("64:ff9b::1", "192.0.2.2").reason == FGW_BAD_SOURCE);
    CHECK(ask("2002:7f00:1::1", "192.0.2.2").reason == FGW_BAD_SOURCE);
}

TEST_CASE("trial: a private target is permitted if any prefix may carry it (R23)") {
    PolicyInputs two = inputs();
    two.prefixes.push_back(
        *prefix::make_prefix(*parse_prefix6("2001:db8:f::/96"), prefix::Layout::FaithLast32));
    CHECK(ask("2001:db8:6::2", "10.0.0.1", 22, std::move(two)).reason == FGW_ACL_PERMIT);
}
