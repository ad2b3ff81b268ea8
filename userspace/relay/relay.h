/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The relay as the daemon sees it: some workers, each a thread with its own event
 * loop, listener and sessions. Nothing is shared between workers but read-only
 * policies and counters. The daemon takes the listening descriptors (for steering),
 * hands out policies, reads counters and lists sessions; it never touches a session.
 */
#pragma once

#include "base/result.h"
#include "relay/admission.h"
#include "relay/policy.h"
#include "relay/stats.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace faith::relay {

/* A data port that FTP announced to a client. */
struct DataPort {
    Ip6 client;
    Ip6 destination;
    std::uint16_t port = 0;
};

/* For a gateway that captures some ports only: lets a client's data connection in before it
 * is told the port, and no longer once it is there or cannot come any more. From worker
 * threads; empty: every port is captured. */
struct DataPortHooks {
    std::function<void(const DataPort &, Millis wait)> open;
    std::function<void(const DataPort &)> close;
};

struct Options {
    std::uint32_t workers = 1;
    /* A listening socket that all workers accept from; borrowed during create(). -1: each has
     * one of its own, on [::1], for sk_lookup to choose from. */
    int listener = -1;
    std::uint32_t pipe_bytes = 1 << 20;      /* asked of F_SETPIPE_SZ; less is accepted and told */
    std::uint32_t max_pipes_per_worker = 64; /* in use and pooled; beyond: copy */
    /* Descriptors numbered from here up are left to others in the process, which must
     * still answer an operator and follow the network when sessions took all the rest.
     * The kernel gives the lowest number that is free. 0: all may be used. */
    int descriptor_ceiling = 0;
    /* Told of client /64s that have as many sessions as they may, and when that is over. */
    Admission::SourceFull source_full = {};
    DataPortHooks data_ports{};
    /* Why a control connection was ended, for the log; from worker threads. */
    std::function<void(std::string_view)> complain{};
};

/* One live session, for `faith-gw sessions` and `status`. */
struct SessionInfo {
    Ip6 client;
    std::uint16_t client_port = 0;
    Ip6 destination;
    Ip4 server;
    std::uint16_t port = 0;
    Ip4 source;
    std::uint32_t rule = no_rule;
    std::uint64_t age_ms = 0;
    std::uint64_t idle_ms = 0;
    std::uint64_t bytes_to_server = 0;
    std::uint64_t bytes_to_client = 0;
    std::string engine; /* "copy", "splice", "connecting" */
};

class Relay {
public:
    /* Binds and listens; nothing is accepted before start(). */
    static Result<std::unique_ptr<Relay>> create(const Options &options, PolicyRef policy);
    virtual ~Relay() = default; /* stops and joins */

    virtual std::vector<int> listeners() const = 0; /* one per worker, borrowed */
    virtual Status start() = 0;
    virtual void set_policy(PolicyRef policy) = 0;
    virtual Totals totals() const = 0;
    virtual std::vector<SessionInfo> sessions() const = 0; /* asks each worker, waits */
    /* Asks the judge once more about every session and resets those it refuses now. How
     * many; waits for the workers. */
    virtual std::size_t revoke() = 0;
    virtual std::string notes() const = 0; /* what the kernel gave less of; "" if nothing */
    /* Closes the listeners, for good; sessions go on. */
    virtual void stop_accepting() = 0;
    virtual void stop() = 0; /* ends every session, joins the workers */
};

} // namespace faith::relay
