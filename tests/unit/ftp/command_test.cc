/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ftp/command.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::ftp;
using AKind = Announcement::Kind;

namespace {

const Ip6 client = *parse_ip6("2001:db8:2::31");

void check_ip6(const Announcement &announcement, std::uint16_t port) {
    CHECK(announcement.kind == AKind::Ip6);
    CHECK(announcement.address == client);
    CHECK(announcement.port == port);
}

} // namespace

TEST_CASE("command: verbs in any case, arguments without the blanks around them") {
    CHECK(parse_command("epsv").verb == "EPSV");
    CHECK(parse_command("epsv").argument.empty());
    CHECK(parse_command("EpSv  2 ").argument == "2");
    CHECK(parse_command("RETR a b").argument == "a b");
    CHECK(parse_command("EPSVX 2").verb == "EPSVX");
    CHECK(parse_command(" EPSV").verb.empty());
}

TEST_CASE("command: EPRT with any delimiter that RFC 2428 allows (R30)") {
    check_ip6(parse_eprt("|2|2001:db8:2::31|5282|"), 5282);
    check_ip6(parse_eprt("!2!2001:db8:2:0:0:0:0:31!65535!"), 65535);
    check_ip6(parse_eprt("~2~2001:DB8:2::31~1~"), 1);
    CHECK(parse_eprt("|1|192.0.2.31|5282|").kind == AKind::Ip4);
    CHECK(parse_eprt("|3|whatever|5282|").kind == AKind::OtherFamily);
    CHECK(parse_eprt("|0|2001:db8:2::31|5282|").kind == AKind::OtherFamily);
}

TEST_CASE("command: EPRT that says nothing usable is malformed, names included") {
    for (const std::string_view text :
         {"", "|", "||||", "|2|2001:db8:2::31|5282", "|2|2001:db8:2::31|5282|x",
          "|2|2001:db8:2::31|0|", "|2|2001:db8:2::31|65536|", "|2|2001:db8:2::31|+5|",
          "|2|192.0.2.31|5282|", "|1|2001:db8:2::31|5282|", "|2|six.example|5282|",
          "|2|fe80::1%eth0|5282|", " 2 2001:db8:2::31 5282 ", "|x|2001:db8:2::31|5282|",
          "\x1f"
          "2\x1f"
          "2001:db8:2::31\x1f"
          "5282\x1f",
          "222001:db8:2::3125282|"}) {
        INFO(text);
        CHECK(parse_eprt(text).kind == AKind::Malformed);
    }
}

TEST_CASE("command: LPRT of RFC 1639 (R30)") {
    check_ip6(parse_lprt("6,16,32,1,13,184,0,2,0,0,0,0,0,0,0,0,0,49,2,20,162"), 5282);
    CHECK(parse_lprt("4,4,192,0,2,31,2,20,162").kind == AKind::OtherFamily);
    for (const std::string_view text :
         {"", "6", "6,16", "6,16,32,1,13,184,0,2,0,0,0,0,0,0,0,0,0,49,2,20",
          "6,16,32,1,13,184,0,2,0,0,0,0,0,0,0,0,0,49,2,20,162,1",
          "6,15,32,1,13,184,0,2,0,0,0,0,0,0,0,0,0,49,2,20,162",
          "6,16,32,1,13,184,0,2,0,0,0,0,0,0,0,0,0,49,3,20,162",
          "6,16,32,1,13,184,0,2,0,0,0,0,0,0,0,0,0,49,2,0,0",
          "6,16,32,1,13,256,0,2,0,0,0,0,0,0,0,0,0,49,2,20,162",
          "6,16,32,1,13,184,0,2,0,0,0,0,0,0,0,0,0,49,2,20,162,",
          "6,16,32,1,13, 184,0,2,0,0,0,0,0,0,0,0,0,49,2,20,162"}) {
        INFO(text);
        CHECK(parse_lprt(text).kind == AKind::Malformed);
    }
}

TEST_CASE("command: replies, single and over several lines (D47)") {
    CHECK(parse_reply("227 Entering")->code == 227);
    CHECK_FALSE(parse_reply("227 Entering")->more);
    CHECK(parse_reply("200")->code == 200);
    CHECK(parse_reply("211-Features")->more);
    for (const std::string_view text : {"", "22", "2270 x", "abc def", " 227 x", "027 x", "227x"}) {
        INFO(text);
        CHECK_FALSE(parse_reply(text));
    }
    CHECK(ends_reply("211 End", 211));
    CHECK_FALSE(ends_reply("211-More", 211));
    CHECK_FALSE(ends_reply("212 End", 211));
    CHECK_FALSE(ends_reply(" 211 End", 211));
}

TEST_CASE("command: the port of a 227, however a server writes it (D49)") {
    for (const std::string_view text :
         {"227 Entering Passive Mode (192,0,2,31,237,19)",
          "227 Entering Passive Mode (192,0,2,31,237,19).",
          "227 Entering Passive Mode 192,0,2,31,237,19", "227 192,0,2,31,237,19",
          "227 =192,0,2,31,237,19", "227 ok 7 at 10,2 (1,2,3,4,237,19)",
          "227 Passive mode (192,000,002,031,237,019), 30 s", "227 (0,0,0,0,237,19)"}) {
        INFO(text);
        REQUIRE(parse_pasv_port(text));
        CHECK(*parse_pasv_port(text) == 60691);
    }
    for (const std::string_view text :
         {"", "227", "227 ", "227 Entering Passive Mode", "227 (192,0,2,31,237)",
          "227 (192,0,2,31,237,19,1)", "227 (192,0,2,31,256,19)", "227 (192,0,2,31,0,0)",
          "227 (192;0;2;31;237;19)", "227 (1920,0,2,31,237,19)"}) {
        INFO(text);
        CHECK_FALSE(parse_pasv_port(text));
    }
}

TEST_CASE("command: what is printed, digit for digit as in the standards") {
    CHECK(print_port(*parse_ip4("192.0.2.31"), 60192) == "PORT 192,0,2,31,235,32");
    CHECK(print_epsv_reply(60691) == "229 Entering Extended Passive Mode (|||60691|)");
    CHECK(print_lpsv_reply(client, 5282) ==
          "228 Entering Long Passive Mode (6,16,32,1,13,184,0,2,0,0,0,0,0,0,0,0,0,49,2,20,162)");
}
