/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/socket.h"

#include "tests/unit/relay/peers.h"

#include <catch2/catch.hpp>

#include <array>
#include <cerrno>

using namespace faith;
using namespace faith::sys;
using Kind = Moved::Kind;
using peers::Seen;

namespace {

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    REQUIRE(::getsockopt(fd, level, name, &value, &length) == 0);
    return value;
}

UniqueFd make_listener() {
    Result<UniqueFd> made = listen6();
    REQUIRE(made);
    return std::move(*made);
}

constexpr Ip4 loopback{.value = 0x7f000001};

} // namespace

TEST_CASE("socket: the listener is on [::1], IPv6 only, non-blocking and close-on-exec") {
    const UniqueFd listener = make_listener();
    const Result<Endpoint6> local = local6(listener.get());
    REQUIRE(local);
    CHECK(local->address.is_loopback());
    CHECK(local->port != 0);
    CHECK(option(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY) == 1);
    CHECK((::fcntl(listener.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(listener.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(option(listener.get(), SOL_SOCKET, SO_ACCEPTCONN) == 1);
}

TEST_CASE("socket: a listener on a port of the caller's is on [::], and the port is its own (D8)") {
    const std::uint16_t port = peers::port_of(make_listener().get()); /* free again */
    const Result<UniqueFd> listener = listen6_on(port);
    REQUIRE(listener);
    const Result<Endpoint6> local = local6(listener->get());
    REQUIRE(local);
    CHECK(local->address == Ip6{});
    CHECK(local->port == port);
    CHECK(option(listener->get(), IPPROTO_IPV6, IPV6_V6ONLY) == 1);
    CHECK(option(listener->get(), SOL_SOCKET, SO_OOBINLINE) == 1);
    const Result<UniqueFd> second = listen6_on(port);
    REQUIRE_FALSE(second);
    CHECK(second.error().sys_errno == EADDRINUSE);
}

TEST_CASE("socket: a duplicate is the same socket, and closed on exec as well") {
    const UniqueFd listener = make_listener();
    const Result<UniqueFd> copy = duplicate(listener.get());
    REQUIRE(copy);
    CHECK(copy->get() != listener.get());
    CHECK(peers::port_of(copy->get()) == peers::port_of(listener.get()));
    CHECK((::fcntl(copy->get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(duplicate(-1).error().sys_errno == EBADF);
}

TEST_CASE("socket: a listener on own addresses is plain, IPv6 only, and excludes a second one") {
    std::uint16_t port = 0;
    {
        const UniqueFd free = make_listener();
        port = peers::port_of(free.get());
    }
    const Result<UniqueFd> listener = listen_on_own6(port);
    REQUIRE(listener);
    CHECK(local6(listener->get())->address.is_unspecified());
    CHECK(local6(listener->get())->port == port);
    CHECK(option(listener->get(), IPPROTO_IPV6, IPV6_V6ONLY) == 1);
    CHECK(option(listener->get(), SOL_SOCKET, SO_OOBINLINE) == 0);
    CHECK((::fcntl(listener->get(), F_GETFD) & FD_CLOEXEC) != 0);
    const Result<UniqueFd> second = listen_on_own6(port);
    REQUIRE_FALSE(second);
    CHECK(second.error().sys_errno == EADDRINUSE);

    const UniqueFd client = peers::connect6(port);
    peers::came(listener->get());
    const Accepted accepted = accept6(listener->get());
    REQUIRE(accepted.kind == Accepted::Kind::Got);
    CHECK((::fcntl(accepted.fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(make_blocking(accepted.fd.get()));
    CHECK((::fcntl(accepted.fd.get(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK_FALSE(make_blocking(-1));
}

TEST_CASE("socket: an accepted socket inherits what the listener was set to") {
    const UniqueFd listener = make_listener();
    CHECK(accept6(listener.get()).kind == Accepted::Kind::Again);
    const UniqueFd client = peers::connect6(peers::port_of(listener.get()));
    peers::came(listener.get());
    const Accepted accepted = accept6(listener.get());
    REQUIRE(accepted.kind == Accepted::Kind::Got);
    CHECK(accepted.peer.address.is_loopback());
    CHECK(accepted.peer.port == peers::port_of(client.get()));
    const int fd = accepted.fd.get();
    CHECK(option(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option(fd, SOL_SOCKET, SO_OOBINLINE) == 1);
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    const Result<Endpoint6> local = local6(fd);
    REQUIRE(local);
    CHECK(local->port == peers::port_of(listener.get()));
}

TEST_CASE("socket: errors of accept, sorted: none but the unknown is final (D11)") {
    using Outcome = Accepted::Kind;
    CHECK(accept_failure(EAGAIN) == Outcome::Again);
    for (const int number : {EMFILE, ENFILE, ENOBUFS, ENOMEM})
        CHECK(accept_failure(number) == Outcome::OutOfFds);
    for (const int number : {ECONNABORTED, EINTR, EPROTO, ENETDOWN, ENETUNREACH, EHOSTUNREACH,
                             EHOSTDOWN, ENOPROTOOPT, EOPNOTSUPP, ENONET, EPERM, ETIMEDOUT})
        CHECK(accept_failure(number) == Outcome::Aborted);
    CHECK(accept_failure(EBADF) == Outcome::Failed);
    CHECK(accept6(-1).kind == Outcome::Failed);
    CHECK(accept6(-1).error == EBADF);
}

TEST_CASE("socket: connecting, refused, and bound to a source") {
    peers::Server server;
    int error = -1;
    const UniqueFd fd = open_tcp4(error);
    REQUIRE(fd);
    CHECK(error == 0);
    CHECK(option(fd.get(), IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option(fd.get(), SOL_SOCKET, SO_OOBINLINE) == 1);
    const Endpoint4 target{.address = loopback, .port = server.port};
    CHECK(connect4(fd.get(), {.address = {.value = 0x7f000209}, .port = 0}, target) ==
          Connect::Pending);
    CHECK(option(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) == 1);
    const Result<Endpoint4> local = local4(fd.get());
    REQUIRE(local);
    CHECK(local->address == Ip4{.value = 0x7f000209});
    CHECK(local->port != 0);
    CHECK(server.await());

    server.fd.reset();
    const UniqueFd refused = open_tcp4(error);
    const Connect outcome = connect4(refused.get(), {}, target);
    if (outcome == Connect::Pending)
        CHECK(connect_failure(take_error(refused.get())) == Connect::Refused);
    else
        CHECK(outcome == Connect::Refused);
    CHECK(take_error(refused.get()) == 0); /* told once */
}

TEST_CASE("socket: errors of connect, sorted") {
    CHECK(connect_failure(ECONNREFUSED) == Connect::Refused);
    CHECK(connect_failure(ECONNRESET) == Connect::Refused);
    CHECK(connect_failure(ETIMEDOUT) == Connect::TimedOut);
    for (const int number : {ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EACCES, EPERM, 0})
        CHECK(connect_failure(number) == Connect::Unreachable);
}

TEST_CASE("socket: sending, receiving, FIN, and no SIGPIPE after that") {
    const peers::Tcp tcp;
    std::array<std::byte, 16> buffer{};
    CHECK(receive(tcp.b.get(), buffer).kind == Kind::Again);
    const std::array<std::byte, 3> text{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
    CHECK(sys::send(tcp.a.get(), text).bytes == 3);
    CHECK(receive(tcp.b.get(), buffer).bytes == 3);
    CHECK(buffer[2] == std::byte{'c'});
    finish_sending(tcp.a.get());
    CHECK(receive(tcp.b.get(), buffer).kind == Kind::End);
    const Moved after = sys::send(tcp.a.get(), text);
    CHECK(after.kind == Kind::Error);
    CHECK(after.error == EPIPE);
    CHECK(sys::send(tcp.b.get(), text).bytes == 3);
}

TEST_CASE("socket: reset on close throws away what waits, and the peer sees a RST") {
    peers::Tcp tcp;
    (void)peers::stuff(tcp.a.get());
    reset_on_close(tcp.a.get());
    tcp.a.reset();
    Seen seen = Seen::More;
    peers::until([&] { seen = peers::pull(tcp.b.get()); }, [&] { return seen != Seen::More; });
    CHECK(seen == Seen::Reset);
}

TEST_CASE("socket: dialled from an address of nobody, and from a port if it is to be had (L4)") {
    const UniqueFd listener = make_listener();
    const Endpoint6 target{.address = local6(listener.get())->address,
                           .port = peers::port_of(listener.get())};
    const Ip6 loopback6 = target.address;

    /* Port 1: for root, who gets it, as for others, who get another. */
    const Dialled low = dial6(Endpoint6{.address = loopback6, .port = 1}, target);
    REQUIRE(low.outcome == Connect::Pending);
    peers::came(listener.get());
    const Accepted first = accept6(listener.get());
    REQUIRE(first.kind == Accepted::Kind::Got);
    CHECK((first.peer.port == 1) == (::geteuid() == 0));
    CHECK(option(low.fd.get(), IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option(low.fd.get(), SOL_SOCKET, SO_OOBINLINE) == 1);

    /* The same four numbers a second time: another port. */
    const UniqueFd spare = make_listener();
    const std::uint16_t port = peers::port_of(spare.get());
    CHECK(dial6(Endpoint6{.address = loopback6, .port = port}, target).outcome == Connect::Pending);
    const Dialled once = dial6(Endpoint6{.address = loopback6, .port = first.peer.port}, target);
    CHECK(once.outcome == Connect::Pending);
    CHECK(local6(once.fd.get())->port != first.peer.port);

    /* Bound to 2001:db8::1, which is not here; no route back, so nothing is accepted. */
    const Dialled free = dial6(Endpoint6{.address = *parse_ip6("2001:db8::1"), .port = 0}, target);
    CHECK(local6(free.fd.get())->address == *parse_ip6("2001:db8::1"));
}

TEST_CASE("socket: an IPv4 listener on an address, and who comes to it") {
    const Result<UniqueFd> listener = listen4({.address = loopback, .port = 0});
    REQUIRE(listener);
    const Result<Endpoint4> local = local4(listener->get());
    REQUIRE(local);
    CHECK(local->address == loopback);
    CHECK(accept4(listener->get()).kind == Accepted::Kind::Again);
    const UniqueFd client = peers::connect4(local->port);
    peers::came(listener->get());
    const Accepted4 accepted = accept4(listener->get());
    REQUIRE(accepted.kind == Accepted::Kind::Got);
    CHECK(accepted.peer.address == loopback);
    CHECK(accepted.peer.port == peers::port_of(client.get()));
    CHECK(option(accepted.fd.get(), IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK((::fcntl(accepted.fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK_FALSE(listen4({.address = {.value = 0xc0000201}, .port = 0})); /* 192.0.2.1 */
    CHECK(accept4(-1).kind == Accepted::Kind::Failed);
}

TEST_CASE("socket: an urgent byte stops a read before it, and is known") {
    const peers::Tcp tcp;
    peers::set_option(tcp.b.get(), SOL_SOCKET, SO_OOBINLINE, 1);
    const std::array<std::byte, 3> text = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
    CHECK_FALSE(at_urgent_mark(tcp.b.get()));
    CHECK_FALSE(waiting(tcp.b.get()).something);
    REQUIRE(send(tcp.a.get(), text).bytes == 3);
    peers::until([] {}, [&] { return waiting(tcp.b.get()).something; });
    CHECK_FALSE(waiting(tcp.b.get()).urgent);
    REQUIRE(send_urgent(tcp.a.get(), std::byte{'!'}).bytes == 1);
    peers::until([] {}, [&] { return waiting(tcp.b.get()).urgent; });
    REQUIRE(send(tcp.a.get(), text).bytes == 3);
    std::array<std::byte, 100> got{};
    CHECK(receive(tcp.b.get(), got).bytes == 3);
    CHECK(at_urgent_mark(tcp.b.get()));
    peers::arrived(tcp.b.get(), 4);
    CHECK(receive(tcp.b.get(), got).bytes == 4);
    CHECK_FALSE(waiting(tcp.b.get()).urgent);
    CHECK_FALSE(waiting(-1).something);
    CHECK(got[0] == std::byte{'!'});
    CHECK_FALSE(at_urgent_mark(tcp.b.get()));
    CHECK_FALSE(at_urgent_mark(-1));
    CHECK(send_urgent(-1, std::byte{'!'}).kind == Kind::Error);
}
