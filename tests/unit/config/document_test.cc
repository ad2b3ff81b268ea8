/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/document.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::config;

namespace {

Node read(std::string_view text) {
    Result<Node> root = read_document(text, "f");
    INFO((root ? "" : root.error().text));
    REQUIRE(root);
    return *std::move(root);
}

const Node &at(const Node &table, std::string_view name) {
    const Node *node = table.member(name);
    REQUIRE(node != nullptr);
    return *node;
}

std::string error_of(std::string_view text) {
    Result<Node> root = read_document(text, "f");
    return root ? "no error" : root.error().text;
}

std::string repeat(std::size_t times, std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < times; i++)
        out += text;
    return out;
}

} // namespace

TEST_CASE("document: values keep their kind and their place") {
    const Node root = read("a = \"text\"\n"
                           "[b]\n"
                           "  c = [1, true, 1.5, 1979-05-27]\n"
                           "[[d]]\n"
                           "e.f = 7\n");
    CHECK(at(root, "a").kind == Node::Kind::String);
    CHECK(at(root, "a").string == "text");
    CHECK(at(root, "a").place == Place{.line = 1, .column = 5});
    const Node &list = at(at(root, "b"), "c");
    REQUIRE(list.kind == Node::Kind::List);
    REQUIRE(list.elements.size() == 4);
    CHECK(list.elements[0].kind == Node::Kind::Integer);
    CHECK(list.elements[0].integer == 1);
    CHECK(list.elements[1].kind == Node::Kind::Boolean);
    CHECK(list.elements[1].boolean);
    CHECK(list.elements[2].kind == Node::Kind::Float);
    CHECK(list.elements[3].kind == Node::Kind::Time);
    CHECK(list.elements[1].place == Place{.line = 3, .column = 11});
    CHECK_FALSE(list.is_list_of_tables());
    CHECK(at(root, "d").is_list_of_tables());
    CHECK(at(at(at(root, "d").elements[0], "e"), "f").integer == 7);
    CHECK(root.member("nosuch") == nullptr);
}

TEST_CASE("document: members come in the order of the text") {
    const Node root = read("z = 1\nm = 2\na = 3\n");
    REQUIRE(root.members.size() == 3);
    CHECK(root.members[0].name == "z");
    CHECK(root.members[2].name == "a");
    CHECK(root.members[2].place == Place{.line = 3, .column = 1});
}

TEST_CASE("document: the empty text is a table without members") {
    CHECK(read("").members.empty());
    CHECK(read("# nothing\r\n\r\n").members.empty());
}

TEST_CASE("document: syntax errors have their place") {
    CHECK(error_of("[faith\nx = 1").starts_with("f:1:7: "));
    CHECK(error_of("[faith]\nacl = faithd.conf\n").ends_with("; text is written in quotes"));
    CHECK(error_of("[faith]\nacl = x\n").ends_with("; text is written in quotes"));
    CHECK(error_of("[faith]\nacl = faithd.conf\n").starts_with("f:2:"));
    CHECK(error_of("a = 1\na = 2\n").starts_with("f:2:"));
    CHECK(error_of("a = \"open\n").starts_with("f:1:"));
    for (const char *header :
         {"[", "[\n]", "[=", "[[=", "[[[1]]]", "[a.", "[a.=", "[\"a\\q\"]", "[]", "[[]]"}) {
        CAPTURE(header);
        CHECK(error_of(header).starts_with("f:1:"));
    }
}

TEST_CASE("document: a file that is no text is refused before anything reads it") {
    CHECK(error_of(std::string_view("a = 1\n\x7f"
                                    "ELF\0",
                                    11)) == "f:2:1: byte 0x7f does not belong in a text file");
    CHECK(error_of(std::string_view("a = \"\0\"", 7)) ==
          "f:1:6: byte 0x00 does not belong in a text file");
    CHECK(error_of(std::string(100'000'000, 'x')) ==
          "f:1:1: the file is larger than 1 MiB: not a configuration");
    CHECK(error_of("\xff\xfe[faith]").starts_with("f:1:1: "));
}

TEST_CASE("document: depth is bounded, however it is written") {
    CHECK(error_of("a" + repeat(500'000, ".a") + " = 1\n").ends_with(": too many dotted keys"));
    CHECK(error_of("[a" + repeat(500'000, ".a") + "]\n").ends_with(": too many dotted keys"));
    CHECK(error_of(repeat(200, "a.a.a.a.a.a.a = [\n{") + "\n").ends_with(": too many dotted keys"));
    CHECK(error_of("a = " + repeat(500'000, "[")).starts_with("f:1:"));
    CHECK(error_of("a = " + repeat(100'000, "{ a = ")).starts_with("f:1:"));
    /* Dots inside strings and comments are no keys. */
    const std::string addresses = repeat(2'000, "\"192.0.2.1\", '192.0.2.2', \n");
    CHECK(at(read("a = [" + addresses + "] # " + repeat(2'000, ".")), "a").elements.size() ==
          4'000);
    CHECK(error_of(R"(a = "\"" # )" + repeat(2'000, ".")) == "no error");
    CHECK(error_of(R"(a = "\"")" + repeat(2'000, ".")).ends_with(": too many dotted keys"));
    CHECK(error_of(R"(a = "\\" # )" + repeat(2'000, ".")) == "no error");
    CHECK(error_of(R"(a = "\\")" + repeat(2'000, ".")).ends_with(": too many dotted keys"));
    CHECK(error_of(R"(a = '\' # )" + repeat(2'000, ".")) == "no error");
    CHECK(error_of(R"(a = '\')" + repeat(2'000, ".")).ends_with(": too many dotted keys"));
    CHECK(error_of("a = \"\\\\\"\nb" + repeat(2'000, ".b") + " = 1\n") ==
          "f:2:2002: too many dotted keys");
}

TEST_CASE("document: strings of several lines are not taken") {
    CHECK(error_of("a = \"\"\"x\"\"\"\n") == "f:1:5: strings of several lines are not taken");
    CHECK(error_of("a = '''x'''\n") == "f:1:5: strings of several lines are not taken");
    CHECK(error_of("a = \"\" # \"\"\"\n") == "no error");
}

TEST_CASE("document: letters outside of ASCII belong in quotes and comments") {
    CHECK(error_of("\xef\xbb\xbf# \xd0\x94\na = \"\xd0\x94\" # \xd0\x94\n") == "no error");
    CHECK(error_of("[faith]\xd0\x94\n") == "f:1:8: a letter outside of ASCII needs quotes");
    CHECK(error_of("a = \xe2\x80\xae\n") == "f:1:5: a letter outside of ASCII needs quotes");
    const std::string broken = error_of("a = \"\xd0\"\n");
    CHECK(broken.starts_with("f:1:"));
    CHECK(broken.find('\xd0') == std::string::npos);
    /* What goes into an error cannot turn a terminal round. */
    const std::string odd =
        error_of("[a]\n[\"a\"] # \xe2\x80\xae\n[\"\xe2\x80\xae\"]\n[\"\xe2\x80\xae\"]");
    CHECK(odd.starts_with("f:"));
    CHECK(odd.find('\xe2') == std::string::npos);
}

TEST_CASE("document: a quote stands where a string can begin") {
    CHECK(error_of("a = [-'\"9\xd0\x94]\n") == "f:1:7: a quote cannot stand here");
    CHECK(error_of("a = 30\"m\"\n") == "f:1:7: a quote cannot stand here");
    CHECK(error_of("a = 30 \"m\"\n") == "f:1:8: a quote cannot stand here");
    CHECK(error_of("\"a\".'b' = [\"c\", 'd',\n'e'] # it's \"fine\"\nb = {\"c\" = 'd'}\n['f']\n") ==
          "no error");
}
