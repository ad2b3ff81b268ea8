/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/diff.h"

#include "acl/parse.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::acl;

namespace {

using Indexes = std::vector<std::uint32_t>;

std::vector<Rule> rules_of(std::string_view text, std::string_view file = "new.conf") {
    Result<std::vector<Rule>> rules = parse(text, file);
    INFO((rules ? "" : rules.error().text));
    REQUIRE(rules);
    return *std::move(rules);
}

std::vector<Rule> old_list() {
    return rules_of("a::/16 permit 1.0.0.0/8\n"
                    "b::/16 permit 1.0.0.0/8\n"
                    "c::/16 permit 1.0.0.0/8\n"
                    "d::/16 permit 1.0.0.0/8\n",
                    "old.conf");
}

/* Rules of the old list by letter, then new ones by any other. */
std::vector<Rule> list(std::string_view letters) {
    std::string text;
    for (const char letter : letters)
        text += std::string(1, letter) + "::/16 permit 1.0.0.0/8\n";
    return rules_of(text);
}

} // namespace

TEST_CASE("diff: rules come, go and stay") {
    const std::vector<Rule> abcd = old_list();
    const std::vector<Rule> to = list("eacf");
    const Diff result = diff(abcd, to);
    CHECK(result.added == Indexes{0, 3});
    CHECK(result.removed == Indexes{1, 3});
    CHECK(result.moved.empty());
    CHECK(result.unchanged == 2);
    CHECK(summary(result) == "+2 -2 rules");
    CHECK(lines(result, abcd, to) ==
          std::vector<std::string>{
              "- old.conf:2: b::/16 permit 1.0.0.0/8", "- old.conf:4: d::/16 permit 1.0.0.0/8",
              "+ new.conf:1: e::/16 permit 1.0.0.0/8", "+ new.conf:4: f::/16 permit 1.0.0.0/8"});
}

TEST_CASE("diff: another order is a change, told by the fewest rules that moved") {
    const std::vector<Rule> abcd = old_list();
    const std::vector<Rule> to = list("dabc");
    const Diff result = diff(abcd, to);
    CHECK(result.moved == Indexes{0});
    CHECK(result.unchanged == 4);
    CHECK_FALSE(result.empty());
    CHECK(summary(result) == "+0 -0 rules, 1 moved");
    CHECK(lines(result, abcd, to) ==
          std::vector<std::string>{"~ new.conf:1: d::/16 permit 1.0.0.0/8"});
    CHECK(diff(abcd, list("dcba")).moved.size() == 3);
    CHECK(diff(abcd, list("bcdea")).moved == Indexes{4});
}

TEST_CASE("diff: the same list, written anew, has no difference") {
    const std::vector<Rule> abcd = old_list();
    const Diff result = diff(abcd, list("abcd"));
    CHECK(result.empty());
    CHECK(result.unchanged == 4);
    CHECK(summary(result) == "+0 -0 rules");
    CHECK(diff({}, {}).empty());
}

TEST_CASE("diff: from nothing and to nothing") {
    const std::vector<Rule> abcd = old_list();
    CHECK(diff({}, abcd).added == Indexes{0, 1, 2, 3});
    CHECK(diff(abcd, {}).removed == Indexes{0, 1, 2, 3});
}

TEST_CASE("diff: a derived rule is named by what it stands for") {
    const std::vector<Rule> abcd = old_list();
    Rule rule = abcd.front();
    rule.file = "--permit";
    rule.line = 0;
    const std::vector<Rule> to = {rule, abcd[1]};
    const Diff result = diff(std::span(abcd).subspan(1, 1), to);
    CHECK(lines(result, std::span(abcd).subspan(1, 1), to) ==
          std::vector<std::string>{"+ --permit (a::/16 permit 1.0.0.0/8)"});
}
