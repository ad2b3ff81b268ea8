/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rsh/opening.h"

#include <catch2/catch.hpp>

using namespace faith::rsh;
using namespace std::string_literals;
using State = Opening::State;

namespace {

/* All at once, and byte by byte: what the server heard must be the same. */
struct Twice {
    Opening whole;
    Opening bytes;
    std::string heard;
    std::string heard_in_bytes;

    void feed(const std::string &text) {
        heard += whole.feed(text);
        for (const char byte : text)
            heard_in_bytes += bytes.feed(std::string(1, byte));
        check();
    }
    void listening(std::uint16_t port) {
        heard += whole.listening(port);
        heard_in_bytes += bytes.listening(port);
        check();
    }
    void check() const {
        CHECK(heard == heard_in_bytes);
        CHECK(whole.state() == bytes.state());
        CHECK(whole.port() == bytes.port());
        CHECK(whole.fault() == bytes.fault());
    }
};

const std::string words = "me\0you\0echo hello\0"s;

} // namespace

TEST_CASE("rsh: no port, no standard error: everything as it is (D58)") {
    for (const std::string &none : {"\0"s, "0\0"s, "00000\0"s}) {
        Twice rsh;
        rsh.feed(none + words);
        CHECK(rsh.whole.state() == State::Through);
        CHECK(rsh.heard == none + words);
        CHECK(rsh.whole.port() == 0);
        rsh.feed("1022\0and more"s);
        CHECK(rsh.heard == none + words + "1022\0and more"s);
    }
}

TEST_CASE("rsh: the server hears the gateway's port, and nothing behind it is lost (D58)") {
    Twice rsh;
    rsh.feed("1022\0"s + words);
    CHECK(rsh.whole.state() == State::Waiting);
    CHECK(rsh.whole.port() == 1022);
    CHECK(rsh.heard.empty());
    rsh.feed("input");
    CHECK(rsh.heard.empty());
    rsh.listening(777);
    CHECK(rsh.whole.state() == State::Through);
    CHECK(rsh.heard == "777\0"s + words + "input");
    rsh.feed("\0 12"s);
    CHECK(rsh.heard == "777\0"s + words + "input\0 12"s);
    rsh.listening(888);
    CHECK(rsh.heard == "777\0"s + words + "input\0 12"s);
}

TEST_CASE("rsh: the ports of an administrator, and no others") {
    for (const char *good : {"512", "1023", "00600"}) {
        Twice rsh;
        rsh.feed(std::string(good) + '\0');
        CHECK(rsh.whole.state() == State::Waiting);
    }
    for (const char *bad : {"1", "511", "1024", "65535", "65536", "99999"}) {
        CAPTURE(bad);
        Twice rsh;
        rsh.feed(std::string(bad) + '\0' + words);
        CHECK(rsh.whole.state() == State::Broken);
        CHECK(rsh.whole.fault() == "the port for its standard error is not a reserved one");
        rsh.listening(777);
        rsh.feed(words);
        CHECK(rsh.heard.empty());
    }
}

TEST_CASE("rsh: what is no port ends it before the server hears anything") {
    for (const std::string &bad :
         {"GET / HTTP/1.0\r\n\r\n"s, "-1\0"s, " 600\0"s, "600\n"s, "1x\0"s}) {
        Twice rsh;
        rsh.feed(bad);
        CHECK(rsh.whole.state() == State::Broken);
        CHECK(rsh.whole.fault() == "its first words are no port");
        CHECK(rsh.heard.empty());
    }
    Twice rsh;
    rsh.feed("00000");
    CHECK(rsh.whole.state() == State::Port);
    rsh.feed("0");
    CHECK(rsh.whole.state() == State::Broken);
    CHECK(rsh.whole.fault() == "the port for its standard error has no end");
}
