/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/handed.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace faith::sys {

namespace {

int option_of(int descriptor, int option) {
    int value = -1;
    socklen_t length = sizeof value;
    return ::getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

Endpoint6 endpoint_of(const sockaddr_storage &from) {
    Endpoint6 endpoint;
    if (from.ss_family == AF_INET) {
        const auto &four = reinterpret_cast<const sockaddr_in &>(from);
        const Ip4 address{.value = ntohl(four.sin_addr.s_addr)};
        endpoint.address.bytes[10] = endpoint.address.bytes[11] = 0xff;
        std::ranges::copy(address.bytes(), endpoint.address.bytes.begin() + 12);
        endpoint.port = ntohs(four.sin_port);
        return endpoint;
    }
    const auto &six = reinterpret_cast<const sockaddr_in6 &>(from);
    std::ranges::copy(six.sin6_addr.s6_addr, endpoint.address.bytes.begin());
    endpoint.port = ntohs(six.sin6_port);
    endpoint.scope = six.sin6_scope_id;
    return endpoint;
}

bool has_peer(int descriptor) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    return ::getpeername(descriptor, reinterpret_cast<sockaddr *>(&peer), &length) == 0;
}

} // namespace

Handed what_is(int descriptor) {
    const int family = option_of(descriptor, SO_DOMAIN);
    if (family < 0)
        return Handed::NoSocket;
    if ((family != AF_INET6 && family != AF_INET) ||
        option_of(descriptor, SO_PROTOCOL) != IPPROTO_TCP)
        return Handed::Other;
    if (option_of(descriptor, SO_ACCEPTCONN) == 1)
        return family == AF_INET6 ? Handed::Listener : Handed::Other;
    return has_peer(descriptor) ? Handed::Connection : Handed::Other;
}

Result<Ends> ends_of(int connection) {
    sockaddr_storage here{};
    sockaddr_storage peer{};
    socklen_t length = sizeof here;
    if (::getsockname(connection, reinterpret_cast<sockaddr *>(&here), &length) != 0)
        return system_error(errno, "getsockname");
    length = sizeof peer;
    if (::getpeername(connection, reinterpret_cast<sockaddr *>(&peer), &length) != 0)
        return system_error(errno, "getpeername");
    return Ends{.here = endpoint_of(here), .peer = endpoint_of(peer)};
}

Result<UniqueFd> take_over(int descriptor) {
    UniqueFd connection(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!connection)
        return system_error(errno, "take over descriptor " + std::to_string(descriptor));
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null)
        return system_error(errno, "/dev/null");
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::dup2(null.get(), standard) < 0)
            return system_error(errno, "let go of the standard descriptors");
    if (descriptor > STDERR_FILENO)
        ::close(descriptor);
    return connection;
}

Status make_ours(int socket) {
    const int flags = ::fcntl(socket, F_GETFL);
    if (flags < 0 || ::fcntl(socket, F_SETFL, flags | O_NONBLOCK) < 0 ||
        ::fcntl(socket, F_SETFD, FD_CLOEXEC) < 0)
        return system_error(errno, "make a socket non-blocking");
    const int on = 1;
    if (::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        return system_error(errno, "TCP_NODELAY");
    if (::setsockopt(socket, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on) != 0)
        return system_error(errno, "SO_OOBINLINE");
    return Ok{};
}

} // namespace faith::sys
