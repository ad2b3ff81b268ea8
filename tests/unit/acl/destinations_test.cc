/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/destinations.h"

#include "acl/image.h"
#include "acl/parse.h"
#include "tests/support/random.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>

using namespace faith;
using namespace faith::acl;
using faith::test::Random;

namespace {

std::vector<Rule> rules_of(std::string_view text) {
    Result<std::vector<Rule>> rules = parse(text, "test.conf");
    INFO((rules ? "" : rules.error().text));
    REQUIRE(rules);
    return *std::move(rules);
}

/* "10.0.0.0/8=2 0.0.0.0/0=0": each destination and its first rule. */
std::string listed(Destinations &tree, const PortMaps &maps) {
    std::vector<Destination> out;
    Room room = {.destinations = 1000, .segments = 1000};
    REQUIRE(tree.list(out, room) == Listed::All);
    std::string text;
    for (const Destination &destination : out)
        text += (text.empty() ? "" : " ") + to_string(destination.target) + "=" +
                std::to_string(maps.lowest(destination.ports));
    return text;
}

std::string listed(std::string_view text) {
    const std::vector<Rule> rules = rules_of(text);
    PortMaps maps;
    Destinations tree(rules, maps);
    std::vector<std::uint32_t> all(rules.size());
    std::iota(all.begin(), all.end(), 0);
    tree.push(all);
    return listed(tree, maps);
}

} // namespace

TEST_CASE("destinations: the next low value agrees with a search") {
    Random random;
    INFO(random.seed());
    for (int round = 0; round < 300; round++) {
        std::vector<std::uint32_t> values(random.between(1, 40), no_rule);
        LowestValues lowest(values.size());
        for (int change = 0; change < 30; change++) {
            const std::size_t at = random.between(0, values.size() - 1);
            values[at] = random.one_in(3) ? no_rule : static_cast<std::uint32_t>(random.byte());
            lowest.set(at, values[at]);
            const std::size_t from = random.between(0, values.size());
            const std::size_t to = random.between(from, values.size());
            const std::uint32_t bound = random.one_in(4) ? no_rule : random.byte();
            std::size_t expected = from;
            while (expected < to && values[expected] >= bound)
                expected++;
            REQUIRE(lowest.next(from, to, bound) == expected);
        }
    }
}

TEST_CASE("destinations: the longest match is the first rule that matches") {
    CHECK(listed("::/0 permit 10.1.0.0/16\n"
                 "::/0 deny 10.0.0.0/8\n"
                 "::/0 permit 0.0.0.0/0\n") == "10.1.0.0/16=0 10.0.0.0/8=1 0.0.0.0/0=2");
}

TEST_CASE("destinations: what an earlier and shorter prefix decides is left out") {
    CHECK(listed("::/0 deny 10.0.0.0/8\n"
                 "::/0 permit 10.1.0.0/16\n"
                 "::/0 permit 10.0.0.0/8\n"
                 "::/0 permit 11.0.0.0/8\n") == "10.0.0.0/8=0 11.0.0.0/8=3");
}

TEST_CASE("destinations: a prefix of which nothing is left is left out") {
    CHECK(listed("::/0 permit 10.0.0.0/9\n"
                 "::/0 permit 10.128.0.0/9\n"
                 "::/0 deny 10.0.0.0/8\n") == "10.0.0.0/9=0 10.128.0.0/9=1");
    CHECK(listed("::/0 permit 10.0.0.0/9\n"
                 "::/0 permit 10.128.0.0/10\n"
                 "::/0 deny 10.0.0.0/8\n") == "10.0.0.0/9=0 10.128.0.0/10=1 10.0.0.0/8=2");
    CHECK(listed("::/0 permit 0.0.0.0/1\n"
                 "::/0 permit 128.0.0.0/1\n"
                 "::/0 deny 0.0.0.0/0\n") == "0.0.0.0/1=0 128.0.0.0/1=1");
}

TEST_CASE("destinations: an inner prefix adds its ports to those of the outer one") {
    const std::vector<Rule> rules = rules_of("::/0 permit 10.0.0.0/8 port 22\n"
                                             "::/0 permit 10.1.0.0/16 port 80\n"
                                             "::/0 permit 10.1.2.0/24 port 22\n");
    PortMaps maps;
    Destinations tree(rules, maps);
    tree.push(std::vector<std::uint32_t>{0, 1, 2});
    std::vector<Destination> out;
    Room room = {.destinations = 10, .segments = 10};
    REQUIRE(tree.list(out, room) == Listed::All);
    REQUIRE(out.size() == 2);
    const PortMaps::Id both =
        maps.of({{.first = 22, .last = 22, .rule = 0}, {.first = 80, .last = 80, .rule = 1}});
    CHECK(to_string(out[0].target) == "10.1.0.0/16");
    CHECK(out[0].ports == both);
    CHECK(to_string(out[1].target) == "10.0.0.0/8");
    CHECK(room.destinations == 8);
    CHECK(room.segments == 7); /* two pieces and one */
}

TEST_CASE("destinations: what was pushed for a source goes with it") {
    const std::vector<Rule> rules = rules_of("::/0 permit 10.0.0.0/8\n"
                                             "::/0 deny 10.1.0.0/16\n"
                                             "::/0 permit 0.0.0.0/0\n");
    PortMaps maps;
    Destinations tree(rules, maps);
    tree.push(std::vector<std::uint32_t>{1});
    CHECK(listed(tree, maps) == "10.1.0.0/16=1");
    tree.push(std::vector<std::uint32_t>{0, 2});
    CHECK(listed(tree, maps) == "10.0.0.0/8=0 0.0.0.0/0=2");
    tree.pop();
    CHECK(listed(tree, maps) == "10.1.0.0/16=1");
    tree.push(std::vector<std::uint32_t>{2});
    CHECK(listed(tree, maps) == "10.1.0.0/16=1 0.0.0.0/0=2");
    tree.pop();
    tree.pop();
    CHECK(listed(tree, maps).empty());
}

TEST_CASE(
    "destinations: an inner source's wide rule takes over what an outer one left to a network") {
    const std::vector<Rule> rules = rules_of("::/0 deny 0.0.0.0/0 port 80\n"
                                             "::/0 permit 10.0.0.0/8 port 80\n"
                                             "::/0 permit 11.0.0.0/8 port 22,80\n");
    PortMaps maps;
    Destinations tree(rules, maps);
    tree.push(std::vector<std::uint32_t>{1, 2});
    CHECK(listed(tree, maps) == "10.0.0.0/8=1 11.0.0.0/8=2");
    tree.push(std::vector<std::uint32_t>{0});
    CHECK(listed(tree, maps) == "11.0.0.0/8=0 0.0.0.0/0=0");
}

TEST_CASE("destinations: the list stops where there is no more room") {
    const std::vector<Rule> rules = rules_of("::/0 permit 10.0.0.0/8 port 22\n"
                                             "::/0 permit 11.0.0.0/8 port 22,80\n");
    PortMaps maps;
    Destinations tree(rules, maps);
    tree.push(std::vector<std::uint32_t>{0, 1});
    const auto list = [&](Room room) {
        std::vector<Destination> out;
        Destinations fresh(rules, maps);
        fresh.push(std::vector<std::uint32_t>{0, 1});
        return fresh.list(out, room);
    };
    CHECK(list({.destinations = 2, .segments = 3}) == Listed::All);
    CHECK(list({.destinations = 1, .segments = 3}) == Listed::TooManyDestinations);
    CHECK(list({.destinations = 2, .segments = 2}) == Listed::TooManySegments);
}
