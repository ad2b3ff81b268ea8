/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP sockets as the relay needs them, all non-blocking and close-on-exec. Outcomes
 * that a relay acts on are values; Result is for what should not happen.
 */
#pragma once

#include "base/addr.h"
#include "base/result.h"
#include "sys/fd.h"
#include "sys/moved.h"

#include <cstdint>
#include <optional>
#include <span>

namespace faith::sys {

struct Endpoint6 {
    Ip6 address;
    std::uint16_t port = 0;  /* host byte order */
    std::uint32_t scope = 0; /* the interface of a link-local address, by index */
};

struct Endpoint4 {
    Ip4 address;
    std::uint16_t port = 0; /* host byte order */
};

/* Of a source, the address 0 and the port 0 are the kernel's choice. */

/*
 * A listener on [::1] and a port of the kernel's choice, IPv6 only: connections come
 * to it by sk_lookup, not by its address. TCP_NODELAY and SO_OOBINLINE (D8, D33) are
 * set here, because accepted sockets inherit them and so need no call of their own.
 */
Result<UniqueFd> listen6();

/* The same on [::] and a port of the caller's, for clients of the host's own addresses, too.
 * sys_errno is EADDRINUSE when somebody has the port. */
Result<UniqueFd> listen6_on(std::uint16_t port);
/* Another descriptor of the same socket. */
Result<UniqueFd> duplicate(int fd);
/* A listener on [::]:port, IPv6 only, with nothing set that a local daemon would not expect
 * of the connections it inherits. */
Result<UniqueFd> listen_on_own6(std::uint16_t port);

struct Accepted {
    enum class Kind {
        Got,
        Again,    /* nobody waits */
        Aborted,  /* that one went away, or its network did: try the next */
        OutOfFds, /* no descriptor or no memory: the connection stays in the queue */
        Failed,   /* error says which errno */
    };
    Kind kind = Kind::Again;
    UniqueFd fd;
    Endpoint6 peer;
    int error = 0;
};
Accepted accept6(int listener);
Accepted::Kind accept_failure(int number); /* the errors of accept(2), sorted */

/* An unconnected IPv4 socket with TCP_NODELAY and SO_OOBINLINE; empty, with the errno
 * in error, when there is none to be had. */
UniqueFd open_tcp4(int &error);

enum class Connect {
    Pending, /* writable, or an error, tells more */
    Refused,
    TimedOut,
    Unreachable, /* every other failure */
    NoPort,      /* the port of the source is not to be had, or not for one more to that target */
    NotAllowed,  /* the port of the source takes CAP_NET_BIND_SERVICE */
};
/* Starts to connect. After NoPort the socket is of no more use: it keeps the port. */
Connect connect4(int fd, const Endpoint4 &source, const Endpoint4 &target);
Connect connect_failure(int number); /* the errors of connect(2) and SO_ERROR, sorted */

/* An IPv6 socket that is connecting. */
struct Dialled {
    UniqueFd fd; /* empty when there was no descriptor to be had */
    Connect outcome = Connect::Unreachable;
};
/* From an address that need not be one of the host's (L4). */
Dialled dial6_from(const Endpoint6 &source, const Endpoint6 &target);
/* The same, and from another port if that one is not to be had. */
Dialled dial6(const Endpoint6 &source, const Endpoint6 &target);

/* A listener on that address of the host; accepted sockets have what those of listen6() have. */
Result<UniqueFd> listen4(const Endpoint4 &at);

struct Accepted4 {
    Accepted::Kind kind = Accepted::Kind::Again;
    UniqueFd fd;
    Endpoint4 peer;
};
Accepted4 accept4(int listener);

Result<Endpoint6> local6(int fd); /* of an accepted socket: where the client meant to go */
Result<Endpoint4> local4(int fd);

int take_error(int fd); /* SO_ERROR: tells it once and forgets it; 0 if there is none */

Moved receive(int fd, std::span<std::byte> into);
Moved send(int fd, std::span<const std::byte> from); /* no SIGPIPE */

/* Whether the byte to be received next is the urgent one (SO_OOBINLINE; receive() stops there). */
bool at_urgent_mark(int fd);
Moved send_urgent(int fd, std::byte byte);

/* What epoll would say now. While something waits and nothing urgent does, the byte to be
 * received next is an ordinary one, and stays so whatever arrives. */
struct Waiting {
    bool something = false; /* bytes, an end or an error */
    bool urgent = false;
};
Waiting waiting(int fd);

/* FIN after everything sent so far. Fails only when the connection is gone, and then
 * epoll tells. */
void finish_sending(int fd);
/* As other programs expect a socket. */
Status make_blocking(int fd);
/* From now on close() throws away what was still to be sent and sends a RST (D34, D42). */
void reset_on_close(int fd);

} // namespace faith::sys
