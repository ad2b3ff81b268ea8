/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The proof of the compiler: the list walk, the image read by its definition, the lookup
 * and the tables give the same rule for random and for boundary packets.
 */
#include "acl/compile.h"
#include "acl/lookup.h"
#include "tests/support/image_walk.h"
#include "tests/support/random_rules.h"
#include "tests/support/table_walk.h"

#include <catch2/catch.hpp>

#include <set>

using namespace faith;
using namespace faith::acl;
using faith::test::Random;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t comparisons_wanted = 100'000;
#else
constexpr std::size_t comparisons_wanted = 1'000'000;
#endif

/* Random lists repeat what is inside them more often than people do. */
constexpr Limits roomy = {.max_rules = FGW_MAX_RULES,
                          .max_sources = 1U << 20,
                          .max_destinations = 1U << 24,
                          .max_segments = 1U << 24};

Compiled compiled(const std::vector<Rule> &rules) {
    Result<Compiled> result = compile(rules, {.limits = roomy});
    INFO((result ? "" : result.error().text));
    REQUIRE(result);
    return *std::move(result);
}

/* The same answer in all forms; the word says the rule by its slot. */
bool agree(const std::vector<Rule> &rules, const Image &image, const Lookup &lookup,
           const Tables &tables, const Packet &packet) {
    const Verdict expected = evaluate(rules, packet);
    const std::uint32_t word = test::walk(image, packet);
    if (test::walk(tables, packet) != word)
        return false;
    const Answer answer = lookup.find(packet);
    if (expected.rule == nullptr)
        return word == FGW_VERDICT_NO_RULE && answer == Answer{};
    const auto index = static_cast<std::uint32_t>(expected.rule - rules.data());
    return word == verdict_word(*expected.rule, image.slots[index]) &&
           answer == Answer{.action = expected.action, .rule = index, .slot = image.slots[index]};
}

/* Many small lists, which people can read when one fails, and a few long ones. */
std::size_t random_size(Random &random) {
    const std::size_t most[] = {6, 6, 20, 20, 100, 100, 1000};
    return random.between(0, most[random.between(0, std::size(most) - 1)]);
}

} // namespace

TEST_CASE("acl agreement: list, image, lookup and tables decide alike") {
    Random random;
    INFO(random.seed());
    std::size_t compared = 0;
    std::size_t matched = 0;
    for (std::size_t lists = 0; compared < comparisons_wanted; lists++) {
        const std::size_t size = lists % 40 == 0 ? 10'000 : random_size(random);
        const std::vector<Rule> rules = test::random_list(random, size);
        const Compiled result = compiled(rules);
        const Lookup lookup(result.image);
        const Tables tables = lay_out(result.image, 1);
        for (int i = 0; i < 2000; i++, compared++) {
            const Packet packet = test::random_packet(random, rules);
            if (!agree(rules, result.image, lookup, tables, packet)) {
                CAPTURE(test::to_text(rules), test::to_text(result.image, rules),
                        to_string(packet.source), to_string(packet.target), packet.port);
                FAIL("the forms disagree");
            }
            matched += lookup.find(packet).rule != no_rule;
        }
    }
    CHECK(matched > compared / 4); /* neither everything nor nothing, or it proves little */
    CHECK(matched < compared / 20 * 19);
}
