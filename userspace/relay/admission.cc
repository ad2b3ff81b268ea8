/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/admission.h"

namespace faith::relay {

namespace {

std::uint64_t source_of(const Ip6 &client) {
    std::uint64_t source = 0;
    for (std::size_t i = 0; i < 8; ++i)
        source = source << 8 | client.bytes[i];
    return source;
}

} // namespace

Ticket &Ticket::operator=(Ticket &&other) noexcept {
    if (this != &other) {
        if (admission_ != nullptr)
            admission_->leave(*this);
        admission_ = std::exchange(other.admission_, nullptr);
        source_ = other.source_;
        by_source_ = other.by_source_;
    }
    return *this;
}

Ticket::~Ticket() {
    if (admission_ != nullptr)
        admission_->leave(*this);
}

std::optional<fgw_reason> Admission::admit(const Ip6 &client, const Policy &policy,
                                           Ticket &ticket) {
    /* Counted first and looked at then, so that two workers cannot both take the last. */
    const std::uint32_t before = sessions_.fetch_add(1, std::memory_order_relaxed);
    Ticket mine;
    mine.admission_ = this;
    if (policy.max_sessions != 0 && before >= policy.max_sessions)
        return FGW_SESSION_LIMIT;
    if (policy.max_sessions_per_source != 0) {
        mine.source_ = source_of(client);
        mine.by_source_ = take_source(mine.source_, policy.max_sessions_per_source);
        if (!mine.by_source_)
            return FGW_SOURCE_LIMIT;
    }
    ticket = std::move(mine);
    return std::nullopt;
}

/* Neighbouring /64s must not share a stripe, nor must a client choose its own. */
Admission::Stripe &Admission::stripe_of(std::uint64_t source) {
    return stripes_[(source * 0x9e3779b97f4a7c15ULL) >> 58];
}

bool Admission::take_source(std::uint64_t source, std::uint32_t limit) {
    Stripe &stripe = stripe_of(source);
    const std::lock_guard lock(stripe.mutex);
    Source &entry = stripe.sources[source];
    if (entry.sessions >= limit)
        return false;
    ++entry.sessions;
    tell_if_changed(source, entry);
    return true;
}

void Admission::leave(const Ticket &ticket) {
    sessions_.fetch_sub(1, std::memory_order_relaxed);
    if (!ticket.by_source_)
        return;
    Stripe &stripe = stripe_of(ticket.source_);
    const std::lock_guard lock(stripe.mutex);
    const auto entry = stripe.sources.find(ticket.source_);
    if (entry == stripe.sources.end())
        return;
    --entry->second.sessions;
    tell_if_changed(ticket.source_, entry->second);
    if (entry->second.sessions == 0)
        stripe.sources.erase(entry);
}

/* By the newest limit, not by that of the policy which a worker may still hold. */
void Admission::tell_if_changed(std::uint64_t source, Source &entry) {
    const std::uint32_t limit = watched_limit_.load(std::memory_order_relaxed);
    const bool full = limit != 0 && entry.sessions >= limit;
    if (full == entry.full)
        return;
    entry.full = full;
    if (tell_)
        tell_(source, full);
}

void Admission::watch_sources(std::uint32_t limit) {
    if (watched_limit_.exchange(limit, std::memory_order_relaxed) == limit)
        return;
    for (Stripe &stripe : stripes_) {
        const std::lock_guard lock(stripe.mutex);
        for (auto &[source, entry] : stripe.sources)
            tell_if_changed(source, entry);
    }
}

std::size_t Admission::sources() {
    std::size_t count = 0;
    for (Stripe &stripe : stripes_) {
        const std::lock_guard lock(stripe.mutex);
        count += stripe.sources.size();
    }
    return count;
}

} // namespace faith::relay
