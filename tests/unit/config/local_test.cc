/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/local.h"

#include <catch2/catch.hpp>

using namespace faith;
using config::Local;
using config::parse_local;
using Words = std::vector<std::string>;

TEST_CASE("local: the words after the path are the arguments, argv[0] first (D5)") {
    const Result<Local> local = parse_local(Words{"/usr/libexec/ftpd", "ftpd", "-l", ""});
    REQUIRE(local);
    CHECK(local->path == "/usr/libexec/ftpd");
    CHECK(local->argv == Words{"ftpd", "-l", ""});
    CHECK(local->most == 256);
    CHECK(local->rate == 64);
}

TEST_CASE("local: a path alone names argv[0] by its last part (D5)") {
    CHECK(parse_local(Words{"/usr/sbin/vsftpd"})->argv == Words{"vsftpd"});
    CHECK(parse_local(Words{"/init"})->argv == Words{"init"});
}

TEST_CASE("local: there is no limit of words (D5)") {
    Words words{"/bin/echo", "echo"};
    words.resize(500, "word");
    CHECK(parse_local(words)->argv.size() == 499);
}

TEST_CASE("local: what is no absolute path of a program is refused") {
    const auto refusal = [](const Words &words) {
        const Result<Local> local = parse_local(words);
        REQUIRE_FALSE(local);
        CHECK(local.error().kind == Errc::Invalid);
        return local.error().text;
    };
    CHECK(refusal({}) == "a local service needs the path of its program");
    CHECK(refusal({"ftpd"}) == "\"ftpd\" is not the absolute path of a program");
    CHECK(refusal({""}) == "\"\" is not the absolute path of a program");
    CHECK(refusal({"/usr/sbin/"}) == "\"/usr/sbin/\" is not the absolute path of a program");
    CHECK(refusal({"/bin/x", std::string("a\0b", 3)}) ==
          "a word of a command cannot hold a zero byte");
}
