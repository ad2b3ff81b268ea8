/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Listening sockets of other processes, by pidfd_getfd(2): a second descriptor of the same
 * socket. It needs what ptrace(2) needs. The process notices nothing.
 */
#pragma once

#include "base/result.h"
#include "sys/fd.h"
#include "sys/socket.h"

#include <cstdint>
#include <string>
#include <vector>

namespace faith::sys {

struct ProcessSocket {
    UniqueFd fd;    /* ours */
    int number = 0; /* theirs */
    Endpoint6 bound;
    std::uint64_t cookie = 0;
};

/* Descriptor `number` of the process: a TCP socket over IPv6 that listens in the network
 * namespace of the caller. The error says what it is instead. */
Result<ProcessSocket> take_listener(int pid, int number);

/* The only one that the process has; several of a SO_REUSEPORT group count as one. The error
 * names the candidates. */
Result<ProcessSocket> take_only_listener(int pid);
/* All of them, at least one, by port. Of several for one port, each bound to an address, the
 * one with the lowest descriptor: a port of the prefix has one listener. */
Result<std::vector<ProcessSocket>> take_listeners(int pid);

Result<std::uint64_t> cookie_of(int socket); /* SO_COOKIE */

/* As ps(1) shows it, at most 15 characters; "?" when there is no such process. */
std::string process_name(int pid);

} // namespace faith::sys
