/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/event.h"

#include "acl/parse.h"
#include "daemon/witness.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>

using namespace faith;
using namespace faith::daemon;

namespace {

const std::vector<acl::Rule> rules = *acl::parse("2001:db8:6::/64 deny 192.0.2.3\n"
                                                 "2001:db8:6::/64 permit 0.0.0.0/0\n",
                                                 "faithd.conf");
const SlotIndex by_slot(std::array<std::uint32_t, 2>{7, 3});

fgw_event denied_by_slot_7() {
    fgw_event event{};
    event.reason = FGW_ACL_DENY;
    event.verdict = 7;
    std::ranges::copy(parse_ip6("2001:db8:6::2")->bytes, event.source);
    std::ranges::copy(parse_ip6("2001:db8:ffff::c000:203")->bytes, event.destination);
    std::ranges::copy(parse_ip4("192.0.2.3")->bytes(), event.target);
    event.source_port = 41234;
    event.destination_port = 80;
    return event;
}

} // namespace

TEST_CASE("event: a verdict's slot is the deciding rule, whatever its other bits say") {
    CHECK(deciding_rule(7, rules, by_slot) == &rules[0]);
    CHECK(deciding_rule(3 | FGW_VERDICT_PERMIT | FGW_VERDICT_LIMIT, rules, by_slot) == &rules[1]);
    CHECK(deciding_rule(FGW_VERDICT_NO_RULE, rules, by_slot) == nullptr);
    CHECK(deciding_rule(4, rules, by_slot) == nullptr);
}

TEST_CASE("event: a denial of the kernel is witnessed in the words of the relay's") {
    CHECK(describe(judgement_of(denied_by_slot_7(), &rules[0])) ==
          "translation not permitted from 2001:db8:6::2 to [2001:db8:ffff::c000:203]:80 "
          "(192.0.2.3:80): denied by a rule (faithd.conf:1)");
}

TEST_CASE("event: odd marks of a tunnel's packet are told with its peer and both of them (S30)") {
    fgw_event event{};
    event.reason = FGW_STF_IN_ECN;
    event.verdict = FGW_VERDICT_NO_RULE;
    event.hook = FGW_HOOK_XDP;
    std::ranges::copy(parse_ip6("2002:c633:6401::1")->bytes, event.source);
    std::ranges::copy(parse_ip6("2002:c000:201::1")->bytes, event.destination);
    std::ranges::copy(parse_ip4("198.51.100.1")->bytes(), event.target);
    event.outer_mark = 3;
    const std::string text =
        "tunnel packet of 198.51.100.1, from 2002:c633:6401::1 to 2002:c000:201::1, marked Not-ECT "
        "inside and CE outside: tunnel packet with a congestion mark its sender would not "
        "understand (RFC 6040)";
    CHECK(is_of_tunnel(event));
    CHECK_FALSE(is_of_tunnel(denied_by_slot_7()));
    CHECK(describe_marks(event) == text);
    CHECK(event_json(event, nullptr, "stf0") == Json{{"uptime_ns", 0},
                                                     {"reason", "STF_IN_ECN"},
                                                     {"peer", "198.51.100.1"},
                                                     {"source", "2002:c633:6401::1"},
                                                     {"destination", "2002:c000:201::1"},
                                                     {"inner_mark", "Not-ECT"},
                                                     {"outer_mark", "CE"},
                                                     {"interface", "stf0"},
                                                     {"hook", "xdp"},
                                                     {"text", text}});
    event.inner_mark = 1;
    event.outer_mark = 2;
    CHECK(event_json(event, nullptr, "stf0")["inner_mark"] == "ECT(1)");
    CHECK(event_json(event, nullptr, "stf0")["outer_mark"] == "ECT(0)");
}
