/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What local services serve in tests: shells on connected sockets. */
#pragma once

#include "config/config.h"
#include "sys/fd.h"

#include <catch2/catch.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <string>

namespace faith {

inline config::Local shell_service(const std::string &command) {
    config::Local local;
    local.path = "/bin/sh";
    local.argv = {"sh", "-c", command};
    local.rate = 0;
    return local;
}

/* Reads until everybody has closed the other end. */
inline std::string hear_all(int fd) {
    std::string text;
    char chunk[4096];
    for (;;) {
        pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&readable, 1, 60'000) == 1);
        const ssize_t got = ::recv(fd, chunk, sizeof chunk, 0);
        if (got <= 0)
            return text;
        text.append(chunk, static_cast<std::size_t>(got));
    }
}

class Connection {
public:
    Connection() {
        int both[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
        theirs_.reset(both[0]);
        ours_.reset(both[1]);
    }
    sys::UniqueFd take_theirs() { return std::move(theirs_); }
    void say(const std::string &text) const {
        REQUIRE(::send(ours_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(text.size()));
    }
    std::string hear_all() const { return faith::hear_all(ours_.get()); }

private:
    sys::UniqueFd theirs_;
    sys::UniqueFd ours_;
};

} // namespace faith
