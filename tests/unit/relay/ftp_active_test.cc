/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* FTP's active mode: from EPRT to the client's data connection, and what is said meanwhile. */
#include "ftp_rig.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace rig;
using peers::Seen;

namespace {

/* A connection to 127.0.0.1 from another address of loopback. */
peers::UniqueFd connect4_from(std::uint32_t address, std::uint16_t port) {
    peers::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(address);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr *>(&here), sizeof here) == 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr *>(&to), sizeof to) == 0);
    peers::make_nonblocking(fd.get());
    return fd;
}

} // namespace

TEST_CASE("ftp_control: active data comes from the prefix address to the client (D51, F20)") {
    Ftp ftp;
    const Listener6 client;
    std::vector<std::uint16_t> asked;
    Dial dial = ftp.dial;
    dial.ftp = ftp::Dialect::Rfc6384;
    ftp.policies.set(policy_of([&](const Request &request) {
        asked.push_back(request.port);
        return Decision(dial);
    }));
    const std::uint16_t port = ftp.active(client.port);
    CHECK(asked == std::vector<std::uint16_t>{FtpControl::data_port});
    const peers::UniqueFd server = peers::connect4(port);
    ftp.until([&] { return ftp.count(FGW_CONNECTED) == 2; });
    peers::came(client.fd.get());
    const sys::Accepted data = sys::accept6(client.fd.get());
    REQUIRE(data.kind == sys::Accepted::Kind::Got);
    CHECK(data.peer.address.is_loopback());
    if (::geteuid() == 0)
        CHECK(data.peer.port == FtpControl::data_port);
    CHECK(ftp.count(FGW_FTP_DATA) == 1);
    CHECK(refused4(port)); /* once */
    const std::string file = peers::pattern(1000000);
    CHECK(ftp.carry(server.get(), data.fd.get(), file) == file);
    CHECK(ftp.carry(data.fd.get(), server.get(), file) == file);
    REQUIRE(::shutdown(server.get(), SHUT_WR) == 0);
    CHECK(ftp.end_seen(data.fd.get()) == Seen::End);
    CHECK(ftp.live() == 2);
}

TEST_CASE("ftp_control: active data of another host than the server is reset (D52)") {
    Ftp ftp;
    const Listener6 client;
    const std::uint16_t port = ftp.active(client.port);
    const peers::UniqueFd stranger = connect4_from(0x7f000002, port);
    CHECK(ftp.end_seen(stranger.get()) == Seen::Reset);
    CHECK(ftp.count(FGW_FTP_STRANGER) == 1);
    CHECK(sys::accept6(client.fd.get()).kind == sys::Accepted::Kind::Again);
    const peers::UniqueFd server = peers::connect4(port); /* who is still expected */
    ftp.until([&] { return ftp.count(FGW_CONNECTED) == 2; });
}

TEST_CASE("ftp_control: a client that does not listen: the server is told by a reset") {
    Ftp ftp;
    std::uint16_t closed = 0;
    {
        const Listener6 client;
        closed = client.port;
    }
    const peers::UniqueFd server = peers::connect4(ftp.active(closed));
    CHECK(ftp.end_seen(server.get()) == Seen::Reset);
    CHECK(ftp.count(FGW_FTP_NO_CLIENT) == 1);
    CHECK(ftp.live() == 1);
}

TEST_CASE("ftp_control: until the client has its active data it does not hear of their end") {
    Ftp ftp;
    const Listener6 client;
    REQUIRE(::listen(client.fd.get(), 0) == 0); /* room for one, and that one is there */
    const peers::UniqueFd before = peers::connect6(client.port);
    const std::uint16_t port = ftp.active(client.port);
    ftp.say("LIST");
    CHECK(ftp.server_heard() == "LIST\r\n");
    /* All this before the gateway has a turn, which then sees the control connection first. */
    const auto say = [](int fd, std::string_view text) { REQUIRE(peers::push(fd, text)); };
    const int one = 1;
    REQUIRE(::setsockopt(ftp.control.server.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) ==
            0);
    say(ftp.control.server.get(), "150 here they come\r\n");
    const peers::UniqueFd server = peers::connect4(port);
    say(server.get(), "a file\r\n");
    REQUIRE(::shutdown(server.get(), SHUT_WR) == 0);
    say(ftp.control.server.get(), "226 all sent\r\n");
    CHECK(ftp.client_heard().empty());
    CHECK(ftp.count(FGW_FTP_DATA) == 1);

    SECTION("it hears all when it has answered") {
        peers::came(client.fd.get());
        REQUIRE(sys::accept6(client.fd.get()).kind == sys::Accepted::Kind::Got);
        ftp.until([&] { return ftp.count(FGW_CONNECTED) == 2; });
        CHECK(ftp.client_heard() == "150 here they come\r\n226 all sent\r\n");
    }
    SECTION("and when it never will") {
        ftp.pass(ftp.dial.connect_timeout);
        CHECK(ftp.count(FGW_FTP_NO_CLIENT) == 1);
        CHECK(ftp.client_heard() == "150 here they come\r\n226 all sent\r\n");
    }
    SECTION("what it says itself goes on meanwhile") {
        ftp.say("ABOR");
        std::string said;
        ftp.until([&] {
            REQUIRE(peers::pull(ftp.control.server.get(), said) == Seen::More);
            return said == "ABOR\r\n";
        });
        CHECK(ftp.client_heard().empty());
        sys::reset_on_close(ftp.control.client.get());
        ftp.control.client.reset(); /* then nobody is left whom the data could tell */
        ftp.until([&] { return ftp.live() == 1; });
        ftp.pass(ftp.dial.connect_timeout);
        CHECK(ftp.live() == 0);
    }
}
