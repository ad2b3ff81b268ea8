/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stream sockets in the file system, lines of text over them. */
#pragma once

#include "base/result.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <string>
#include <string_view>

namespace faith::sys {

/* Mode 0600: only the owner may connect. A socket file left by a dead process is
 * replaced; the caller holds the lock that says nobody is alive behind it. */
Result<UniqueFd> listen_unix(const std::string &path);
/* sys_errno ENOENT or ECONNREFUSED: nobody listens. */
Result<UniqueFd> connect_unix(const std::string &path);
/* Invalid descriptor inside Ok means nobody is waiting. */
Result<UniqueFd> accept_unix(int listener);

/* How long send_line and receive_line may wait for the peer. */
Status set_timeouts(int fd, Millis longest);
Status send_line(int fd, std::string_view line);
/* Without the newline. Error EAGAIN after the timeout, EPIPE on an early end. */
Result<std::string> receive_line(int fd, std::size_t longest_bytes);
/* Sends what the peer has room for and never waits. How much went, or an error when the peer
 * is gone. */
Result<std::size_t> send_now(int fd, std::string_view bytes);

/* One line after another from a peer that sends when it likes. Borrows the descriptor. */
class LineReader {
public:
    LineReader(int fd, std::size_t longest_bytes) : fd_(fd), longest_(longest_bytes) {}
    Result<std::string> next(); /* errors as receive_line */

private:
    int fd_;
    std::size_t longest_;
    std::string read_;
};

/* The process at the other end. */
Result<int> peer_pid(int fd);

} // namespace faith::sys
