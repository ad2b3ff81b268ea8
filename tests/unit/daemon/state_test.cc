/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is saved and read again as text; the files themselves are in a directory of root's,
 * so tests/netns/reload_test.py reads them back after a daemon that was killed. */
#include "daemon/state.h"

#include "acl/parse.h"
#include "tests/support/random_rules.h"

#include <catch2/catch.hpp>

using namespace faith;
using daemon::SavedRules;

namespace {

daemon::RuleSet rule_set(std::vector<acl::Rule> rules, std::vector<std::uint32_t> slots) {
    acl::Image image;
    image.slots = std::move(slots);
    return {.rules = std::move(rules),
            .image = std::move(image),
            .lookup = acl::Lookup(acl::Image{}),
            .warnings = {}};
}

std::string error_of(std::string_view text) {
    const Result<SavedRules> read = daemon::read_rules(text);
    return read ? "none" : read.error().text;
}

} // namespace

TEST_CASE("state: rules are printed with slot, file and line, each file once") {
    std::vector<acl::Rule> rules =
        *acl::parse("\n::/0 deny 10.0.0.0/8\n::/0 permit 0.0.0.0/0 port 22 limit 5/s log\n", "a b");
    acl::Rule derived = rules[0]; /* --permit and default rules have no file */
    derived.file = "";
    derived.line = 0;
    rules.insert(rules.begin(), derived);
    CHECK(daemon::print_rules(rule_set(rules, {7, 0, 131072})) ==
          "file \n"
          "file a b\n"
          "7 0 0 ::/0 deny 10.0.0.0/8\n"
          "0 1 2 ::/0 deny 10.0.0.0/8\n"
          "131072 1 3 ::/0 permit 0.0.0.0/0 port 22 limit 5/s log\n");
}

TEST_CASE("state: no rules are read as no rules") {
    const Result<SavedRules> read = daemon::read_rules(daemon::print_rules(rule_set({}, {})));
    REQUIRE(read);
    CHECK(read->rules.empty());
    CHECK(read->slots.empty());
}

TEST_CASE("state: any rules are read as they were saved") {
    test::Random random;
    INFO(random.seed());
    for (const std::size_t size : {1, 10, 100, 10'000}) {
        std::vector<acl::Rule> rules = test::random_list(random, size);
        std::vector<std::uint32_t> slots;
        for (acl::Rule &rule : rules) {
            slots.push_back(static_cast<std::uint32_t>(random.between(0, FGW_ACL_SLOTS - 1)));
            rule.file = random.one_in(3) ? "" : random.one_in(2) ? "/etc/faithd.conf" : "other";
            rule.line = random.word();
        }
        const Result<SavedRules> read =
            daemon::read_rules(daemon::print_rules(rule_set(rules, slots)));
        INFO((read ? "" : read.error().text));
        REQUIRE(read);
        CHECK(read->slots == slots);
        REQUIRE(read->rules.size() == rules.size());
        for (std::size_t i = 0; i < rules.size(); ++i) {
            REQUIRE(read->rules[i].same_meaning(rules[i]));
            REQUIRE(read->rules[i].file == rules[i].file);
            REQUIRE(read->rules[i].line == rules[i].line);
        }
    }
}

TEST_CASE("state: a list that is not whole is refused, not guessed") {
    const std::string good = "file f\n0 0 1 ::/0 deny 0.0.0.0/0\n";
    CHECK(error_of(good) == "none");
    const std::string damaged = "saved list of rules is damaged";
    CHECK(error_of("0 0 1 ::/0 deny 0.0.0.0/0\n") == damaged); /* no such file */
    CHECK(error_of("file f\n0 1 1 ::/0 deny 0.0.0.0/0\n") == damaged);
    CHECK(error_of("file f\n0 0 ::/0 deny 0.0.0.0/0\n") == damaged);
    CHECK(error_of("file f\n-1 0 1 ::/0 deny 0.0.0.0/0\n") == damaged);
    CHECK(error_of("file f\n0 0 4294967296 ::/0 deny 0.0.0.0/0\n") == damaged);
    CHECK(error_of("file f\n0 0 1 \n") == damaged); /* a number without its rule */
    CHECK_THAT(error_of("file f\n0 0 1 ::/0 deny 0.0.\n"), Catch::Contains("saved rules:1:"));
    for (std::size_t length = good.find("deny") + 5; length < good.size() - 1; ++length) {
        INFO(length);
        CHECK(error_of(good.substr(0, length)) != "");
    }
}
