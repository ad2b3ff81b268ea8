/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/expectations.h"

#include <algorithm>

namespace faith::relay {

namespace {

bool same_place(const DataPort &a, const DataPort &b) {
    return a.destination == b.destination && a.port == b.port;
}

} // namespace

/* --- leases --------------------------------------------------------------------------------- */

DataLease::DataLease(const sys::Clock &clock, DataTrafficRef traffic)
    : clock_(&clock), traffic_(std::move(traffic)) {
    traffic_->live.fetch_add(1, std::memory_order_relaxed);
}

DataLease DataLease::active(const sys::Clock &clock, DataTrafficRef traffic) {
    DataLease lease(clock, std::move(traffic));
    lease.dialling_ = true;
    ++lease.traffic_->dialling;
    return lease;
}

DataLease &DataLease::operator=(DataLease &&other) noexcept {
    if (this != &other) {
        give_back();
        clock_ = other.clock_;
        traffic_ = std::move(other.traffic_);
        table_ = other.table_;
        entry_ = other.entry_;
        dialling_ = std::exchange(other.dialling_, false);
    }
    return *this;
}

void DataLease::connected() {
    if (std::exchange(dialling_, false) && --traffic_->dialling == 0 && traffic_->dialled)
        traffic_->dialled();
}

void DataLease::give_back() {
    connected(); /* or it never will be */
    const DataTrafficRef traffic = std::exchange(traffic_, nullptr);
    if (!traffic)
        return;
    if (table_ != nullptr)
        table_->remove(entry_);
    traffic->ended.store(clock_->now().count(), std::memory_order_relaxed);
    /* The time first: whoever sees no live connection must see when it ended. */
    traffic->live.fetch_sub(1, std::memory_order_release);
}

/* --- the table ------------------------------------------------------------------------------ */

Expectations::Shard &Expectations::shard_of(const DataPort &port) {
    const std::size_t host = port.destination.bytes[15] + 7 * port.destination.bytes[14];
    return shards_[(host ^ port.port ^ (port.port >> 8)) % shards_.size()];
}

ExpectationId Expectations::add(const DataPort &port, Expected expected) {
    const ExpectationId id{.port = port,
                           .number = numbers_.fetch_add(1, std::memory_order_relaxed) + 1};
    if (hooks_.open)
        hooks_.open(port, expected.wait);
    Shard &shard = shard_of(port);
    const std::lock_guard lock(shard.mutex);
    shard.entries.push_back(Entry{.id = id, .expected = std::move(expected), .taken = false});
    entries_.fetch_add(1, std::memory_order_release);
    return id;
}

void Expectations::withdraw(const ExpectationId &entry) {
    {
        Shard &shard = shard_of(entry.port);
        const std::lock_guard lock(shard.mutex);
        const auto found =
            std::find_if(shard.entries.begin(), shard.entries.end(),
                         [&](const Entry &one) { return one.id.number == entry.number; });
        if (found == shard.entries.end() || found->taken)
            return;
        shard.entries.erase(found);
        entries_.fetch_sub(1, std::memory_order_relaxed);
    }
    if (hooks_.close)
        hooks_.close(entry.port);
}

void Expectations::remove(const ExpectationId &entry) {
    Shard &shard = shard_of(entry.port);
    const std::lock_guard lock(shard.mutex);
    const std::size_t gone = std::erase_if(
        shard.entries, [&](const Entry &one) { return one.id.number == entry.number; });
    entries_.fetch_sub(static_cast<std::uint32_t>(gone), std::memory_order_relaxed);
}

Expectations::Answer Expectations::take(const DataPort &port, std::optional<Taken> &taken) {
    {
        Shard &shard = shard_of(port);
        const std::lock_guard lock(shard.mutex);
        bool known = false;
        Entry *mine = nullptr;
        for (Entry &entry : shard.entries) {
            if (!same_place(entry.id.port, port))
                continue;
            known = true;
            if (!entry.taken && entry.id.port.client == port.client)
                mine = &entry;
        }
        if (mine == nullptr)
            return known ? Answer::Stranger : Answer::Unknown;
        mine->taken = true;
        taken.emplace(Taken{.source = mine->expected.source,
                            .lease = DataLease(clock_, mine->expected.traffic)});
        taken->lease.table_ = this;
        taken->lease.entry_ = mine->id;
    }
    if (hooks_.close)
        hooks_.close(port);
    return Answer::Taken;
}

} // namespace faith::relay
