/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/followers.h"

#include "sys/unix_socket.h"

namespace faith::daemon {

namespace {

/* What the peer has room for goes; false when there is no peer any more. */
bool push(int connection, std::string &waiting) {
    const Result<std::size_t> sent = sys::send_now(connection, waiting);
    if (!sent)
        return false;
    waiting.erase(0, *sent);
    return true;
}

} // namespace

void Followers::add(sys::UniqueFd connection) {
    followers_.push_back({.connection = std::move(connection), .waiting = {}, .lost = 0});
}

bool Followers::send(Follower &follower, const std::string &line) {
    if (!follower.waiting.empty() && !push(follower.connection.get(), follower.waiting))
        return false;
    if (!follower.waiting.empty()) { /* still no room: never half a line between two */
        follower.lost++;
        return true;
    }
    if (follower.lost != 0)
        follower.waiting = nlohmann::json{{"lost", std::exchange(follower.lost, 0)}}.dump() + "\n";
    follower.waiting += line;
    return push(follower.connection.get(), follower.waiting);
}

void Followers::tell(nlohmann::json event) {
    const std::string line =
        event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    std::erase_if(followers_, [&](Follower &follower) { return !send(follower, line); });
    recent_.push_back(std::move(event));
    if (recent_.size() > remembered)
        recent_.pop_front();
}

} // namespace faith::daemon
