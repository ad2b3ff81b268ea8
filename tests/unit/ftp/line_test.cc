/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ftp/line.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace faith::ftp;

namespace {

std::vector<Line> lines_of(LineReader &reader) {
    std::vector<Line> lines;
    while (std::optional<Line> line = reader.next())
        lines.push_back(*std::move(line));
    return lines;
}

/* As one piece, and byte by byte: the lines must be the same. */
std::vector<Line> lines_of(std::string_view bytes, std::string *refusals = nullptr,
                           std::string *rest = nullptr) {
    LineReader whole;
    whole.feed(bytes);
    const std::vector<Line> lines = lines_of(whole);
    LineReader slow;
    std::vector<Line> again;
    for (const char byte : bytes) {
        slow.feed(std::string_view(&byte, 1));
        for (Line &line : lines_of(slow))
            again.push_back(std::move(line));
    }
    REQUIRE(again.size() == lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        CHECK(again[i].raw == lines[i].raw);
        CHECK(again[i].text == lines[i].text);
        CHECK(again[i].controls == lines[i].controls);
    }
    const std::string refused = whole.take_refusals();
    CHECK(slow.take_refusals() == refused);
    if (refusals != nullptr)
        *refusals = refused;
    const std::string left = whole.rest();
    CHECK(slow.rest() == left);
    if (rest != nullptr)
        *rest = left;
    return lines;
}

} // namespace

TEST_CASE("line: LF ends a line, with CR or without, wherever segments were cut (D45)") {
    std::string rest;
    const std::vector<Line> lines =
        lines_of("USER a\r\nPASS b c\nCWD x\ry\r\n\r\nLI", nullptr, &rest);
    REQUIRE(lines.size() == 4);
    CHECK(lines[0].text == "USER a");
    CHECK(lines[0].raw == "USER a\r\n");
    CHECK(lines[1].text == "PASS b c");
    CHECK(lines[1].raw == "PASS b c\n");
    CHECK(lines[2].text == "CWD x\ry");
    CHECK(lines[3].text.empty());
    CHECK(rest == "LI");
}

TEST_CASE("line: options of Telnet are refused, and nobody else hears of them (R28)") {
    std::string refusals;
    /* DO ECHO, WILL SGA, DONT ECHO, WONT SGA, a subnegotiation of type 24 */
    const std::vector<Line> lines =
        lines_of("\xff\xfd\x01US\xff\xfb\x03"
                 "ER\xff\xfe\x01\xff\xfc\x03 \xff\xfa\x18xterm-256color\xff\xf0"
                 "a\r\n",
                 &refusals);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].text == "USER a");
    CHECK(lines[0].raw == "USER a\r\n");
    CHECK(lines[0].controls.empty());
    CHECK(refusals == "\xff\xfc\x01\xff\xfe\x03"); /* WONT ECHO, DONT SGA */
}

TEST_CASE("line: IAC IP and IAC DM stay with their line and are no part of its text") {
    const std::vector<Line> lines = lines_of("\xff\xf4\xff\xf2"
                                             "ABOR\r\n");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].text == "ABOR");
    CHECK(lines[0].raw == "\xff\xf4\xff\xf2"
                          "ABOR\r\n");
    CHECK(lines[0].controls == "\xff\xf4\xff\xf2");
}

TEST_CASE("line: the letter 255, doubled or not, ends no line and loses none") {
    const std::vector<Line> lines = lines_of("RETR \xff\xff.txt\r\nRETR \xff\nNOOP\r\n");
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].text == "RETR \xff.txt");
    CHECK(lines[0].raw == "RETR \xff\xff.txt\r\n");
    CHECK(lines[1].text == "RETR \xff");
    CHECK(lines[2].text == "NOOP");
}

TEST_CASE("line: what follows a line is untouched until it is asked for") {
    LineReader reader;
    const std::string opaque = "\x16\x03\x01\xff\xfd\x01\n\xff\xff\x00z";
    reader.feed("AUTH TLS\r\n" + opaque);
    REQUIRE(reader.next()->text == "AUTH TLS");
    CHECK_FALSE(reader.empty());
    CHECK(reader.rest() == opaque);
    CHECK(reader.empty());
    CHECK(reader.take_refusals().empty());
}

TEST_CASE("line: one without end is noticed, and no more is kept of it") {
    LineReader reader;
    reader.feed(std::string(LineReader::longest_line, 'a'));
    CHECK_FALSE(reader.next());
    CHECK_FALSE(reader.too_long());
    reader.feed(std::string(100000, 'a') + "\r\n");
    CHECK_FALSE(reader.next());
    CHECK(reader.too_long());
    /* A subnegotiation without end takes no memory at all. */
    LineReader telnet;
    telnet.feed("\xff\xfa" + std::string(100000, 'a'));
    CHECK_FALSE(telnet.next());
    CHECK_FALSE(telnet.too_long());
    CHECK(telnet.rest().size() <= 5);
}

TEST_CASE("line: the urgent byte is known to its line, and to no other") {
    LineReader reader;
    reader.feed("STAT\r\n\xff\xf4\xff");
    reader.feed_urgent('\xf2');
    reader.feed("ABOR\r\nNOOP\r\n");
    CHECK_FALSE(reader.next()->urgent);
    const std::optional<Line> abort = reader.next();
    REQUIRE(abort->urgent);
    CHECK(abort->raw[*abort->urgent] == '\xf2');
    CHECK_FALSE(reader.next()->urgent);

    /* BSD's ftp sends the second IAC urgent, not the DM behind it. */
    reader.feed("\xff\xf4");
    reader.feed_urgent('\xff');
    reader.feed("\xf2"
                "ABOR\r\n");
    CHECK(reader.next()->urgent == 2);

    reader.feed("AB");
    CHECK_FALSE(reader.next());
    reader.feed_urgent('O');
    CHECK_FALSE(reader.next());
    reader.feed("R\r\n");
    CHECK(reader.next()->urgent == 2);
}
