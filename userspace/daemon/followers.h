/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Those who look on as things happen (`events --follow`), and what happened last. One that
 * does not keep up loses lines and is told how many; nobody is ever waited for.
 */
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace faith::daemon {

class Followers {
public:
    static constexpr std::size_t most = 8;          /* each holds a descriptor */
    static constexpr std::size_t remembered = 1000; /* events */

    bool full() const { return followers_.size() == most; }
    void add(sys::UniqueFd connection);
    /* Remembers it, and a line to each. */
    void tell(nlohmann::json event);
    /* The oldest first. */
    const std::deque<nlohmann::json> &recent() const { return recent_; }
    std::size_t count() const { return followers_.size(); }

private:
    struct Follower {
        sys::UniqueFd connection;
        std::string waiting; /* the rest of a line that went only in part */
        std::uint64_t lost = 0;
    };
    static bool send(Follower &follower, const std::string &line); /* false: it is gone */

    std::vector<Follower> followers_;
    std::deque<nlohmann::json> recent_;
};

} // namespace faith::daemon
