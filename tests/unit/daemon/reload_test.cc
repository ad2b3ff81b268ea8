/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/reload.h"

#include "acl/parse.h"
#include "prefix/target.h"

#include <catch2/catch.hpp>

using namespace faith;
using daemon::Plan;

namespace {

Plan plan_of(std::vector<prefix::FaithPrefix> prefixes) {
    Plan plan;
    plan.config_file = "gw.toml";
    plan.prefixes = std::move(prefixes);
    return plan;
}

prefix::FaithPrefix prefix_of(std::string_view text,
                              prefix::Layout layout = prefix::Layout::FaithLast32) {
    return *prefix::make_prefix(*parse_prefix6(text), layout);
}

std::string refusal(const Plan &before, const Plan &next) {
    const Status status = daemon::refuse_unchangeable(before, next);
    if (status)
        return "none";
    CHECK(status.error().kind == Errc::Invalid);
    return status.error().text;
}

std::vector<acl::Rule> rules_of(std::string_view text) { return *acl::parse(text, "f"); }

} // namespace

TEST_CASE("reload: prefixes and workers cannot change, and the error names which") {
    const Plan before = plan_of({prefix::well_known()});
    CHECK(refusal(before, before) == "none");
    CHECK(refusal(before, plan_of({prefix_of("2001:db8::/96")})) ==
          "gw.toml: [faith] prefixes cannot change while sessions run; unload, then load");
    CHECK_THAT(refusal(plan_of({prefix_of("2001:db8::/64")}),
                       plan_of({prefix_of("2001:db8::/64", prefix::Layout::Rfc6052)})),
               Catch::Contains("[faith] prefixes"));
    Plan next = before;
    next.config.relay.workers = 2;
    CHECK_THAT(refusal(before, next), Catch::Contains("[relay] workers"));
}

TEST_CASE("reload: everything else may change") {
    const Plan before = plan_of({prefix::well_known()});
    Plan next = before;
    next.config.faith.keepfaith = false;
    next.config.faith.deny = config::Deny::Silent;
    next.config.faith.ports = {{.first = 1, .last = 2}};
    next.config.faith.never = {*parse_prefix4("192.0.2.0/24")};
    next.config.relay.max_sessions = 7;
    next.config.relay.max_rate_per_source = 7;
    next.config.relay.idle_timeout = std::chrono::milliseconds(1);
    CHECK(refusal(before, next) == "none");
}

TEST_CASE("reload: the switches of the kernel are those of the configuration") {
    Plan plan;
    CHECK(daemon::settings_of(plan).ports.empty());
    CHECK(daemon::settings_of(plan).deny == FGW_DENY_RESET);
    CHECK(daemon::settings_of(plan).source_rate == 0);
    plan.config.faith.ports = {{.first = 22, .last = 22}, {.first = 8000, .last = 8099}};
    plan.config.relay.max_rate_per_source = 50;
    plan.config.faith.deny = config::Deny::Prohibited;
    const datapath::Settings settings = daemon::settings_of(plan);
    REQUIRE(settings.ports.size() == 2);
    CHECK(settings.ports[1].first == 8000);
    CHECK(settings.ports[1].last == 8099);
    CHECK(settings.deny == FGW_DENY_PROHIBITED);
    CHECK(settings.source_rate == 50);
    plan.config.faith.deny = config::Deny::Silent;
    CHECK(daemon::settings_of(plan).deny == FGW_DENY_SILENT);
}

TEST_CASE("reload: only 64:ff9b::/96 must not carry private addresses (R23)") {
    const auto capture = daemon::capture_of(plan_of(
        {prefix::well_known(), prefix_of("2001:db8::/96"),
         prefix_of("2001:db8:1::/48", prefix::Layout::Rfc6052), prefix_of("64:ff9b:1::/48")}));
    REQUIRE(capture.size() == 4);
    for (std::size_t i = 0; i < capture.size(); ++i)
        CHECK(capture[i].global_only == (i == 0));
    CHECK(capture[1].layout == FGW_LAYOUT_FAITH);
    CHECK(capture[2].layout == FGW_LAYOUT_RFC6052);
    CHECK(to_string(capture[2].prefix) == "2001:db8:1::/48");
}

TEST_CASE("reload: targets are the built-in ones, the operator's, and the gateway's own") {
    Plan plan;
    plan.config.faith.never = {*parse_prefix4("203.0.113.0/24")};
    daemon::Network network;
    sys::Address4 own;
    own.prefix = *parse_prefix4("192.0.2.1/24");
    network.addresses4.push_back(own);
    const datapath::TargetLists lists = daemon::targets_of(plan, network);
    CHECK(prefix::any_contains(lists.never, *parse_ip4("127.0.0.1")));
    CHECK(prefix::any_contains(lists.never, *parse_ip4("203.0.113.9")));
    CHECK(lists.own == std::vector<Ip4>{*parse_ip4("192.0.2.1")});
    CHECK(prefix::any_contains(lists.not_global, *parse_ip4("10.0.0.1")));
}

TEST_CASE("reload: the report says the generations and what comes and goes") {
    const daemon::Json report = daemon::describe_reload(
        rules_of("::/0 deny 10.0.0.0/8\n::/0 deny 11.0.0.0/8\n"),
        rules_of("::/0 deny 10.0.0.0/8\n::/0 permit 0.0.0.0/0\n::/0 deny 0.0.0.0/0\n"), 12, 13);
    CHECK(report == daemon::Json::parse(R"({"before": 12, "after": 13, "summary": "+2 -1 rules",
        "changes": ["- f:2: ::/0 deny 11.0.0.0/8", "+ f:2: ::/0 permit 0.0.0.0/0",
                    "+ f:3: ::/0 deny 0.0.0.0/0"]})"));
}
