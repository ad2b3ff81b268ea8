/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ftp/alg.h"

#include "dialogue.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <set>

using namespace dialogue;

namespace {

std::set<std::string> golden_files() {
    std::set<std::string> paths;
    for (const auto &entry : std::filesystem::directory_iterator("tests/golden/ftp"))
        if (entry.path().extension() == ".txt")
            paths.insert(entry.path().string());
    REQUIRE(paths.size() >= 10);
    return paths;
}

void check(const std::string &path, Pieces pieces) {
    const Dialogue dialogue = read(path);
    const std::vector<Outcome> outcomes = run(dialogue, pieces);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        INFO(dialogue.turns[i].place << ": " << dialogue.turns[i].said);
        CHECK(outcomes[i].to_client == dialogue.turns[i].wanted.to_client);
        CHECK(outcomes[i].to_server == dialogue.turns[i].wanted.to_server);
        CHECK(outcomes[i].effects == dialogue.turns[i].wanted.effects);
    }
}

Alg greeted() {
    Alg alg(Dialect::Rfc6384, client, destination);
    CHECK(alg.feed(Side::Server, "220 hello\r\n").to_client == "220 hello\r\n");
    return alg;
}

} // namespace

TEST_CASE("alg: the dialogues of tests/golden/ftp, a line at a time (D46-D49, R25-R30)") {
    for (const std::string &path : golden_files())
        check(path, Pieces::Whole);
}

TEST_CASE("alg: the dialogues of tests/golden/ftp, a byte at a time (D45)") {
    for (const std::string &path : golden_files())
        check(path, Pieces::Bytes);
}

TEST_CASE("alg: while an effect is performed nobody is read, while AUTH waits the client is not") {
    Alg alg = greeted();
    CHECK(alg.takes(Side::Client));
    CHECK(alg.feed(Side::Client, "EPRT |2|2001:db8:2::31|5282|\r\nNOOP\r\n").to_server.empty());
    CHECK_FALSE(alg.takes(Side::Client));
    CHECK_FALSE(alg.takes(Side::Server));
    CHECK(alg.listening(Ip4{.value = 0xc0000201}, 258).to_server ==
          "PORT 192,0,2,1,1,2\r\nNOOP\r\n");
    CHECK(alg.takes(Side::Client));
    (void)alg.feed(Side::Client, "AUTH TLS\r\n");
    CHECK_FALSE(alg.takes(Side::Client));
    CHECK(alg.takes(Side::Server));
}

TEST_CASE("alg: a client that never waits for replies is read no further at some point") {
    Alg alg = greeted();
    std::size_t commands = 0;
    for (; alg.takes(Side::Client) && commands < 1000; ++commands)
        (void)alg.feed(Side::Client, "NOOP\r\n");
    CHECK(commands == Alg::most_awaited);
    CHECK(alg.feed(Side::Client, "SYST\r\n").to_server.empty());
    CHECK(alg.feed(Side::Server, "200 ok\r\n").to_server == "SYST\r\n");
}

TEST_CASE("alg: a server that has gone is waited for no longer") {
    Alg alg = greeted();
    CHECK(alg.feed(Side::Client, "AUTH TLS\r\nQUIT\r\n").to_server == "AUTH TLS\r\n");
    CHECK(alg.end(Side::Server).to_server == "QUIT\r\n");
}

TEST_CASE("alg: lines without end hang up, on either side") {
    for (const Side side : {Side::Client, Side::Server}) {
        Alg alg = greeted();
        const Step step = alg.feed(side, std::string(LineReader::longest_line + 1, 'x'));
        REQUIRE(step.effects.size() == 1);
        CHECK(std::holds_alternative<Hangup>(step.effects[0]));
        CHECK(step.to_server.empty());
        CHECK(step.to_client.starts_with("421 "));
        CHECK(alg.feed(side, "NOOP\r\n").to_server.empty());
        CHECK(alg.end(side).to_server.empty());
    }
}

TEST_CASE("alg: answers nobody asked for change nothing") {
    Alg alg = greeted();
    CHECK(alg.listening(Ip4{.value = 1}, 1).to_server.empty());
    CHECK(alg.expecting().to_client.empty());
    CHECK(alg.failed().to_client.empty());
    CHECK(alg.feed(Side::Server, "421 idle\r\n").to_client == "421 idle\r\n");
}

TEST_CASE("alg: what was urgent stays urgent, passed on, replaced or after AUTH (R28, D38)") {
    Alg alg = greeted();
    (void)alg.feed(Side::Client, "NOOP\r\n\xff\xf4\xff");
    CHECK_FALSE(alg.feed_urgent('\xf2').urgent);
    Step step = alg.feed(Side::Client, "ABOR\r\nNOOP\r\n");
    REQUIRE(step.urgent);
    CHECK(step.to_server[*step.urgent] == '\xf2');
    (void)alg.feed(Side::Client, "\xff\xf4\xff");
    (void)alg.feed_urgent('\xf2');
    step = alg.feed(Side::Client, "EPSV\r\n");
    CHECK(step.to_server == "\xff\xf4\xff\xf2PASV\r\n");
    CHECK(step.urgent == 3);
    CHECK_FALSE(alg.feed(Side::Client, "NOOP\r\n").urgent);
    (void)alg.feed(Side::Client, "AUTH TLS\r\n");
    for (int i = 0; i < 6; ++i)
        (void)alg.feed(Side::Server, "200 ok\r\n");
    (void)alg.feed(Side::Server, "234 go\r\n");
    step = alg.feed_urgent('x');
    CHECK(step.to_server == "x");
    CHECK(step.urgent == 0);
}
