/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/parse.h"
#include "tests/support/cpu_time.h"
#include "tests/support/random_rules.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace faith;
using namespace faith::acl;
using faith::test::Random;

namespace {

std::vector<Rule> rules_of(std::string_view text) {
    Result<std::vector<Rule>> rules = parse(text, "f");
    INFO((rules ? "" : rules.error().text));
    REQUIRE(rules);
    return *std::move(rules);
}

std::string error_of(std::string_view text) {
    Result<std::vector<Rule>> rules = parse(text, "f");
    if (rules)
        return "no error";
    CHECK(rules.error().kind == Errc::Invalid);
    return rules.error().text;
}

struct Case {
    const char *text;
    const char *error;
};

} // namespace

TEST_CASE("parse: faithd.conf of the manual page, unchanged") {
    const std::vector<Rule> rules =
        rules_of("# permit anyone from 3ffe:501:ffff::/48 to use the translator, \n"
                 "# to connect to the following IPv4 destinations: \n"
                 "# - any location except 10.0.0.0/8 and 127.0.0.0/8. \n"
                 "# Permit no other connections. \n"
                 "# \n"
                 "3ffe:501:ffff::/48 deny 10.0.0.0/8 \n"
                 "3ffe:501:ffff::/48 deny 127.0.0.0/8 \n"
                 "3ffe:501:ffff::/48 permit 0.0.0.0/0\n");
    REQUIRE(rules.size() == 3);
    CHECK(test::to_text(rules) == "3ffe:501:ffff::/48 deny 10.0.0.0/8\n"
                                  "3ffe:501:ffff::/48 deny 127.0.0.0/8\n"
                                  "3ffe:501:ffff::/48 permit 0.0.0.0/0\n");
    CHECK(rules[2].file == "f");
    CHECK(rules[2].line == 8);
}

TEST_CASE("parse: three words, or four with the address to connect from (D24)") {
    const std::vector<Rule> rules = rules_of("2001:db8::/32 permit 192.0.2.0/24 203.0.113.7\n"
                                             "2001:db8::/32 deny 192.0.2.0/24 203.0.113.7\n");
    REQUIRE(rules.size() == 2);
    REQUIRE(rules[0].bind_source);
    CHECK(to_string(*rules[0].bind_source) == "203.0.113.7");
    CHECK(rules[1].action == Action::Deny);
}

TEST_CASE("parse: blanks, comments, case and missing lengths (D25)") {
    CHECK(rules_of("").empty());
    CHECK(rules_of("\n \n\t\n# all\n   # comment\n").empty());
    const std::vector<Rule> rules = rules_of("\t 2001:db8::1 \t PERMIT\t192.0.2.1  # why\n"
                                             "2001:DB8::/32 dEnY 0.0.0.0/0#why");
    REQUIRE(rules.size() == 2);
    CHECK(to_string(rules[0]) == "2001:db8::1/128 permit 192.0.2.1/32");
    CHECK(to_string(rules[1]) == "2001:db8::/32 deny 0.0.0.0/0");
    CHECK(rules[1].line == 2);
}

TEST_CASE("parse: the last line counts without a newline, CRLF is a line end (D26)") {
    CHECK(rules_of("::/0 deny 10.0.0.0/8").size() == 1);
    const std::vector<Rule> rules =
        rules_of("# dos\r\n\r\n::/0 deny 10.0.0.0/8\r\n::/0 permit 0.0.0.0/0 log\r\n");
    REQUIRE(rules.size() == 2);
    CHECK(rules[1].line == 4);
    CHECK(rules[1].log);
}

TEST_CASE("parse: port lists") {
    const std::vector<Rule> rules =
        rules_of("::/0 permit 0.0.0.0/0 port 22\n"
                 "::/0 permit 0.0.0.0/0 192.0.2.1 port 22,8000-8099,1 LOG\n"
                 "::/0 permit 0.0.0.0/0 log port 1-65535\n");
    REQUIRE(rules.size() == 3);
    CHECK(rules[0].ports == std::vector<PortRange>{{.first = 22, .last = 22}});
    CHECK(rules[1].ports == std::vector<PortRange>{{.first = 22, .last = 22},
                                                   {.first = 8000, .last = 8099},
                                                   {.first = 1, .last = 1}});
    CHECK(rules[1].log);
    CHECK(rules[2].ports == std::vector<PortRange>{{.first = 1, .last = 65535}});
    CHECK(rules[2].log);
}

TEST_CASE("parse: whatever is not understood is an error at its place (D26, D29)") {
    const Case cases[] = {
        {"::/0 permitt 0.0.0.0/0", "f:1:6: \"permitt\" is neither permit nor deny"},
        {"# x\n2001:db8::/200 deny 10.0.0.0/8", "f:2:1: prefix length 200 is more than 128"},
        {"::/0 deny 10.0.0.0/", "f:1:11: \"\" is not a prefix length: 0 to 32"},
        {"::/0 deny 10.0.0/8", "f:1:11: \"10.0.0\" is not an IPv4 address"},
        {"::/0 deny 2001:db8::/32", "f:1:11: \"2001:db8::/32\" is an IPv6 address; only IPv4 "
                                    "targets can be relayed"},
        {"10.0.0.0/8 deny ::/0", "f:1:1: \"10.0.0.0/8\" is an IPv4 address; a rule begins with the "
                                 "client's IPv6 address: SRC6[/len] permit|deny DST4[/len] "
                                 "[IPV4-SOURCE]"},
        {"www.example.com deny 10.0.0.0/8", "f:1:1: \"www.example.com\" is not an IPv6 address"},
        {"fe80::1%eth0 deny 10.0.0.0/8",
         "f:1:1: \"fe80::1%eth0\" has a zone id, which means nothing here"},
        {"::/0", "f:1:5: the rule ends where permit or deny is expected: SRC6[/len] permit|deny "
                 "DST4[/len] [IPV4-SOURCE]"},
        {"::/0 deny # 10.0.0.0/8", "f:1:11: the rule ends where the IPv4 destination is expected: "
                                   "SRC6[/len] permit|deny DST4[/len] [IPV4-SOURCE]"},
        {"::/0 permit 0.0.0.0/0 192.0.2.1/32", "f:1:23: \"192.0.2.1/32\" has a length; the fourth "
                                               "word is the one IPv4 address to connect from"},
        {"::/0 permit 0.0.0.0/0 192.0.2", "f:1:23: \"192.0.2\" is not an IPv4 address"},
        {"::/0 permit 0.0.0.0/0 0.0.0.0",
         "f:1:23: \"0.0.0.0\" cannot be the source of a connection"},
        {"::/0 permit 0.0.0.0/0 224.0.0.1",
         "f:1:23: \"224.0.0.1\" cannot be the source of a connection"},
        {"::/0 permit 0.0.0.0/0 192.0.2.1 192.0.2.2",
         "f:1:33: unexpected \"192.0.2.2\"; after the addresses a rule takes port, limit or log"},
        {"::/0 permit 0.0.0.0/0 2001:db8::1", "f:1:23: \"2001:db8::1\" is not an IPv4 address"},
        {"::/0 permit 0.0.0.0/0 prot 22",
         "f:1:23: unexpected \"prot\"; after the addresses a rule takes port, limit or log"},
        {"::/0 permit 0.0.0.0/0 log log", "f:1:27: log is written twice"},
    };
    for (const Case &entry : cases) {
        CAPTURE(entry.text);
        CHECK(error_of(entry.text) == entry.error);
    }
}

TEST_CASE("parse: port lists that are none") {
    const Case cases[] = {
        {"::/0 permit 0.0.0.0/0 port", "f:1:27: the rule ends where a port list like 22,8000-8099 "
                                       "is expected: SRC6[/len] permit|deny DST4[/len] "
                                       "[IPV4-SOURCE]"},
        {"::/0 permit 0.0.0.0/0 port ssh", "f:1:28: \"ssh\" is not a port number: 1 to 65535"},
        {"::/0 permit 0.0.0.0/0 port 0", "f:1:28: \"0\" is not a port number: 1 to 65535"},
        {"::/0 permit 0.0.0.0/0 port 22,65536",
         "f:1:31: \"65536\" is not a port number: 1 to 65535"},
        {"::/0 permit 0.0.0.0/0 port 22, 80",
         "f:1:31: empty port in the list; write it without blanks: 22,8000-8099"},
        {"::/0 permit 0.0.0.0/0 port ,22",
         "f:1:28: empty port in the list; write it without blanks: 22,8000-8099"},
        {"::/0 permit 0.0.0.0/0 port 30-22", "f:1:28: port range \"30-22\" runs backwards"},
        {"::/0 permit 0.0.0.0/0 port 22-", "f:1:31: \"\" is not a port number: 1 to 65535"},
        {"::/0 permit 0.0.0.0/0 port 1-2-3", "f:1:30: \"2-3\" is not a port number: 1 to 65535"},
        {"::/0 permit 0.0.0.0/0 port 22 port 23",
         "f:1:31: a rule takes one port list: write port 22,8000-8099"},
    };
    for (const Case &entry : cases) {
        CAPTURE(entry.text);
        CHECK(error_of(entry.text) == entry.error);
    }
}

TEST_CASE("parse: limits in connections per second, from 1 to a thousand millions") {
    using Good = std::pair<const char *, std::uint32_t>;
    for (const auto &[text, number] :
         {Good{"1/s", 1}, {"25/S", 25}, {"1000000000/s", 1000000000}}) {
        CAPTURE(text);
        const std::vector<Rule> rules =
            rules_of("::/0 permit 0.0.0.0/0 limit " + std::string(text));
        REQUIRE(rules.size() == 1);
        CHECK(rules[0].limit_per_second == number);
    }
    CHECK(error_of("::/0 deny 0.0.0.0/0 limit 5/s") ==
          "f:1:21: a deny rule lets no connection through to be limited");
    for (const char *bad : {"0/s", "1000000001/s", "10", "10/m", "/s", "-1/s", "10/s/s", "010/s"}) {
        CAPTURE(bad);
        CHECK(error_of("::/0 permit 0.0.0.0/0 limit " + std::string(bad))
                  .find("is not a limit: N/s") != std::string::npos);
    }
    CHECK(error_of("::/0 permit 0.0.0.0/0 limit").find("limit like 10/s") != std::string::npos);
}

TEST_CASE("parse: one mistake and no rule of the file counts (D29)") {
    CHECK(error_of("::/0 deny 10.0.0.0/8\n::/0 permt 0.0.0.0/0\n") ==
          "f:2:6: \"permt\" is neither permit nor deny");
}

TEST_CASE("parse: reports up to ten mistakes and the number of the others") {
    std::string text;
    for (int i = 0; i < 12; i++)
        text += "bad\n::/0 deny 10.0.0.0/8\n";
    const std::string error = error_of(text);
    CHECK(error.starts_with("f:1:1: \"bad\" is not an IPv6 address\nf:3:1: "));
    CHECK(std::count(error.begin(), error.end(), '\n') == 10);
    CHECK(error.ends_with("\nand 2 more"));
}

TEST_CASE("parse: long words are shortened, bytes that do not print are escaped") {
    CHECK(error_of(std::string(300, 'x') + " deny 10.0.0.0/8") ==
          "f:1:1: \"" + std::string(48, 'x') + "...\" is not an IPv6 address");
    CHECK(error_of("\xe2\x80\x93 deny 10.0.0.0/8") ==
          "f:1:1: \"\\xe2\\x80\\x93\" is not an IPv6 address");
    CHECK(rules_of("::/0 deny 10.0.0.0/8 # d\xc3\xa9j\xc3\xa0 vu\n").size() == 1);
}

TEST_CASE("parse: a file that is no text is one error") {
    CHECK(error_of(std::string_view("::/0 deny 10.0.0.0/8\n\x7f"
                                    "ELF\0",
                                    26)) == "f:2:1: byte 0x7f does not belong in a text file");
    CHECK(error_of(std::string_view("# \0\nbad\nbad", 11)) ==
          "f:1:3: byte 0x00 does not belong in a text file");
    CHECK(error_of("::/0 deny\r10.0.0.0/8\n") ==
          "f:1:10: byte 0x0d does not belong in a text file");
    CHECK(error_of("::/0 deny 10.0.0.0/8\x1b[2J") ==
          "f:1:21: byte 0x1b does not belong in a text file");
}

TEST_CASE("parse: line length has a limit") {
    std::string line = "::/0 deny 10.0.0.0/8 #";
    line.append(max_line_bytes - line.size(), 'x');
    CHECK(rules_of(line + "\r\n").size() == 1);
    CHECK(error_of("\n" + line + "x\nbad\n") == "f:2:4097: the line is longer than 4096 bytes");
}

TEST_CASE("parse: the number of rules has a limit") {
    std::string text;
    for (std::size_t i = 0; i < max_rules; i++)
        text += "::/0 deny 10.0.0.0/8\n";
    CHECK(rules_of(text).size() == max_rules);
    CHECK(error_of(text + "# fine\n::/0 deny 10.0.0.0/8\nbad\n") ==
          "f:131074:1: more than 131072 rules");
}

TEST_CASE("parse: 100,000 rules in well under a second, 100 MB of junk in one error") {
    Random random;
    INFO(random.seed());
    std::vector<Rule> rules(100'000);
    for (Rule &rule : rules)
        rule = test::random_rule(random);
    const std::string text = test::to_text(rules);
    const std::string lines(100'000'000, '\n');
    const std::string one_line(30'000'000, 'x');
    std::string short_lines;
    while (short_lines.size() < 30'000'000)
        short_lines += "junk and more of it\n";

    const auto start = test::cpu_time();
    const std::size_t parsed = rules_of(text).size();
    const std::string too_big = error_of(lines);
    const std::string no_end = error_of(one_line);
    const std::string all_bad = error_of(short_lines);
    const auto taken = test::cpu_time() - start;
    CHECK(parsed == 100'000);
    CHECK(too_big == "f:1:1: the file is larger than 32 MiB: not a list of rules");
    CHECK(no_end == "f:1:4097: the line is longer than 4096 bytes");
    CHECK(all_bad.ends_with("\nand many more"));
    /* Generous, for sanitizers and a slow machine; without them it is a tenth of it. */
    CHECK(taken.count() < 5.0);
}

TEST_CASE("parse: mutated text never crashes, and what is accepted prints back to itself") {
    Random random;
    INFO(random.seed());
    constexpr std::string_view letters = "0123456789abcdef:./,-# \t\n\rpermitdnylogPORT";
    std::size_t accepted = 0;
    for (int i = 0; i < 5'000; i++) {
        std::string text = test::to_text(test::random_rules(random, 4));
        for (std::uint64_t edits = random.between(0, 2); edits > 0 && !text.empty(); edits--) {
            const std::size_t at = random.between(0, text.size() - 1);
            if (random.one_in(3))
                text.erase(at, random.between(1, 3));
            else if (random.one_in(10))
                text[at] = static_cast<char>(random.byte());
            else
                text.insert(at, 1, letters[random.between(0, letters.size() - 1)]);
        }
        CAPTURE(text);
        Result<std::vector<Rule>> rules = parse(text, "f");
        if (!rules)
            continue;
        accepted++;
        const std::vector<Rule> again = rules_of(test::to_text(*rules));
        REQUIRE(again.size() == rules->size());
        for (std::size_t rule = 0; rule < again.size(); rule++)
            REQUIRE(again[rule].same_meaning((*rules)[rule]));
    }
    CHECK(accepted > 500);
    CHECK(accepted < 5'000);
}
