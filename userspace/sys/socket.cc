/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace faith::sys {

namespace {

/* The kernel cuts it down to net.core.somaxconn. */
constexpr int backlog = 4096;

/* One connection is expected; strangers must not fill the queue before it. */
constexpr int data_backlog = 16;

bool switch_on(int fd, int level, int option) {
    const int on = 1;
    return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

Ip6 ip6_of(const in6_addr &from) {
    Ip6 address;
    std::copy(std::begin(from.s6_addr), std::end(from.s6_addr), address.bytes.begin());
    return address;
}

Endpoint6 endpoint_of(const sockaddr_in6 &from) {
    return Endpoint6{.address = ip6_of(from.sin6_addr),
                     .port = ntohs(from.sin6_port),
                     .scope = from.sin6_scope_id};
}

Endpoint4 endpoint_of(const sockaddr_in &from) {
    return Endpoint4{.address = Ip4{.value = ntohl(from.sin_addr.s_addr)},
                     .port = ntohs(from.sin_port)};
}

sockaddr_in6 address_of(const Endpoint6 &endpoint) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(endpoint.port);
    to.sin6_scope_id = endpoint.scope;
    std::copy(endpoint.address.bytes.begin(), endpoint.address.bytes.end(),
              std::begin(to.sin6_addr.s6_addr));
    return to;
}

sockaddr_in address_of(const Endpoint4 &endpoint) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(endpoint.port);
    to.sin_addr.s_addr = htonl(endpoint.address.value);
    return to;
}

/* Whether connect() has begun, and what it says if it has not. */
Connect connect_outcome(int result, int number) {
    if (result == 0 || number == EINPROGRESS || number == EINTR)
        return Connect::Pending;
    return connect_failure(number);
}

/* A port that was asked for is shared by connections to different targets, as long as none of
 * them listens (D32). One of the kernel's choice is left to connect(), which has 28,000 for
 * each target; bind() would take it for itself alone, and has 28,000 for all together. */
void before_bind(int fd, std::uint16_t port) {
    (void)(port != 0 ? switch_on(fd, SOL_SOCKET, SO_REUSEADDR)
                     : switch_on(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT));
}

Connect bind_failure(std::uint16_t port, int number) {
    if (port != 0 && number == EADDRINUSE)
        return Connect::NoPort;
    if (port != 0 && number == EACCES)
        return Connect::NotAllowed;
    return connect_failure(number);
}

template <class Address>
Connect connect_from(int fd, const Address &source, std::uint16_t port, const Address &target) {
    before_bind(fd, port);
    if (::bind(fd, reinterpret_cast<const sockaddr *>(&source), sizeof source) < 0)
        return bind_failure(port, errno);
    const int result = ::connect(fd, reinterpret_cast<const sockaddr *>(&target), sizeof target);
    const int number = errno;
    if (result < 0 && port != 0 && (number == EADDRNOTAVAIL || number == EADDRINUSE))
        return Connect::NoPort; /* the same four numbers are in use, or in TIME_WAIT */
    return connect_outcome(result, number);
}

/* Whose the accepted sockets are: they inherit what is set here. */
enum class Use { Ours, Others };

Result<UniqueFd> listen_at(const Endpoint6 &local, Use use = Use::Ours) {
    UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!fd)
        return system_error(errno, "IPv6 socket");
    if (!switch_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY))
        return system_error(errno, "IPV6_V6ONLY");
    if (use == Use::Ours && !switch_on(fd.get(), IPPROTO_TCP, TCP_NODELAY))
        return system_error(errno, "TCP_NODELAY");
    if (use == Use::Ours && !switch_on(fd.get(), SOL_SOCKET, SO_OOBINLINE))
        return system_error(errno, "SO_OOBINLINE");
    /* A port of its own must be to be had while old connections of it are in TIME_WAIT. */
    if (local.port != 0 && !switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR))
        return system_error(errno, "SO_REUSEADDR");
    const sockaddr_in6 address = address_of(local);
    const std::string name = "[" + to_string(local.address) + "]" +
                             (local.port != 0 ? ":" + std::to_string(local.port) : "");
    if (::bind(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) < 0)
        return system_error(errno, "bind to " + name);
    if (::listen(fd.get(), backlog) < 0)
        return system_error(errno, "listen on " + name);
    return fd;
}

} // namespace

Result<UniqueFd> listen6() {
    return listen_at(Endpoint6{.address = ip6_of(in6addr_loopback), .port = 0});
}

Result<UniqueFd> listen6_on(std::uint16_t port) {
    return listen_at(Endpoint6{.address = {}, .port = port});
}

Result<UniqueFd> duplicate(int fd) {
    UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy)
        return system_error(errno, "duplicate a descriptor");
    return copy;
}

Result<UniqueFd> listen_on_own6(std::uint16_t port) {
    return listen_at(Endpoint6{.address = {}, .port = port}, Use::Others);
}

Accepted::Kind accept_failure(int number) {
    switch (number) {
    case EAGAIN:
        return Accepted::Kind::Again;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return Accepted::Kind::OutOfFds;
    case EINTR:
    case ECONNABORTED:
    /* accept(2), "Error handling": errors already pending on the new connection are
     * handed to the acceptor, and are to be treated as one more try. */
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
    case EPERM: /* a firewall's word */
        return Accepted::Kind::Aborted;
    default:
        return Accepted::Kind::Failed;
    }
}

Accepted accept6(int listener) {
    sockaddr_in6 peer{};
    socklen_t length = sizeof peer;
    Accepted accepted;
    accepted.fd.reset(::accept4(listener, reinterpret_cast<sockaddr *>(&peer), &length,
                                SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted.fd) {
        accepted.kind = Accepted::Kind::Got;
        accepted.peer = endpoint_of(peer);
    } else {
        accepted.error = errno;
        accepted.kind = accept_failure(accepted.error);
    }
    return accepted;
}

UniqueFd open_tcp4(int &error) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    error = fd ? 0 : errno;
    if (fd) {
        /* These two cannot fail on a TCP socket; without them it would still carry data. */
        (void)switch_on(fd.get(), IPPROTO_TCP, TCP_NODELAY);
        (void)switch_on(fd.get(), SOL_SOCKET, SO_OOBINLINE);
    }
    return fd;
}

Connect connect_failure(int number) {
    switch (number) {
    case ECONNREFUSED:
    case ECONNRESET:
        return Connect::Refused;
    case ETIMEDOUT:
        return Connect::TimedOut;
    default:
        return Connect::Unreachable;
    }
}

/* Address and port in one bind(): a second one would fail, and did in faithd (D31). */
Connect connect4(int fd, const Endpoint4 &source, const Endpoint4 &target) {
    const sockaddr_in remote = address_of(target);
    if (source.address != Ip4{} || source.port != 0)
        return connect_from(fd, address_of(source), source.port, remote);
    const int result = ::connect(fd, reinterpret_cast<const sockaddr *>(&remote), sizeof remote);
    return connect_outcome(result, errno);
}

Dialled dial6_from(const Endpoint6 &source, const Endpoint6 &target) {
    Dialled dialled{
        .fd = UniqueFd(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)),
        .outcome = Connect::Unreachable};
    if (!dialled.fd)
        return dialled;
    const int fd = dialled.fd.get();
    (void)switch_on(fd, IPPROTO_TCP, TCP_NODELAY);
    (void)switch_on(fd, SOL_SOCKET, SO_OOBINLINE);
    (void)switch_on(fd, IPPROTO_IPV6, IPV6_FREEBIND);
    dialled.outcome = connect_from(fd, address_of(source), source.port, address_of(target));
    return dialled;
}

Dialled dial6(const Endpoint6 &source, const Endpoint6 &target) {
    Dialled dialled = dial6_from(source, target);
    if (dialled.outcome == Connect::NoPort || dialled.outcome == Connect::NotAllowed)
        return dial6_from(Endpoint6{.address = source.address, .port = 0}, target);
    return dialled;
}

Result<UniqueFd> listen4(const Endpoint4 &at) {
    const std::string where = to_string(at.address);
    int error = 0;
    UniqueFd fd = open_tcp4(error);
    if (!fd)
        return system_error(error, "IPv4 socket");
    if (at.port != 0)
        (void)switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    const sockaddr_in local = address_of(at);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr *>(&local), sizeof local) < 0)
        return system_error(errno, "bind to " + where);
    if (::listen(fd.get(), data_backlog) < 0)
        return system_error(errno, "listen on " + where);
    return fd;
}

Accepted4 accept4(int listener) {
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    Accepted4 accepted;
    accepted.fd.reset(::accept4(listener, reinterpret_cast<sockaddr *>(&peer), &length,
                                SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted.fd) {
        accepted.kind = Accepted::Kind::Got;
        accepted.peer = endpoint_of(peer);
    } else {
        accepted.kind = accept_failure(errno);
    }
    return accepted;
}

Result<Endpoint6> local6(int fd) {
    sockaddr_in6 local{};
    socklen_t length = sizeof local;
    if (::getsockname(fd, reinterpret_cast<sockaddr *>(&local), &length) < 0)
        return system_error(errno, "getsockname");
    return endpoint_of(local);
}

Result<Endpoint4> local4(int fd) {
    sockaddr_in local{};
    socklen_t length = sizeof local;
    if (::getsockname(fd, reinterpret_cast<sockaddr *>(&local), &length) < 0)
        return system_error(errno, "getsockname");
    return endpoint_of(local);
}

int take_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

Moved receive(int fd, std::span<std::byte> into) {
    const ssize_t got = ::recv(fd, into.data(), into.size(), 0);
    return moved_from(got, errno);
}

Moved send(int fd, std::span<const std::byte> from) {
    const ssize_t put = ::send(fd, from.data(), from.size(), MSG_NOSIGNAL);
    return moved_from(put, errno);
}

bool at_urgent_mark(int fd) {
    int at = 0;
    return ::ioctl(fd, SIOCATMARK, &at) == 0 && at != 0;
}

Moved send_urgent(int fd, std::byte byte) {
    const ssize_t put = ::send(fd, &byte, 1, MSG_NOSIGNAL | MSG_OOB);
    return moved_from(put, errno);
}

Waiting waiting(int fd) {
    pollfd one{.fd = fd, .events = POLLIN | POLLPRI, .revents = 0};
    if (::poll(&one, 1, 0) <= 0)
        return Waiting{};
    return Waiting{.something = (one.revents & ~POLLPRI) != 0,
                   .urgent = (one.revents & POLLPRI) != 0};
}

void finish_sending(int fd) { (void)::shutdown(fd, SHUT_WR); }

Status make_blocking(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return system_error(errno, "make a socket blocking");
    return Ok{};
}

void reset_on_close(int fd) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

} // namespace faith::sys
