/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A control connection through a worker, with both peers on loopback. The prefix address is
 * [::1], and "the server's data port" is the worker's own, because there is no sk_lookup here
 * that would bring the client's connection from any other port to it.
 */
#pragma once

#include "relay/ftp_control.h"
#include "rig.h"

#include <catch2/catch.hpp>

namespace rig {

using peers::Seen;

struct Ftp : Rig {
    Ends control;
    std::string complaints;
    peers::Server data{}; /* where the server takes passive data */

    explicit Ftp(Millis idle_timeout = Millis{600'000}) : Rig(with_complaints()) {
        dial.idle_timeout = idle_timeout;
        dial.ftp = ftp::Dialect::Rfc6384;
        control = connect();
        dial = dial_to(data.port);
        reply("220 ready");
        CHECK(heard(control.client.get()) == "220 ready\r\n");
    }
    Options with_complaints() {
        Options options;
        options.complain = [this](std::string_view text) { complaints += text; };
        return options;
    }

    void send(int fd, std::string text) {
        std::string_view rest = text;
        REQUIRE(peers::push(fd, rest));
        REQUIRE(rest.empty());
        settle();
    }
    void say(const std::string &line) { send(control.client.get(), line + "\r\n"); }
    void reply(const std::string &line) { send(control.server.get(), line + "\r\n"); }
    /* What has arrived there. */
    std::string heard(int fd) {
        settle();
        std::string text;
        CHECK(peers::pull(fd, text) == Seen::More);
        return text;
    }
    std::string client_heard() { return heard(control.client.get()); }
    std::string server_heard() { return heard(control.server.get()); }

    std::string pasv_reply(std::uint16_t port) {
        return "227 Entering Passive Mode (10,0,0,1," + std::to_string(port >> 8) + "," +
               std::to_string(port & 0xff) + ")";
    }
    /* EPSV, with the worker's own port as what the server says. */
    void passive() {
        say("EPSV");
        CHECK(server_heard() == "PASV\r\n");
        reply(pasv_reply(port()));
    }
    /* EPRT; the port that the server is told. */
    std::uint16_t active(std::uint16_t client_port) {
        say("EPRT |2|::1|" + std::to_string(client_port) + "|");
        unsigned high = 0;
        unsigned low = 0;
        const std::string port = server_heard();
        INFO(port);
        REQUIRE(std::sscanf(port.c_str(), "PORT 127,0,0,1,%u,%u\r\n", &high, &low) == 2);
        reply("200 PORT ok");
        CHECK(client_heard() == "200 EPRT ok\r\n");
        return static_cast<std::uint16_t>(high << 8 | low);
    }
    Seen seen(int fd) {
        settle();
        return peers::pull(fd);
    }
};

inline bool refused4(std::uint16_t port) {
    const peers::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd.get(), reinterpret_cast<sockaddr *>(&to), sizeof to) < 0 &&
           errno == ECONNREFUSED;
}

/* Where a client waits for active data. */
struct Listener6 {
    peers::UniqueFd fd;
    std::uint16_t port = 0;

    Listener6() {
        Result<sys::UniqueFd> made = sys::listen6();
        REQUIRE(made);
        fd = *std::move(made);
        port = peers::port_of(fd.get());
    }
};

} // namespace rig
