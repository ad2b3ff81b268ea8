/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sockets that our own starter made: inetd's on descriptor 0, systemd's from 3 on. */
#pragma once

#include "base/result.h"
#include "sys/fd.h"
#include "sys/socket.h"

namespace faith::sys {

enum class Handed {
    NoSocket,   /* a terminal, a file, /dev/null, nothing at all */
    Connection, /* TCP, over IPv6 or IPv4 */
    Listener,   /* TCP over IPv6 */
    Other,      /* any other socket */
};
Handed what_is(int descriptor);

/* Of a connection; IPv4 addresses as mapped ones. */
struct Ends {
    Endpoint6 here;
    Endpoint6 peer;
};
Result<Ends> ends_of(int connection);

/* Moves a connection above the standard descriptors, which become /dev/null: nothing that is
 * written by mistake may reach the client. */
Result<UniqueFd> take_over(int descriptor);

/* What sockets of ours have, and those they accept: non-blocking, closed on exec, TCP_NODELAY,
 * SO_OOBINLINE (D8, D33). */
Status make_ours(int socket);

} // namespace faith::sys
