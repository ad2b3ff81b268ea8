/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The local daemon of one port (D17): for each connection to an address of the gateway's own
 * one process of it, with the connection as its standard input and output. It knows neither
 * listeners nor addresses; who accepts decides what is local. No access control applies
 * (D22): the daemon has its own.
 *
 * Processes outlive this object: what is lost with it is only the news of their end.
 */
#pragma once

#include "config/config.h"
#include "daemon/local_limits.h"
#include "sys/event_loop.h"
#include "sys/socket.h"
#include "sys/spawn.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace faith::daemon {

/* What the daemon finds in its environment: the search path, and the client as systemd names
 * it. */
std::vector<std::string> local_environment(const sys::Endpoint6 &client);

/* "[fe80::1%3]:50000" */
std::string to_string(const sys::Endpoint6 &endpoint);

class LocalService {
public:
    struct Counts {
        std::size_t running = 0;
        std::uint64_t started = 0;
        std::uint64_t refused = 0; /* by a limit, or because it could not be started */
    };

    /* descriptors: the soft limit that processes get; 0: that of the gateway. */
    LocalService(sys::EventLoop &loop, const sys::Clock &clock, std::uint16_t port,
                 const config::Local &local, int descriptors);

    /* Another command or other limits from the next connection on. */
    void change(const config::Local &local);
    /* Starts the daemon on it; closes it when that is not possible, and says so in the log. */
    void serve(sys::UniqueFd connection, const sys::Endpoint6 &client);
    Counts counts() const;
    const std::string &path() const { return local_.path; }

private:
    struct Running {
        sys::Child child;
        sys::Watch watch;
    };

    bool admit(const std::string &client);
    Status start(int connection, const sys::Endpoint6 &client);
    void on_end(int pid);
    std::string name() const; /* "local service 21" */

    sys::EventLoop &loop_;
    const sys::Clock &clock_;
    const std::uint16_t port_;
    const int descriptors_;
    config::Local local_;
    LocalLimits limits_;
    Damper damper_;
    std::map<int, Running> running_; /* by process id */
    std::uint64_t started_ = 0;
    std::uint64_t refused_ = 0;
};

} // namespace faith::daemon
