/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Local services: listeners of the gateway's own on [::]:port, beside the capture. What goes
 * to a prefix is steered to the relay before the kernel looks for a listener, so these get the
 * rest, and serve of it what goes to an address of the gateway (D15-D18).
 *
 * A change is all or nothing: open() makes every listener that is missing and touches nothing
 * else; commit() cannot fail.
 */
#pragma once

#include "config/config.h"
#include "daemon/local_service.h"
#include "sys/event_loop.h"
#include "sys/socket.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace faith::daemon {

class LocalServices {
public:
    /* Whether this end of a connection is an address of ours. */
    using IsOwn = std::function<Result<bool>(const sys::Endpoint6 &)>;

    struct Listener {
        sys::UniqueFd socket;
        sys::Watch watch; /* of nothing, until commit() */
        sys::Timer retry;
    };
    using Opened = std::map<std::uint16_t, Listener>;

    struct Report {
        std::uint16_t port = 0;
        std::string path;
        LocalService::Counts counts;
    };

    LocalServices(sys::EventLoop &loop, const sys::Clock &clock, IsOwn is_own, int descriptors);

    /* The listeners that these services need and that are not there. */
    Result<Opened> open(const std::vector<config::Service> &services);
    /* From here on these services, and no others, are served. Processes of the others go on. */
    void commit(Opened opened, const std::vector<config::Service> &services);

    std::vector<Report> report() const; /* services, and those that have gone but for processes */

private:
    struct Entry {
        LocalService service;
        std::optional<Listener> listener; /* none: only its processes are left */
    };

    void on_connection(std::uint16_t port);
    void welcome(Entry &entry, sys::Accepted accepted);
    void pause(std::uint16_t port);

    sys::EventLoop &loop_;
    const sys::Clock &clock_;
    const IsOwn is_own_;
    const int descriptors_;
    std::map<std::uint16_t, Entry> entries_;
};

} // namespace faith::daemon
