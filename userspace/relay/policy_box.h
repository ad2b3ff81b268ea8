/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where workers find the newest policy. A worker looks at one atomic number per
 * connection and takes the lock only when it changed; once set() has returned, every
 * connection accepted after it is judged by the new policy.
 */
#pragma once

#include "relay/policy.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace faith::relay {

class PolicyBox {
public:
    explicit PolicyBox(PolicyRef policy) : policy_(std::move(policy)) {}

    void set(PolicyRef policy) {
        const std::lock_guard lock(mutex_);
        policy_.swap(policy);
        version_.fetch_add(1, std::memory_order_release);
    }

    /* A worker's copy of the policy, and what it is a copy of. */
    struct Copy {
        PolicyRef policy;
        std::uint64_t version = 0;
    };
    const Policy &newest(Copy &copy) const {
        if (version_.load(std::memory_order_acquire) != copy.version) {
            const std::lock_guard lock(mutex_);
            copy.policy = policy_;
            copy.version = version_.load(std::memory_order_relaxed);
        }
        return *copy.policy;
    }

private:
    mutable std::mutex mutex_;
    PolicyRef policy_;
    std::atomic<std::uint64_t> version_{1};
};

} // namespace faith::relay
