/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ftp_rig.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace rig;
using peers::Seen;

TEST_CASE("ftp_control: passive data goes to the control peer, whatever the 227 says (D52, R25)") {
    Ftp ftp;
    std::vector<Request> asked;
    Dial dial = ftp.dial;
    dial.ftp = ftp::Dialect::Rfc6384; /* a data port may be one for control connections, too */
    ftp.policies.set(policy_of([&](const Request &request) {
        asked.push_back(request);
        return Decision(dial);
    }));
    ftp.passive(); /* says 10.0.0.1 */
    CHECK(ftp.client_heard() ==
          "229 Entering Extended Passive Mode (|||" + std::to_string(ftp.port()) + "|)\r\n");
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].client.is_loopback());
    CHECK(asked[0].destination.is_loopback());
    CHECK(asked[0].port == ftp.port());

    const peers::UniqueFd client = peers::connect6(ftp.port());
    ftp.until([&] { return ftp.count(FGW_CONNECTED) == 2; });
    const peers::UniqueFd server = ftp.data.await();
    REQUIRE(server);
    CHECK(ftp.count(FGW_FTP_DATA) == 1);
    const std::string file = peers::pattern(1000000);
    CHECK(ftp.carry(server.get(), client.get(), file) == file);
    CHECK(ftp.carry(client.get(), server.get(), file) == file);
    REQUIRE(::shutdown(server.get(), SHUT_WR) == 0);
    CHECK(ftp.end_seen(client.get()) == Seen::End);
    REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
    ftp.until([&] { return ftp.live() == 1; });
    CHECK(ftp.expectations.empty());
}

TEST_CASE("ftp_control: passive data comes from the control connection's IPv4 address (D52)") {
    Ftp ftp;
    ftp.passive();
    ftp.dial.source = Ip4{.value = 0x7f000005}; /* what a judge might choose by now */
    const peers::UniqueFd client = peers::connect6(ftp.port());
    ftp.until([&] { return ftp.count(FGW_CONNECTED) == 2; });
    peers::came(ftp.data.fd.get());
    const sys::Accepted4 server = sys::accept4(ftp.data.fd.get());
    REQUIRE(server.kind == sys::Accepted::Kind::Got);
    CHECK(server.peer.address == Ip4{.value = 0x7f000001});
}

TEST_CASE("ftp_control: a second connection, and one of somebody else, is reset (D52)") {
    Ftp ftp;
    ftp.passive();
    const peers::UniqueFd client = peers::connect6(ftp.port());
    ftp.until([&] { return ftp.count(FGW_CONNECTED) == 2; });
    const peers::UniqueFd second = peers::connect6(ftp.port());
    CHECK(ftp.end_seen(second.get()) == Seen::Reset);
    CHECK(ftp.count(FGW_FTP_STRANGER) == 1);
    CHECK(ftp.seen(client.get()) == Seen::More);

    Ftp other;
    const ExpectationId entry =
        other.expectations.add(DataPort{.client = *parse_ip6("2001:db8::1"),
                                        .destination = *parse_ip6("::1"),
                                        .port = other.port()},
                               Expected{.source = Ip4{.value = 0x7f000001},
                                        .traffic = std::make_shared<DataTraffic>(),
                                        .wait = {}});
    const peers::UniqueFd stranger = peers::connect6(other.port());
    CHECK(other.end_seen(stranger.get()) == Seen::Reset);
    CHECK(other.count(FGW_FTP_STRANGER) == 1);
    other.expectations.withdraw(entry);
    const peers::UniqueFd welcome = peers::connect6(other.port());
    other.until([&] { return other.count(FGW_CONNECTED) == 2; });
}

TEST_CASE("ftp_control: the data port of passive mode is asked of the judge: 425 (D52)") {
    Ftp ftp;
    ftp.policies.set(
        policy_of([](const Request &) { return Decision(Refuse{FGW_NEVER_TARGET, {}, no_rule}); }));
    ftp.passive();
    CHECK(ftp.client_heard() == "425 Can't open data connection.\r\n");
    CHECK(ftp.count(FGW_NEVER_TARGET) == 1);
    CHECK(ftp.expectations.empty());
}

TEST_CASE("ftp_control: what was announced is void after data_timeout, and with the next set-up") {
    Ftp ftp;
    CHECK(ftp.dial.data_timeout == Millis{120'000}); /* faithd's */
    ftp.passive();
    CHECK_FALSE(ftp.expectations.empty());
    ftp.pass(ftp.dial.data_timeout - Millis{1});
    CHECK_FALSE(ftp.expectations.empty());
    ftp.pass(Millis{1});
    CHECK(ftp.expectations.empty());
    (void)ftp.client_heard();

    const Listener6 client;
    const std::uint16_t port = ftp.active(client.port);
    ftp.pass(ftp.dial.data_timeout);
    CHECK(refused4(port));

    ftp.passive();
    (void)ftp.client_heard();
    CHECK_FALSE(ftp.expectations.empty());
    const std::uint16_t next = ftp.active(client.port);
    CHECK(ftp.expectations.empty());
    ftp.passive();
    CHECK(refused4(next));
    ftp.control.client.reset();
    ftp.control.server.reset();
    ftp.until([&] { return ftp.live() == 0; });
    CHECK(ftp.expectations.empty());
}

TEST_CASE("ftp_control: the judge can refuse active mode: 425, and no listener") {
    Ftp ftp;
    ftp.policies.set(
        policy_of([](const Request &) { return Decision(Refuse{FGW_ACL_DENY, {}, no_rule}); }));
    ftp.say("EPRT |2|::1|5000|");
    CHECK(ftp.server_heard() == "NOOP\r\n");
    ftp.reply("200 ok");
    CHECK(ftp.client_heard() == "425 Can't open data connection.\r\n");
    CHECK(ftp.count(FGW_ACL_DENY) == 1);
}

TEST_CASE("ftp_control: data connections are sessions, limits and all") {
    Ftp ftp;
    Policy policy;
    const Dial dial = ftp.dial;
    policy.judge = [dial](const Request &) { return Decision(dial); };
    policy.max_sessions = 1;
    ftp.policies.set(std::make_shared<const Policy>(policy));
    ftp.passive();
    (void)ftp.client_heard();
    const peers::UniqueFd passive = peers::connect6(ftp.port());
    CHECK(ftp.end_seen(passive.get()) == Seen::Reset);
    const Listener6 client;
    const peers::UniqueFd active = peers::connect4(ftp.active(client.port));
    CHECK(ftp.end_seen(active.get()) == Seen::Reset);
    CHECK(ftp.count(FGW_SESSION_LIMIT) == 2);
    CHECK(ftp.live() == 1);
}

TEST_CASE("ftp_control: the control connection is not idle while data flows (R29, D54)") {
    Ftp ftp(Millis{60000});
    const Listener6 client;
    const peers::UniqueFd server = peers::connect4(ftp.active(client.port));
    ftp.until([&] { return ftp.count(FGW_CONNECTED) == 2; });
    peers::came(client.fd.get());
    const sys::Accepted data = sys::accept6(client.fd.get());
    REQUIRE(data.kind == sys::Accepted::Kind::Got);
    for (int i = 0; i < 4; ++i) {
        ftp.pass(Millis{40000});
        CHECK(ftp.carry(server.get(), data.fd.get(), "x") == "x");
    }
    CHECK(ftp.live() == 2);
    REQUIRE(::shutdown(server.get(), SHUT_WR) == 0);
    REQUIRE(::shutdown(data.fd.get(), SHUT_WR) == 0);
    ftp.until([&] { return ftp.live() == 1; });
    ftp.pass(Millis{59000}); /* counted from the end of the data */
    CHECK(ftp.live() == 1);
    ftp.pass(Millis{61000});
    CHECK(ftp.live() == 0);
    CHECK(ftp.count(FGW_IDLE_TIMEOUT) == 1);
}

TEST_CASE("ftp_control: data goes on when its control connection has gone") {
    Ftp ftp;
    ftp.passive();
    const peers::UniqueFd client = peers::connect6(ftp.port());
    ftp.until([&] { return ftp.count(FGW_CONNECTED) == 2; });
    const peers::UniqueFd server = ftp.data.await();
    ftp.control.client.reset();
    ftp.control.server.reset();
    ftp.until([&] { return ftp.live() == 1; });
    CHECK(ftp.carry(client.get(), server.get(), "rest") == "rest");
}

TEST_CASE("ftp_control: half close waits for what a reply sets free") {
    Ftp ftp;
    ftp.say("AUTH TLS");
    ftp.say("QUIT");
    CHECK(ftp.server_heard() == "AUTH TLS\r\n");
    REQUIRE(::shutdown(ftp.control.client.get(), SHUT_WR) == 0);
    CHECK(ftp.seen(ftp.control.server.get()) == Seen::More);
    ftp.reply("534 no");
    std::string text;
    ftp.until([&] { return peers::pull(ftp.control.server.get(), text) == Seen::End; });
    CHECK(text == "QUIT\r\n");
    ftp.reply("221 bye");
    REQUIRE(::shutdown(ftp.control.server.get(), SHUT_WR) == 0);
    text.clear();
    ftp.until([&] { return peers::pull(ftp.control.client.get(), text) == Seen::End; });
    CHECK(text == "534 no\r\n221 bye\r\n");
    ftp.until([&] { return ftp.live() == 0; });
    CHECK(ftp.count(FGW_CLOSED) == 1);
}

TEST_CASE("ftp_control: after AUTH bytes go through as they are, and many of them") {
    Ftp ftp;
    ftp.say("AUTH TLS");
    ftp.reply("234 go");
    CHECK(ftp.client_heard() == "234 go\r\n");
    (void)ftp.server_heard();
    const std::string noise = peers::pattern(3000000);
    CHECK(ftp.carry(ftp.control.client.get(), ftp.control.server.get(), noise) == noise);
    CHECK(ftp.carry(ftp.control.server.get(), ftp.control.client.get(), noise) == noise);
    CHECK(ftp.worker->sessions().front().engine == "ftp");
    CHECK(ftp.worker->sessions().front().bytes_to_server > noise.size());
}

TEST_CASE("ftp_control: a NOOP refused ends it, with a word to the client and to the log (R29)") {
    Ftp ftp;
    ftp.say("ALGS STATUS64");
    ftp.reply("500 what?");
    std::string text;
    ftp.until([&] { return peers::pull(ftp.control.client.get(), text) == Seen::End; });
    CHECK(text == "421 Service not available, closing control connection.\r\n");
    CHECK(ftp.count(FGW_FTP_HANGUP) == 1);
    CHECK(ftp.complaints == "FTP of ::1 to 127.0.0.1 ended: NOOP was not answered with 200");
    CHECK(ftp.live() == 0);
}

TEST_CASE("ftp_control: a peer that resets resets the other") {
    for (const bool client_first : {true, false}) {
        Ftp ftp;
        peers::reset(client_first ? ftp.control.client : ftp.control.server);
        CHECK(ftp.end_seen((client_first ? ftp.control.server : ftp.control.client).get()) ==
              Seen::Reset);
        CHECK(ftp.count(client_first ? FGW_CLIENT_RESET : FGW_SERVER_RESET) == 1);
    }
}

TEST_CASE("ftp_control: a client that asks for Telnet options and never reads is ended") {
    Ftp ftp;
    std::string options;
    for (int i = 0; i < 200000; ++i)
        options += "\xff\xfd\x01";
    /* The refusals fill the client's window, then what may wait for it. */
    peers::set_option(ftp.control.client.get(), SOL_SOCKET, SO_RCVBUF, 4096);
    std::string_view rest = options;
    ftp.until([&] {
        if (rest.empty())
            rest = options;
        (void)peers::push(ftp.control.client.get(), rest);
        ftp.settle();
        return ftp.live() == 0;
    });
    CHECK(ftp.complaints.ends_with("a peer that does not read"));
}

TEST_CASE("ftp_control: the urgent byte of an ABOR reaches the server as one, in its place (R28)") {
    Ftp ftp;
    const int client = ftp.control.client.get();
    const int server = ftp.control.server.get();
    peers::set_option(server, SOL_SOCKET, SO_OOBINLINE, 1);
    ftp.say("STAT");
    std::string_view before = "\xff\xf4\xff";
    REQUIRE(peers::push(client, before));
    std::string_view mark = "\xf2";
    REQUIRE(peers::push(client, mark, MSG_OOB));
    ftp.say("ABOR");
    ftp.say("NOOP");
    ftp.settle();
    std::array<std::byte, 100> heard{};
    CHECK(sys::receive(server, heard).bytes == 9); /* it stops before the urgent byte */
    CHECK(sys::at_urgent_mark(server));
    CHECK(ftp.server_heard() == "\xf2"
                                "ABOR\r\nNOOP\r\n");
    CHECK_FALSE(sys::at_urgent_mark(server));
}

TEST_CASE("ftp_control: Telnet options after a half close harm nobody") {
    Ftp ftp;
    REQUIRE(::shutdown(ftp.control.client.get(), SHUT_WR) == 0);
    CHECK(ftp.end_seen(ftp.control.server.get()) == Seen::End);
    ftp.send(ftp.control.server.get(), "\xff\xfd\x01"
                                       "221 bye\r\n");
    CHECK(ftp.client_heard() == "221 bye\r\n");
    REQUIRE(::shutdown(ftp.control.server.get(), SHUT_WR) == 0);
    CHECK(ftp.end_seen(ftp.control.client.get()) == Seen::End);
    CHECK(ftp.count(FGW_CLOSED) == 1);
}

TEST_CASE("ftp_control: PASV is passed on, and its data connection is guarded like any other") {
    Ftp ftp;
    ftp.say("PASV");
    CHECK(ftp.server_heard() == "PASV\r\n");
    ftp.reply(ftp.pasv_reply(ftp.port()));
    CHECK(ftp.client_heard() == ftp.pasv_reply(ftp.port()) + "\r\n");
    const peers::UniqueFd client = peers::connect6(ftp.port());
    ftp.until([&] { return ftp.count(FGW_CONNECTED) == 2; });
    CHECK(ftp.count(FGW_FTP_DATA) == 1);
    const peers::UniqueFd second = peers::connect6(ftp.port());
    CHECK(ftp.end_seen(second.get()) == Seen::Reset);
}
