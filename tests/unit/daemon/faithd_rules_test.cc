/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/faithd.h"

#include "tests/support/temp_dir.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::daemon;

namespace {

Result<FaithdRules> read(const TempDir &directory, const std::string &text) {
    FaithdOptions options;
    options.rules_file = directory.write("faithd.conf", text);
    return read_faithd_rules(options);
}

const relay::Request request{.client = *parse_ip6("2001:db8:6::1"),
                             .destination = *parse_ip6("64:ff9b::c000:201"),
                             .port = 23};

std::string said(fgw_reason reason, const acl::Rule *rule = nullptr) {
    return describe_for_faithd(
        {.request = request, .reason = reason, .target = *parse_ip4("192.0.2.1"), .rule = rule},
        "telnet");
}

} // namespace

TEST_CASE("faithd_rules: a list is read with its lines, and may be empty") {
    const TempDir directory;
    const Result<FaithdRules> two =
        read(directory, "::/0 deny 10.0.0.0/8 # no\n\n::/0 permit 0.0.0.0/0\n");
    REQUIRE(two);
    CHECK(two->file == directory / "faithd.conf");
    REQUIRE(two->rules->rules.size() == 2);
    CHECK(two->rules->rules[1].line == 3);
    CHECK(two->rules->warnings.empty());
    const Result<FaithdRules> none = read(directory, "# nothing\n");
    REQUIRE(none);
    CHECK(none->rules->rules.empty()); /* permits nothing (D29) */
}

TEST_CASE(
    "faithd_rules: a mistake is an error with its place, a missing file one as well (D6, D26)") {
    const TempDir directory;
    const Result<FaithdRules> bad = read(directory, "::/0 permit 0.0.0.0/0\n::/0 allow 10.0.0.1\n");
    REQUIRE_FALSE(bad);
    CHECK(bad.error().kind == Errc::Invalid);
    CHECK(bad.error().text.starts_with(directory / "faithd.conf" + ":2:6:"));
    FaithdOptions options;
    options.rules_file = directory / "none";
    const Result<FaithdRules> missing = read_faithd_rules(options);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == Errc::Invalid);
    CHECK(missing.error().text.starts_with("could not load config file: "));
}

TEST_CASE("faithd_rules: a limit and a rule that opens nothing are warned of") {
    const TempDir directory;
    const Result<FaithdRules> odd =
        read(directory, "::/0 permit 127.0.0.0/8\n::/0 permit 0.0.0.0/0 limit 5/s\n");
    REQUIRE(odd);
    REQUIRE(odd->rules->warnings.size() == 2);
    CHECK(odd->rules->warnings[0].find("faithd.conf:1: ") != std::string::npos);
    CHECK(odd->rules->warnings[1] == directory / "faithd.conf" +
                                         ":2: limit counts only in the list that faith-gw load "
                                         "reads");
}

TEST_CASE("faithd_rules: denials are worded as faithd worded them, with the client and the rule "
          "(D30)") {
    acl::Rule rule;
    rule.source = *parse_prefix6("2001:db8::/32");
    rule.file = "faithd.conf";
    rule.line = 7;
    CHECK(said(FGW_ACL_DENY, &rule) ==
          "translation to 192.0.2.1 not permitted for 2001:db8::/32 from 2001:db8:6::1 to "
          "64:ff9b::c000:201 (faithd.conf:7)");
    CHECK(said(FGW_ACL_NO_MATCH) ==
          "translation to 192.0.2.1 not permitted from 2001:db8:6::1 to 64:ff9b::c000:201 "
          "(denied: no rule matches)");
    CHECK(said(FGW_ACL_PERMIT, &rule) ==
          "translating to 192.0.2.1 from 2001:db8:6::1 to 64:ff9b::c000:201 (faithd.conf:7)");
    CHECK(said(FGW_NOT_CAPTURED) ==
          "no local service for telnet from 2001:db8:6::1 to 64:ff9b::c000:201");
}
