/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two limits that no worker can keep alone, because clients are spread over all.
 *
 * max_sessions is one atomic counter: two locked instructions per session, against
 * some 150 microseconds that a session costs anyway. A share per worker would refuse
 * connections on a busy worker while another is idle.
 *
 * max_sessions_per_source is a table by client /64 (one customer, RFC 6177), in
 * stripes with a lock each. It is touched only while a limit is set, and knows the
 * sessions that began since. Somebody may be told of the sources that have as many as they
 * may: so the kernel refuses their next connection, and nothing is told of all others.
 */
#pragma once

#include "base/addr.h"
#include "relay/policy.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace faith::relay {

class Admission;

/* A place among the sessions; gives itself back when destroyed. */
class Ticket {
public:
    Ticket() = default;
    Ticket(Ticket &&other) noexcept
        : admission_(std::exchange(other.admission_, nullptr)), source_(other.source_),
          by_source_(other.by_source_) {}
    Ticket &operator=(Ticket &&other) noexcept;
    ~Ticket();
    explicit operator bool() const { return admission_ != nullptr; }

private:
    friend class Admission;
    Admission *admission_ = nullptr;
    std::uint64_t source_ = 0; /* the client's /64 */
    bool by_source_ = false;   /* counted in the table too */
};

class Admission {
public:
    /* A client /64, in host byte order, has as many sessions as it may, or no longer. Called
     * from workers, one call at a time for one source. */
    using SourceFull = std::function<void(std::uint64_t source, bool full)>;

    explicit Admission(SourceFull tell = {}) : tell_(std::move(tell)) {}

    /* Fills the ticket, or says which limit is in the way. From any thread. */
    std::optional<fgw_reason> admit(const Ip6 &client, const Policy &policy, Ticket &ticket);

    /* The limit by which sources are told of, from now on and for those that are there. */
    void watch_sources(std::uint32_t limit);

    std::uint32_t sessions() const { return sessions_.load(std::memory_order_relaxed); }
    std::size_t sources(); /* entries of the table */

private:
    friend class Ticket;
    struct Source {
        std::uint32_t sessions = 0;
        bool full = false; /* as was told */
    };
    struct alignas(64) Stripe {
        std::mutex mutex;
        std::unordered_map<std::uint64_t, Source> sources;
    };

    Stripe &stripe_of(std::uint64_t source);
    bool take_source(std::uint64_t source, std::uint32_t limit);
    void leave(const Ticket &ticket);
    void tell_if_changed(std::uint64_t source, Source &entry); /* under its stripe's lock */

    SourceFull tell_;
    std::atomic<std::uint32_t> watched_limit_{0};
    std::atomic<std::uint32_t> sessions_{0};
    std::array<Stripe, 64> stripes_;
};

} // namespace faith::relay
