/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/handed.h"

#include "tests/unit/relay/peers.h"

#include <catch2/catch.hpp>

#include <sys/wait.h>

#include <string>

using namespace faith;
using namespace faith::sys;

namespace {

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    REQUIRE(::getsockopt(fd, level, name, &value, &length) == 0);
    return value;
}

struct Accepted6 {
    UniqueFd listener = *listen6();
    UniqueFd client = peers::connect6(peers::port_of(listener.get()));
    UniqueFd fd;

    Accepted6() {
        peers::came(listener.get());
        fd = accept6(listener.get()).fd;
    }
};

} // namespace

TEST_CASE("handed: what a descriptor is") {
    const Accepted6 six;
    const peers::Server four;
    const UniqueFd client4 = peers::connect4(four.port);
    const UniqueFd unconnected(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const UniqueFd datagrams(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    const UniqueFd local(pair[0]);
    const UniqueFd other(pair[1]);
    const UniqueFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
    CHECK(what_is(six.fd.get()) == Handed::Connection);
    CHECK(what_is(client4.get()) == Handed::Connection);
    CHECK(what_is(six.listener.get()) == Handed::Listener);
    CHECK(what_is(four.fd.get()) == Handed::Other);
    CHECK(what_is(unconnected.get()) == Handed::Other);
    CHECK(what_is(datagrams.get()) == Handed::Other);
    CHECK(what_is(local.get()) == Handed::Other);
    CHECK(what_is(file.get()) == Handed::NoSocket);
    CHECK(what_is(-1) == Handed::NoSocket);
}

TEST_CASE("handed: both ends of a connection, IPv4 as mapped addresses") {
    const Accepted6 six;
    const Result<Ends> ends = ends_of(six.fd.get());
    REQUIRE(ends);
    CHECK(ends->here.address.is_loopback());
    CHECK(ends->here.port == peers::port_of(six.listener.get()));
    CHECK(ends->peer.port == peers::port_of(six.client.get()));

    const peers::Server four;
    const UniqueFd client = peers::connect4(four.port);
    const Result<Ends> mapped = ends_of(client.get());
    REQUIRE(mapped);
    CHECK(to_string(mapped->peer.address) == "::ffff:127.0.0.1");
    CHECK(mapped->peer.port == four.port);
    CHECK(mapped->here.port == peers::port_of(client.get()));
    CHECK_FALSE(ends_of(-1));
}

TEST_CASE(
    "handed: taken over, a connection is ours alone, and nothing written by mistake goes there") {
    Accepted6 six;
    const pid_t child = ::fork(); // standard descriptors are the process's
    if (child == 0) {
        ::dup2(six.fd.get(), STDIN_FILENO);
        ::dup2(six.fd.get(), STDOUT_FILENO);
        ::dup2(six.fd.get(), STDERR_FILENO);
        six.fd.reset();
        const Result<UniqueFd> taken = take_over(STDIN_FILENO);
        if (!taken || taken->get() <= STDERR_FILENO || !make_ours(taken->get()))
            ::_exit(1);
        for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
            if (::write(standard, "mistake", 7) != 7)
                ::_exit(2);
        ::_exit(::send(taken->get(), "meant", 5, MSG_NOSIGNAL) == 5 ? 0 : 3);
    }
    six.fd.reset();
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
    std::string heard;
    peers::Seen seen = peers::Seen::More;
    peers::until(
        [] {}, [&] { return (seen = peers::pull(six.client.get(), heard)) != peers::Seen::More; });
    CHECK(heard == "meant");
}

TEST_CASE("handed: a socket made ours has what an accepted one has") {
    const UniqueFd fd(::socket(AF_INET6, SOCK_STREAM, 0));
    REQUIRE(make_ours(fd.get()));
    CHECK(option(fd.get(), IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option(fd.get(), SOL_SOCKET, SO_OOBINLINE) == 1);
    CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_FALSE(make_ours(-1));
}
