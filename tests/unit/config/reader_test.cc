/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/reader.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::config;

namespace {

/* Reads "v = ..." and gives the value's node. */
Node value(std::string_view text) {
    Result<Node> root = read_document("v = " + std::string(text), "f");
    REQUIRE(root);
    REQUIRE(root->member("v") != nullptr);
    return *root->member("v");
}

struct Pair {
    std::int64_t first = 0;
    std::int64_t second = 0;
};

constexpr Key<Pair> pair_keys[] = {
    {"first", [](Reader &reader, const Node &node,
                 Pair &out) { out.first = reader.integer(node, 0, 9).value_or(-1); }},
    {"second", [](Reader &reader, const Node &node,
                  Pair &out) { out.second = reader.integer(node, 0, 9).value_or(-1); }},
};

} // namespace

TEST_CASE("reader: a value of the wanted kind, or a complaint at its place") {
    Reader reader("f");
    CHECK(reader.boolean(value("true")) == true);
    CHECK(reader.string(value("\"x\""), "a name") == "x");
    CHECK(reader.integer(value("7"), 7, 7) == 7);
    CHECK(reader.list(value("[1, 2]"), "a list").size() == 2);
    CHECK_FALSE(reader.complained());

    CHECK_FALSE(reader.boolean(value("1")));
    CHECK(reader.error().text == "f:1:5: expected true or false, found a number");
}

TEST_CASE("reader: says what it found instead") {
    const std::pair<const char *, const char *> cases[] = {
        {"1", "a number"},
        {"1.5", "a number with a fraction"},
        {"true", "true or false"},
        {"[]", "a list"},
        {"{}", "a table"},
        {"[{}]", "a list of tables"},
        {"07:32:00", "a date or time"},
    };
    for (const auto &[text, found] : cases) {
        CAPTURE(text);
        Reader reader("f");
        CHECK_FALSE(reader.string(value(text), "a name"));
        CHECK(reader.error().text == "f:1:5: expected a name, found " + std::string(found));
    }
    Reader reader("f");
    CHECK_FALSE(reader.integer(value("\"7\""), 0, 9));
    CHECK(reader.list(value("\"7\""), "a list of ports").empty());
    CHECK(reader.tables(value("[1]"), "[[service]]").empty());
    CHECK(reader.error().text == "f:1:5: expected a number, found a string\n"
                                 "f:1:5: expected a list of ports, found a string\n"
                                 "f:1:5: expected tables [[service]], found a list");
}

TEST_CASE("reader: numbers have a range") {
    Reader reader("f");
    CHECK_FALSE(reader.integer(value("10"), 0, 9));
    CHECK_FALSE(reader.integer(value("-1"), 0, 9));
    CHECK(reader.error().text == "f:1:5: 10 is out of range: 0 to 9\n"
                                 "f:1:5: -1 is out of range: 0 to 9");
}

TEST_CASE("reader: an empty list counts as no tables") {
    Reader reader("f");
    CHECK(reader.tables(value("[]"), "[[stf]]").empty());
    CHECK_FALSE(reader.complained());
}

TEST_CASE("reader: each member of a table is a key, or an error") {
    Reader reader("f");
    Pair pair;
    read_keys<Pair>(reader, value("{ second = 2, first = 1 }"), pair_keys, "[pair]", pair);
    CHECK(pair.first == 1);
    CHECK(pair.second == 2);
    CHECK_FALSE(reader.complained());

    read_keys<Pair>(reader, value("{ secnd = 2, zzzzzz = 1, First = 1 }"), pair_keys, "[pair]",
                    pair);
    CHECK(reader.error().text ==
          "f:1:7: unknown key \"secnd\" in [pair]; did you mean \"second\"?\n"
          "f:1:18: unknown key \"zzzzzz\" in [pair]\n"
          "f:1:30: unknown key \"First\" in [pair]; did you mean \"first\"?");

    Reader other("f");
    read_keys<Pair>(other, value("3"), pair_keys, "the table [pair]", pair);
    CHECK(other.error().text == "f:1:5: expected the table [pair], found a number");
}

TEST_CASE("reader: complaints come in the order of the text") {
    Reader reader("f");
    reader.fail(Place{.line = 9, .column = 1}, "last");
    reader.fail(Place{.line = 2, .column = 8}, "second");
    reader.fail(Place{.line = 2, .column = 1}, "first");
    CHECK(reader.error().text == "f:2:1: first\nf:2:8: second\nf:9:1: last");
}

TEST_CASE("reader: a word out of a few") {
    static constexpr Choice<int> choices[] = {{"info", 1}, {"debug", 2}};
    Reader reader("f");
    int chosen = 0;
    read_choice<int>(reader, value("\"debug\""), choices, chosen);
    CHECK(chosen == 2);
    CHECK_FALSE(reader.complained());
    read_choice<int>(reader, value("\"debgu\""), choices, chosen);
    read_choice<int>(reader, value("2"), choices, chosen);
    CHECK(reader.error().text ==
          "f:1:5: \"debgu\" is not one of \"info\", \"debug\"; did you mean \"debug\"?\n"
          "f:1:5: expected one of \"info\", \"debug\", found a number");
    CHECK(chosen == 2);
}
