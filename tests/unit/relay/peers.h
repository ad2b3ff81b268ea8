/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two ends that a relay stands between, as sockets on loopback, and small steps to
 * take with them. Everything is non-blocking; who waits says for what.
 */
#pragma once

#include "base/addr.h"
#include "sys/fd.h"
#include "tests/support/wait.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peers {

using faith::sys::UniqueFd;
using faith::test::came;

/* Long enough for any machine: only a test that hangs sees it pass. */
constexpr std::chrono::seconds patience{60};

/* splice() into a reset socket raises SIGPIPE; workers block it, tests ignore it. */
class NoSigpipe {
public:
    NoSigpipe() : before_(::signal(SIGPIPE, SIG_IGN)) {}
    ~NoSigpipe() { ::signal(SIGPIPE, before_); }
    NoSigpipe(const NoSigpipe &) = delete;
    NoSigpipe &operator=(const NoSigpipe &) = delete;

private:
    void (*before_)(int);
};

/* This thread cannot bind reserved ports, whoever runs the tests. */
class Unprivileged {
public:
    Unprivileged() {
        REQUIRE(::syscall(SYS_capget, &header_, before_.data()) == 0);
        std::array<__user_cap_data_struct, 2> now = before_;
        now[0].effective &= ~(1U << CAP_NET_BIND_SERVICE);
        REQUIRE(::syscall(SYS_capset, &header_, now.data()) == 0);
    }
    ~Unprivileged() { (void)::syscall(SYS_capset, &header_, before_.data()); }
    Unprivileged(const Unprivileged &) = delete;
    Unprivileged &operator=(const Unprivileged &) = delete;

private:
    __user_cap_header_struct header_{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> before_{};
};

inline void make_nonblocking(int fd) {
    REQUIRE(::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

/* A listener on 127.0.0.1, and where it is. */
struct Server {
    UniqueFd fd;
    std::uint16_t port = 0;

    explicit Server(int backlog = 512) {
        fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_in local{};
        local.sin_family = AF_INET;
        local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof local;
        REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr *>(&local), length) == 0);
        REQUIRE(::listen(fd.get(), backlog) == 0);
        REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr *>(&local), &length) == 0);
        port = ntohs(local.sin_port);
    }

    UniqueFd accept() const { /* empty when nobody waits */
        return UniqueFd(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    }
    UniqueFd await() const { /* who has connected, or is about to */
        came(fd.get());
        return accept();
    }
};

inline std::uint16_t port_of(int fd) {
    sockaddr_in6 local{};
    socklen_t length = sizeof local;
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr *>(&local), &length) == 0);
    return ntohs(local.sin6_port); /* at the same place in sockaddr_in */
}

/* Loopback connects at once, as soon as the listener's queue has room. A worker of a
 * thread of its own may even have reset the connection by then. */
inline UniqueFd connect6(std::uint16_t port) {
    UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(fd);
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    to.sin6_addr = in6addr_loopback;
    const int connected = ::connect(fd.get(), reinterpret_cast<sockaddr *>(&to), sizeof to);
    REQUIRE((connected == 0 || errno == ECONNRESET));
    make_nonblocking(fd.get());
    return fd;
}

inline UniqueFd connect4(std::uint16_t port) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(fd);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr *>(&to), sizeof to) == 0);
    make_nonblocking(fd.get());
    return fd;
}

/* The two ends of one TCP connection over 127.0.0.1. */
struct Tcp {
    UniqueFd a;
    UniqueFd b;

    Tcp() {
        const Server server;
        a = connect4(server.port);
        b = server.await();
        REQUIRE(b);
    }
};

inline void set_option(int fd, int level, int option, int value) {
    REQUIRE(::setsockopt(fd, level, option, &value, sizeof value) == 0);
}

/* Bytes that show a loss, a repetition or a swap. */
inline std::string pattern(std::size_t bytes, unsigned seed = 1) {
    std::minstd_rand random(seed);
    std::string text(bytes, '\0');
    for (char &c : text)
        c = static_cast<char>(random() >> 8);
    return text;
}

/* Sends what there is room for and shortens the text by it; false: the socket failed. */
inline bool push(int fd, std::string_view &text, int flags = 0) {
    while (!text.empty()) {
        const ssize_t put = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | flags);
        if (put < 0)
            return errno == EAGAIN;
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

enum class Seen { More, End, Reset };

/* Takes what is there. */
inline Seen pull(int fd, std::string &into, std::size_t most = SIZE_MAX) {
    std::array<char, 65536> buffer;
    while (most > 0) {
        const ssize_t got = ::recv(fd, buffer.data(), std::min(most, buffer.size()), 0);
        if (got == 0)
            return Seen::End;
        if (got < 0)
            return errno == EAGAIN ? Seen::More : Seen::Reset;
        into.append(buffer.data(), static_cast<std::size_t>(got));
        most -= static_cast<std::size_t>(got);
    }
    return Seen::More;
}

inline Seen pull(int fd) {
    std::string ignored;
    return pull(fd, ignored);
}

/* A stream with urgent bytes: which they are, counted from the beginning. */
struct Heard {
    std::string text;
    std::vector<std::size_t> urgent;
    bool operator==(const Heard &) const = default;
};

/* Takes what is there, and knows the urgent bytes; the socket has SO_OOBINLINE. */
inline Seen hear(int fd, Heard &into) {
    std::array<char, 65536> buffer;
    for (;;) {
        /* Looked for before the mark: a byte that comes after this look stays unread. */
        pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&one, 1, 0) >= 0);
        if (one.revents == 0)
            return Seen::More;
        int at_mark = 0;
        REQUIRE(::ioctl(fd, SIOCATMARK, &at_mark) == 0);
        const ssize_t got = ::recv(fd, buffer.data(), at_mark != 0 ? 1 : buffer.size(), 0);
        if (got <= 0)
            return got == 0 ? Seen::End : errno == EAGAIN ? Seen::More : Seen::Reset;
        if (at_mark != 0)
            into.urgent.push_back(into.text.size());
        into.text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

/* Waits until so many bytes have arrived and wait to be read. */
inline void arrived(int fd, int bytes) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (int waiting = 0; waiting < bytes;) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        REQUIRE(::ioctl(fd, FIONREAD, &waiting) == 0);
    }
}

/* Closes with a RST. */
inline void reset(UniqueFd &fd) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    REQUIRE(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    fd.reset();
}

/* Whether the peer's kernel has yet to answer for bytes sent: room comes back when it does. */
inline bool in_flight(int fd) {
    int unanswered = 0;
    int unsent = 0;
    return ::ioctl(fd, SIOCOUTQ, &unanswered) == 0 && ::ioctl(fd, SIOCOUTQNSD, &unsent) == 0 &&
           unanswered > unsent;
}

/* Fills a connection until neither side takes more; what was put in. */
inline std::string stuff(int fd) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::string all;
    int refused = 0;
    while (refused < 3 || in_flight(fd)) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        const std::string piece = pattern(50000, static_cast<unsigned>(all.size()) + 1);
        std::string_view rest = piece;
        REQUIRE(push(fd, rest));
        all += piece.substr(0, piece.size() - rest.size());
        refused = rest.empty() ? 0 : refused + 1;
    }
    return all;
}

inline std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < 4096; ++fd)
        if (::fcntl(fd, F_GETFD) >= 0)
            ++count;
    return count;
}

/* Runs step until done says so, for as long as patience lasts. */
template <class Step, class Done>
void until(Step step, Done done) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!done()) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        step();
    }
}

} // namespace peers
