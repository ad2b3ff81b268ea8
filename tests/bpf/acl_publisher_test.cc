/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Generations of rules put in force, as the maps show them. */
#include "datapath/acl_publisher.h"

#include "loaded.h"

#include "tests/support/prog_run.h"

#include <map>

using namespace faith;
using namespace faith::test;

namespace {

/* A gateway without rules, in silence, so that what a connection gets is XDP's own word. */
class Published {
public:
    Published() {
        fgw_config config = Loaded::config(0);
        config.deny = FGW_DENY_SILENT;
        loaded.configure(config);
        loaded.capture("2001:db8:f::/96");
    }
    void publish(std::string_view text) { loaded.rules(text); }
    /* The rules that fgw_acl holds: "SLOT:LINE SLOT:LINE". */
    std::string shown() const {
        std::string text;
        for (const auto &[slot, rule] : entries())
            text +=
                (text.empty() ? "" : " ") + std::to_string(slot) + ":" + std::to_string(rule.line);
        return text;
    }
    std::string outcome(const std::string &target) {
        const Bytes syn =
            Packet().eth().ip6({.destination = address6("2001:db8:f::" + target)}).tcp().bytes();
        const Loaded::Counts before = loaded.counts();
        REQUIRE(run_on_packet(loaded.object().xdp_program(), syn));
        return moved(before, loaded.counts());
    }

    Loaded loaded{Loaded::Bare()};

private:
    std::map<std::uint32_t, fgw_rule> entries() const {
        const auto list = *loaded.maps().acl.entries();
        return {list.begin(), list.end()};
    }
};

constexpr const char *permitted = "PASS_TCP +1";
constexpr const char *denied = "ACL_DENY +1";
constexpr const char *no_match = "ACL_NO_MATCH +1";

} // namespace

TEST_CASE("acl_publisher: before the first generation everything is denied") {
    Published published;
    CHECK(published.loaded.generation() == 0);
    CHECK(published.outcome("192.0.2.1") == no_match);
}

TEST_CASE("acl_publisher: what is prepared is seen by nobody until it is committed") {
    Published published;
    published.publish("::/0 deny 192.0.2.1\n::/0 permit 0.0.0.0/0\n");
    CHECK(published.loaded.generation() == 1);
    CHECK(published.outcome("192.0.2.1") == denied);
    CHECK(published.outcome("192.0.2.2") == permitted);

    const auto nothing = published.loaded.compile(*acl::parse("::/0 deny 0.0.0.0/0\n", "f"));
    datapath::AclPublisher publisher(published.loaded.maps());
    REQUIRE(publisher.prepare(published.loaded.next(nothing).update));
    CHECK(published.loaded.generation() == 1);
    CHECK(published.outcome("192.0.2.2") == permitted);

    /* Something else is committed instead. */
    published.publish("::/0 deny 192.0.2.2\n::/0 permit 0.0.0.0/0\n");
    CHECK(published.loaded.generation() == 2);
    CHECK(published.outcome("192.0.2.1") == permitted);
    CHECK(published.outcome("192.0.2.2") == denied);
}

TEST_CASE(
    "acl_publisher: a rule that stays keeps its hits, a slot that is used again begins at 0") {
    Published published;
    published.publish("::/0 deny 192.0.2.1\n::/0 deny 192.0.2.2\n::/0 permit 0.0.0.0/0\n");
    for (int i = 0; i < 3; ++i)
        CHECK(published.outcome("192.0.2.1") == denied);
    CHECK(published.outcome("192.0.2.2") == denied);
    CHECK(published.loaded.hits(0) == 3);
    CHECK(published.loaded.hits(1) == 1);

    published.publish("::/0 permit 0.0.0.0/0\n"); /* slots 0 and 1 go */
    CHECK(published.shown() == "2:1");
    published.publish("::/0 deny 192.0.2.9\n::/0 permit 0.0.0.0/0\n");
    CHECK(published.shown() == "0:1 2:2");
    CHECK(published.loaded.hits(0) == 0);
    CHECK(published.outcome("192.0.2.9") == denied);
    CHECK(published.loaded.hits(0) == 1);
}

TEST_CASE("acl_publisher: rules come and go, the rule of a generation is there when it decides") {
    Published published;
    for (std::uint32_t turn = 1; turn <= 20; ++turn) {
        INFO("turn " << turn);
        published.publish(turn % 2 == 0 ? "::/0 deny 192.0.2.1\n::/0 permit 0.0.0.0/0\n"
                                        : "::/0 permit 192.0.2.1\n::/0 deny 0.0.0.0/0\n");
        CHECK(published.loaded.generation() == turn);
        CHECK(published.outcome("192.0.2.1") == (turn % 2 == 0 ? denied : permitted));
        CHECK(published.outcome("192.0.2.2") == (turn % 2 == 0 ? permitted : denied));
        CHECK(published.shown().size() == 7);
    }
}

TEST_CASE("acl_publisher: no rules are a generation, too") {
    Published published;
    published.publish("::/0 permit 0.0.0.0/0\n");
    CHECK(published.outcome("192.0.2.1") == permitted);
    published.publish("");
    CHECK(published.outcome("192.0.2.1") == no_match);
    CHECK(published.shown() == "");
    published.publish("::/0 permit 0.0.0.0/0\n");
    CHECK(published.outcome("192.0.2.1") == permitted);
}
