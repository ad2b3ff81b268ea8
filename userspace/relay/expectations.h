/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Passive FTP data connections that clients were told to make: "to this address of the
 * prefix, on this port". A client's data connection comes to whichever worker accepts it, so
 * the table is shared; it is asked for nothing while nobody waits.
 *
 * As long as an entry stands, its address and port belong to the clients it was made for:
 * anybody else is a stranger there, who would reach the server's data port from the gateway's
 * address and be taken for the client. An entry stands until
 *   - it is withdrawn: another set-up on the same control connection, its end, or the limit of
 *     time, which the control connection's timer keeps;
 *   - or, once taken, until the data connection ends. It is taken once.
 */
#pragma once

#include "relay/policy.h"
#include "relay/relay.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace faith::relay {

/* What a control connection knows of its data connections, whoever's thread they are in. */
struct DataTraffic {
    std::atomic<std::uint32_t> live{0};
    std::atomic<Millis::rep> ended{0}; /* when the last one ended; 0: none has */
    /* Of active ones alone, which live in the control connection's own thread: how many wait for
     * their client, and who is told when none does any more. */
    std::uint32_t dialling = 0;
    std::function<void()> dialled{};
};
using DataTrafficRef = std::shared_ptr<DataTraffic>;

class Expectations;

/* An entry of the table, as its owner names it; 0: none. */
struct ExpectationId {
    DataPort port;
    std::uint64_t number = 0;
};

/* Held by a data connection as long as it lives. */
class DataLease {
public:
    DataLease() = default;
    /* No entry, and dialling until connected(). */
    static DataLease active(const sys::Clock &clock, DataTrafficRef traffic);
    DataLease(DataLease &&other) noexcept { *this = std::move(other); }
    DataLease &operator=(DataLease &&other) noexcept;
    ~DataLease() { give_back(); }
    void connected(); /* both ends are there; of a passive one nobody waits for that */
    explicit operator bool() const { return static_cast<bool>(traffic_); }

private:
    friend class Expectations;
    DataLease(const sys::Clock &clock, DataTrafficRef traffic);
    void give_back();

    const sys::Clock *clock_ = nullptr;
    DataTrafficRef traffic_;
    Expectations *table_ = nullptr;
    ExpectationId entry_;
    bool dialling_ = false;
};

/* What the control connection lays down for its data connection. */
struct Expected {
    Ip4 source; /* the server wants to see the same host (D52) */
    DataTrafficRef traffic;
    Millis wait{}; /* as long as the control connection will */
};

class Expectations {
public:
    Expectations(const sys::Clock &clock, DataPortHooks hooks = {})
        : clock_(clock), hooks_(std::move(hooks)) {}

    /* For every connection: one load. */
    bool empty() const { return entries_.load(std::memory_order_acquire) == 0; }

    ExpectationId add(const DataPort &port, Expected expected);
    void withdraw(const ExpectationId &entry); /* a connection that took it goes on */

    enum class Answer { Unknown, Stranger, Taken };
    struct Taken {
        Ip4 source;
        DataLease lease;
    };
    /* Fills taken, once. */
    Answer take(const DataPort &port, std::optional<Taken> &taken);

private:
    friend class DataLease;
    struct Entry {
        ExpectationId id;
        Expected expected;
        bool taken = false;
    };
    struct alignas(64) Shard {
        std::mutex mutex;
        std::vector<Entry> entries; /* few: those between 229 and the end of a transfer */
    };

    Shard &shard_of(const DataPort &port);
    void remove(const ExpectationId &entry); /* taken and over */

    const sys::Clock &clock_;
    const DataPortHooks hooks_;
    std::atomic<std::uint32_t> entries_{0};
    std::atomic<std::uint64_t> numbers_{0};
    std::array<Shard, 16> shards_;
};

} // namespace faith::relay
