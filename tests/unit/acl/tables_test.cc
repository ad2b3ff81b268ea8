/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/tables.h"

#include "acl/compile.h"
#include "acl/parse.h"
#include "tests/support/table_walk.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <set>

using namespace faith;
using namespace faith::acl;
using faith::test::walk;

namespace {

struct Made {
    std::vector<Rule> rules;
    Image image;
    Tables tables;
};

Made made_of(std::string_view text) {
    Made made;
    made.rules = *parse(text, "test.conf");
    made.image = compile(made.rules)->image;
    made.tables = lay_out(made.image, 7);
    return made;
}

Packet packet(std::string_view source, std::string_view target, std::uint16_t port) {
    return {.source = *parse_ip6(source), .target = *parse_ip4(target), .port = port};
}

/* "permit 3": by the rule in line 3; "no rule". */
std::string answer(const Made &made, const Packet &asked) {
    const std::uint32_t word = walk(made.tables, asked);
    for (std::size_t i = 0; i < made.rules.size(); i++)
        if (word == verdict_word(made.rules[i], made.image.slots[i]))
            return (made.rules[i].action == Action::Permit ? "permit " : "deny ") +
                   std::to_string(made.rules[i].line);
    return word == FGW_VERDICT_NO_RULE ? "no rule" : "nonsense " + std::to_string(word);
}

} // namespace

TEST_CASE("tables: no rules are a head that denies") {
    const Made none = made_of("");
    REQUIRE(none.tables.blocks.size() == 1);
    CHECK(none.tables.blocks[0].head.root == FGW_VERDICT_NO_RULE);
    CHECK(none.tables.blocks[0].head.generation == 7);
    CHECK(none.tables.blocks[0].head.rules == 0);
    CHECK(answer(none, packet("2001:db8::1", "192.0.2.1", 80)) == "no rule");
}

TEST_CASE("tables: one rule for everything needs no node") {
    const Made all = made_of("::/0 permit 0.0.0.0/0");
    CHECK(all.tables.blocks.size() == 1);
    CHECK(all.tables.blocks[0].head.root == FGW_VERDICT_PERMIT);
    CHECK(answer(all, packet("::", "0.0.0.0", 0)) == "permit 1");
}

TEST_CASE("tables: bytes that were skipped are compared, in each part of the key") {
    const Made made = made_of("2001:db8:1:2::/64 permit 198.51.100.7/32 port 8080\n");
    CHECK(answer(made, packet("2001:db8:1:2::9", "198.51.100.7", 8080)) == "permit 1");
    for (const Packet &wrong : {packet("2001:db8:1:3::9", "198.51.100.7", 8080),
                                packet("2001:db9:1:2::9", "198.51.100.7", 8080),
                                packet("3001:db8:1:2::9", "198.51.100.7", 8080),
                                packet("2001:db8:1:2::9", "198.51.101.7", 8080),
                                packet("2001:db8:1:2::9", "199.51.100.7", 8080),
                                packet("2001:db8:1:2::9", "198.51.100.8", 8080),
                                packet("2001:db8:1:2::9", "198.51.100.7", 8081),
                                packet("2001:db8:1:2::9", "198.51.100.7", 0x2090),
                                packet("2001:db8:1:2::9", "198.51.100.7", 0x1f91)})
        CHECK(answer(made, wrong) == "no rule");
}

TEST_CASE("tables: a host prefix decides by its last byte") {
    const Made made = made_of("2001:db8::1/128 deny 192.0.2.1/32\n"
                              "2001:db8::/127 permit 192.0.2.0/31\n");
    CHECK(answer(made, packet("2001:db8::1", "192.0.2.1", 1)) == "deny 1");
    CHECK(answer(made, packet("2001:db8::1", "192.0.2.0", 1)) == "permit 2");
    CHECK(answer(made, packet("2001:db8::", "192.0.2.1", 1)) == "permit 2");
    CHECK(answer(made, packet("2001:db8::2", "192.0.2.1", 1)) == "no rule");
    CHECK(answer(made, packet("2001:db8::1", "192.0.2.2", 1)) == "no rule");
}

TEST_CASE("tables: ranges of ports begin and end where they should") {
    const Made made = made_of("::/0 deny 0.0.0.0/0 port 1-1023,8000-8099,65535\n"
                              "::/0 permit 0.0.0.0/0\n");
    const std::set<std::uint16_t> denied = {1, 2, 255, 256, 1023, 8000, 8050, 8099, 65535};
    for (const std::uint16_t port : denied)
        CHECK(answer(made, packet("::1", "1.2.3.4", port)) == "deny 1");
    const std::set<std::uint16_t> permitted = {0, 1024, 7999, 8100, 65534};
    for (const std::uint16_t port : permitted)
        CHECK(answer(made, packet("::1", "1.2.3.4", port)) == "permit 2");
}

TEST_CASE("tables: equal port lists are one trie") {
    /* The /15 is cut in three by the rule before it, and the list of ports stands behind
     * each piece. */
    const std::size_t once =
        made_of("a::/16 permit 2.0.0.0/15 port 22,8080\n").tables.blocks.size();
    const std::size_t thrice = made_of("a::/16 deny 2.0.128.0/24\n"
                                       "a::/16 permit 2.0.0.0/15 port 22,8080\n")
                                   .tables.blocks.size();
    const std::size_t without = made_of("a::/16 permit 2.0.0.0/15\n").tables.blocks.size();
    const std::size_t cut = made_of("a::/16 deny 2.0.128.0/24\n"
                                    "a::/16 permit 2.0.0.0/15\n")
                                .tables.blocks.size();
    CHECK(once - without >= 3); /* a node for the high byte, two for the low one */
    CHECK(thrice - cut <= once - without + 1);
}

TEST_CASE("tables: as many runs as a node holds, one more, and all there can be") {
    for (const std::size_t hosts : {3U, 4U, 8U, 9U, 128U}) {
        CAPTURE(hosts);
        std::string text; /* every other host from the highest down, so that 255 is one */
        for (std::size_t i = 0; i < hosts; i++)
            text += "::/0 permit 192.0.2." + std::to_string(255 - 2 * i) + "\n";
        const Made made = made_of(text);
        const std::size_t runs = hosts == 128 ? 256 : 2 * hosts;
        const std::size_t behind = runs > FGW_ACL_NARROW_RUNS ? (runs + 15) / 16 : 0;
        CHECK(made.tables.blocks.size() == 2 + behind);
        for (std::size_t byte = 0; byte < 256; byte++) {
            const std::size_t line = (255 - byte) / 2 + 1;
            const bool is_host = byte % 2 == 1 && line <= hosts;
            CHECK(answer(made, packet("::1", "192.0.2." + std::to_string(byte), 1)) ==
                  (is_host ? "permit " + std::to_string(line) : "no rule"));
        }
    }
}

TEST_CASE("tables: the limit of a rule is in its verdict, a denial has none") {
    const Made made = made_of("::/0 permit 10.0.0.0/8 limit 5/s\n::/0 deny 11.0.0.0/8\n");
    CHECK(walk(made.tables, packet("::1", "10.0.0.1", 1)) ==
          (FGW_VERDICT_PERMIT | FGW_VERDICT_LIMIT | 0));
    CHECK(walk(made.tables, packet("::1", "11.0.0.1", 1)) == 1);
}

TEST_CASE("tables: a table that is not whole denies") {
    Made made = made_of("2001:db8::/32 permit 192.0.2.0/24 port 80\n");
    const Packet asked = packet("2001:db8::1", "192.0.2.1", 80);
    REQUIRE(answer(made, asked) == "permit 1");
    while (!made.tables.blocks.empty()) {
        made.tables.blocks.pop_back();
        CHECK(answer(made, asked) == "no rule");
    }
}

TEST_CASE("tables: the same image gives the same bytes") {
    const char *text = "2001:db8::/32 permit 192.0.2.0/24 port 80\n::/0 deny 10.0.0.0/8\n";
    const Tables one = made_of(text).tables;
    const Tables other = made_of(text).tables;
    REQUIRE(one.blocks.size() == other.blocks.size());
    CHECK(std::memcmp(one.blocks.data(), other.blocks.data(),
                      one.blocks.size() * sizeof one.blocks[0]) == 0);
}
