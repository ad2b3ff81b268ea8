/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/compile.h"

#include "acl/evaluate.h"
#include "acl/parse.h"
#include "tests/support/cpu_time.h"
#include "tests/support/random_rules.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <set>

using namespace faith;
using namespace faith::acl;
using faith::test::Random;

namespace {

using Slots = std::vector<std::uint32_t>;

std::vector<Rule> rules_of(std::string_view text) {
    Result<std::vector<Rule>> rules = parse(text, "test.conf");
    INFO((rules ? "" : rules.error().text));
    REQUIRE(rules);
    return *std::move(rules);
}

Compiled compiled(const std::vector<Rule> &rules, const CompileOptions &options = {}) {
    Result<Compiled> result = compile(rules, options);
    INFO((result ? "" : result.error().text));
    REQUIRE(result);
    return *std::move(result);
}

std::vector<std::string> warnings_of(std::string_view text, std::span<const Prefix4> never = {}) {
    std::vector<std::string> texts;
    for (const Warning &warning : compiled(rules_of(text), {.never = never}).warnings)
        texts.push_back(warning.text);
    return texts;
}

template <class T>
bool same_bytes(const std::vector<T> &a, const std::vector<T> &b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

} // namespace

TEST_CASE("compile: the tables hold what faith/abi.h says, byte for byte") {
    const Image image = compiled(rules_of("2001:db8::/32 permit 192.0.2.0/24 port 80\n"
                                          "2001:db8::/32 deny 0.0.0.0/0\n"))
                            .image;
    CHECK(same_bytes(image.source_keys, {{.prefix_len = 32, .addr = {0x20, 0x01, 0x0d, 0xb8}}}));
    CHECK(same_bytes(image.source_values, {{.class_id = 1}}));
    CHECK(same_bytes(image.destination_keys,
                     {{.prefix_len = 32 + 24, .class_id = {0, 0, 0, 1}, .addr = {192, 0, 2, 0}},
                      {.prefix_len = 32 + 0, .class_id = {0, 0, 0, 1}, .addr = {0, 0, 0, 0}}}));
    CHECK(same_bytes(image.destination_values,
                     {{.verdict = 1, .first_segment = 0, .segments = 1, .pad = 0},
                      {.verdict = 1, .first_segment = 0, .segments = 0, .pad = 0}}));
    CHECK(same_bytes(image.segments,
                     {{.first_port = 80, .last_port = 80, .verdict = FGW_VERDICT_PERMIT | 0}}));
    CHECK(image.slots == Slots{0, 1});
    CHECK(image.hash == hash_of(image));
}

TEST_CASE("compile: no rules, no entries") {
    const Compiled result = compiled({});
    CHECK(result.image.source_keys.empty());
    CHECK(result.image.destination_keys.empty());
    CHECK(result.image.segments.empty());
    CHECK(result.warnings.empty());
}

TEST_CASE("compile: the same rules and slots give the same bytes") {
    Random random;
    INFO(random.seed());
    const std::vector<Rule> rules = test::random_list(random, 300);
    const Image first = compiled(rules).image;
    const Image second = compiled(rules).image;
    CHECK(first.hash == second.hash);
    CHECK(same_bytes(first.source_keys, second.source_keys));
    CHECK(same_bytes(first.destination_keys, second.destination_keys));
    CHECK(same_bytes(first.destination_values, second.destination_values));
    CHECK(same_bytes(first.segments, second.segments));
}

TEST_CASE("compile: equal port lists are written once") {
    const Image image = compiled(rules_of("::/0 permit 0.0.0.0/0 port 22,80\n"
                                          "2001:db8:1::/48 permit 10.0.0.0/8\n"
                                          "2001:db8:2::/48 permit 11.0.0.0/8\n"))
                            .image;
    CHECK(image.destination_keys.size() == 5);
    CHECK(image.segments.size() == 2 + 2 + 2); /* 0/0 in three classes; 10/8; 11/8 */
}

TEST_CASE("compile: a rule keeps its slot, a new one gets one that nobody had") {
    const std::vector<Rule> before = rules_of("a::/16 permit 1.0.0.0/8\n"
                                              "b::/16 permit 1.0.0.0/8\n"
                                              "c::/16 permit 1.0.0.0/8\n");
    const Slots slots = compiled(before).image.slots;
    CHECK(slots == Slots{0, 1, 2});
    const std::vector<Rule> after = rules_of("d::/16 permit 1.0.0.0/8\n"
                                             "c::/16 permit 1.0.0.0/8\n"
                                             "a::/16 permit 1.0.0.0/8\n"
                                             "a::/16 permit 1.0.0.0/8\n"
                                             "b::/16 deny 1.0.0.0/8\n");
    const Previous previous = {.rules = before, .slots = slots};
    const Image image = compiled(after, {.previous = previous}).image;
    CHECK(image.slots == Slots{3, 2, 0, 4, 5});
    CHECK(slots_end(image) == 6);
    /* The verdicts say the same slots. */
    CHECK(image.destination_values.front().verdict == (FGW_VERDICT_PERMIT | 0));
}

TEST_CASE("compile: the slots of rules that go are not given to rules that come") {
    const std::vector<Rule> before = rules_of("a::/16 permit 1.0.0.0/8\n"
                                              "b::/16 permit 1.0.0.0/8\n"
                                              "c::/16 permit 1.0.0.0/8\n");
    const Slots slots = {2, 0, 3};
    const std::vector<Rule> after = rules_of("d::/16 permit 1.0.0.0/8\n"
                                             "e::/16 permit 1.0.0.0/8\n"
                                             "b::/16 permit 1.0.0.0/8\n"
                                             "f::/16 permit 1.0.0.0/8\n");
    CHECK(compiled(after, {.previous = {.rules = before, .slots = slots}}).image.slots ==
          Slots{1, 4, 0, 5});
}

TEST_CASE("compile: two full generations find a slot for every rule") {
    const std::vector<Rule> before = rules_of("a::/16 permit 1.0.0.0/8\n"
                                              "b::/16 permit 1.0.0.0/8\n");
    const std::vector<Rule> after = rules_of("c::/16 permit 1.0.0.0/8\n"
                                             "d::/16 permit 1.0.0.0/8\n");
    static_assert(FGW_ACL_SLOTS >= 2 * FGW_MAX_RULES);
    const Slots highest = {FGW_ACL_SLOTS - 1, FGW_ACL_SLOTS - 2};
    const Slots lowest = {0, 1};
    CHECK(compiled(after, {.previous = {.rules = before, .slots = highest}}).image.slots == lowest);
    CHECK(compiled(after, {.previous = {.rules = before, .slots = lowest}}).image.slots ==
          Slots{2, 3});
}

TEST_CASE("compile: past a limit the error names the rule") {
    const std::vector<Rule> rules = rules_of("# a comment\n"
                                             "a::/16 permit 1.0.0.0/8\n"
                                             "b::/16 permit 1.0.0.0/8\n"
                                             "c::/16 permit 1.0.0.0/8 port 1\n");
    const auto error = [&](const Limits &limits) {
        const Result<Compiled> result = compile(rules, {.limits = limits});
        REQUIRE_FALSE(result);
        CHECK(result.error().kind == Errc::Invalid);
        return result.error().text;
    };
    CHECK(compile(
        rules,
        {.limits = {.max_rules = 3, .max_sources = 3, .max_destinations = 3, .max_segments = 1}}));
    CHECK_THAT(error({.max_rules = 2}), Catch::StartsWith("test.conf:4: more than 2 rules"));
    CHECK_THAT(error({.max_sources = 1}), Catch::StartsWith("test.conf:3: more than 1 source"));
    CHECK_THAT(error({.max_destinations = 1}), Catch::StartsWith("test.conf:3: more than 1 "));
    CHECK_THAT(error({.max_segments = 0}), Catch::StartsWith("test.conf:4: more than 0 "));
}

TEST_CASE("compile: warns of a rule that can never match and says who comes first") {
    CHECK(warnings_of("2001:db8::/32 permit 10.0.0.0/8\n"
                      "2001:db8:1::/48 deny 10.1.0.0/16 port 22\n"
                      "2001:db8:1::/48 deny 10.0.0.0/7\n") ==
          std::vector<std::string>{
              "test.conf:2: this rule can never match: test.conf:1 comes first and covers it"});
    CHECK(warnings_of("::/0 permit 10.0.0.0/9\n"
                      "::/0 permit 10.128.0.0/9\n"
                      "::/0 deny 10.0.0.0/8\n") ==
          std::vector<std::string>{"test.conf:3: this rule can never match: earlier rules cover it "
                                   "between them, one is test.conf:1"});
    CHECK(warnings_of("::/0 permit 10.0.0.0/8 port 1-100\n"
                      "::/0 permit 10.0.0.0/8 port 90-200\n"
                      "::/0 deny 10.0.0.0/8 port 50-150\n"
                      "::/0 deny 10.0.0.0/8 port 50-201\n")
              .size() == 1);
    CHECK(warnings_of("2001:db8::/33 permit 1.0.0.0/8\n"
                      "2001:db8:8000::/33 permit 1.0.0.0/8\n"
                      "2001:db8::/32 deny 1.0.0.0/8\n")
              .size() == 1);
}

TEST_CASE("compile: warns of a permission that the never list makes void") {
    const Prefix4 never[] = {*parse_prefix4("127.0.0.0/8"), *parse_prefix4("240.0.0.0/4")};
    CHECK(warnings_of("::/0 permit 127.0.0.1\n"
                      "::/0 deny 127.0.0.0/8\n"
                      "::/0 permit 127.0.0.1/7\n"
                      "2001:db8::/32 permit 255.255.255.255\n"
                      "::/0 permit 0.0.0.0/0\n",
                      never) ==
          std::vector<std::string>{"test.conf:1: this rule permits nothing: 127.0.0.0/8 is never "
                                   "relayed to, whatever the rules say",
                                   "test.conf:4: this rule permits nothing: 240.0.0.0/4 is never "
                                   "relayed to, whatever the rules say"});
}

/* In a universe of eight sources, eight targets and a few ports, every packet is tried. */
TEST_CASE("compile: the rules it warns of are exactly those that never decide") {
    Random random;
    INFO(random.seed());
    std::size_t warned = 0;
    for (int round = 0; round < 400; round++) {
        std::vector<Rule> rules = test::random_rules(random, 14);
        for (Rule &rule : rules) {
            rule.source = {.address = {.bytes = {random.byte()}},
                           .length = static_cast<std::uint8_t>(random.between(0, 3))};
            rule.target = {.address = {.value = random.word()},
                           .length = static_cast<std::uint8_t>(random.between(0, 3))};
            for (PortRange &range : rule.ports) {
                range.first = static_cast<std::uint16_t>(random.between(1, 4));
                range.last = static_cast<std::uint16_t>(random.one_in(3) ? 65535 : range.first + 1);
            }
        }
        constexpr std::uint16_t ports[] = {0, 1, 2, 3, 4, 5, 6, 65535};
        std::set<const Rule *> deciding;
        for (unsigned source = 0; source < 8; source++)
            for (unsigned target = 0; target < 8; target++)
                for (const std::uint16_t port : ports)
                    deciding.insert(
                        evaluate(rules,
                                 {.source = {.bytes = {static_cast<std::uint8_t>(source << 5)}},
                                  .target = {.value = target << 29},
                                  .port = port})
                            .rule);
        std::vector<std::uint32_t> expected;
        for (std::uint32_t i = 0; i < rules.size(); i++)
            if (!deciding.contains(&rules[i]))
                expected.push_back(i);
        std::vector<std::uint32_t> found;
        for (const Warning &warning : compiled(rules).warnings)
            found.push_back(warning.rule);
        CAPTURE(test::to_text(rules));
        REQUIRE(found == expected);
        warned += found.size();
    }
    CHECK(warned > 100);
}

namespace {

/* 100,000 rules of one kind, as text would be too slow to read here. */
std::vector<Rule> many(std::size_t count, auto change) {
    std::vector<Rule> rules(count);
    for (std::uint32_t i = 0; i < count; i++) {
        rules[i].file = "many.conf";
        rules[i].line = i + 1;
        rules[i].action = Action::Permit;
        change(rules[i], i);
    }
    return rules;
}

Prefix6 site(std::uint32_t number) {
    return {.address = {.bytes = {0x20, 0x01, static_cast<std::uint8_t>(number >> 24),
                                  static_cast<std::uint8_t>(number >> 16),
                                  static_cast<std::uint8_t>(number >> 8),
                                  static_cast<std::uint8_t>(number)}},
            .length = 48};
}

Prefix4 network(std::uint32_t number) {
    return {.address = {.value = 0x0a000000U + (number << 8)}, .length = 24};
}

} // namespace

/* Each is quadratic for a compiler that walks the list once for each source, destination
 * or port: minutes instead of less than a second. */
TEST_CASE("compile: no arrangement of 100,000 rules takes long") {
    constexpr std::uint32_t n = 100'000;
    const std::pair<const char *, std::vector<Rule>> cases[] = {
        {"a rule for each site",
         many(n, [](Rule &rule, std::uint32_t i) { rule.source = site(i); })},
        {"everybody's networks",
         many(n, [](Rule &rule, std::uint32_t i) { rule.target = network(i); })},
        {"sites first, then everybody's networks", many(n,
                                                        [](Rule &rule, std::uint32_t i) {
                                                            if (i < n / 2)
                                                                rule.source = site(i);
                                                            else
                                                                rule.target = network(i);
                                                        })},
        {"everybody's networks, all closed before", many(n,
                                                         [](Rule &rule, std::uint32_t i) {
                                                             if (i > 0 && i <= n / 2)
                                                                 rule.target = network(i);
                                                             else if (i > 0)
                                                                 rule.source = site(i);
                                                         })},
        {"sites that close what everybody may reach",
         many(n,
              [](Rule &rule, std::uint32_t i) {
                  if (i < n / 2)
                      rule.source = site(i);
                  else
                      rule.target = network(i);
                  if (i < n / 2)
                      rule.target = {.address = {.value = 0x0a000000}, .length = 7};
              })},
        {"everybody's networks, one port closed before", many(n,
                                                              [](Rule &rule, std::uint32_t i) {
                                                                  if (i > n / 2)
                                                                      rule.source = site(i);
                                                                  else
                                                                      rule.ports = {{.first = 80,
                                                                                     .last = 80}};
                                                                  if (i > 0 && i <= n / 2)
                                                                      rule.target = network(i);
                                                              })},
        {"single ports", many(n,
                              [](Rule &rule, std::uint32_t i) {
                                  const auto port = static_cast<std::uint16_t>(i % 65535 + 1);
                                  rule.ports = {{.first = port, .last = port}};
                              })},
        {"the same rule", many(n, [](Rule &, std::uint32_t) {})},
        {"a chain of sources", many(n,
                                    [](Rule &rule, std::uint32_t i) {
                                        rule.source.length = static_cast<std::uint8_t>(i % 129);
                                        rule.target = network(i / 129);
                                    })},
    };
    for (const auto &[name, rules] : cases) {
        CAPTURE(name);
        const auto start = test::cpu_time();
        const Compiled result = compiled(rules);
        CHECK((test::cpu_time() - start).count() < 20);
    }
}

TEST_CASE("compile: a list that multiplies ends at the limit, soon and named") {
    constexpr std::uint32_t n = 100'000;
    const std::vector<Rule> rules = many(n, [](Rule &rule, std::uint32_t i) {
        if (i < 1000)
            rule.target = network(i);
        else
            rule.source = site(i);
    });
    const auto start = test::cpu_time();
    const Result<Compiled> result = compile(rules);
    CHECK((test::cpu_time() - start).count() < 20);
    REQUIRE_FALSE(result);
    CHECK_THAT(result.error().text,
               Catch::StartsWith("many.conf:") &&
                   Catch::Contains("repeats the 1000 destinations of ::/0 around it"));
}
