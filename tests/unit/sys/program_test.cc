/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/program.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::sys;

TEST_CASE("program: its standard output is what comes back, all of it") {
    CHECK(*output_of({"echo", "two words"}) == "two words\n");
    /* More than a pipe holds, while it says as much on standard error. */
    const Result<std::string> much =
        output_of({"sh", "-c", "yes | head -c 300000; yes no | head -c 300000 >&2"});
    REQUIRE(much);
    CHECK(much->size() == 300000);
}

TEST_CASE("program: words reach it as they are, and standard input is empty") {
    CHECK(*output_of({"sh", "-c", "printf '%s|' \"$@\"; cat", "sh", "a b", "", "$c"}) ==
          "a b||$c|");
}

TEST_CASE("program: a failure says what it said itself") {
    const Result<std::string> failed =
        output_of({"sh", "-c", "echo one >&2; echo two >&2; exit 3"});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().text == "sh: one two");
    CHECK(output_of({"false"}).error().text == "false failed");
    CHECK(output_of({"sh", "-c", "kill -9 $$"}).error().text == "sh failed");
    CHECK(output_of({"no-such-program-here"}).error().text ==
          "run no-such-program-here: No such file or directory");
}
