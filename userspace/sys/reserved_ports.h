/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Source ports from 1023 down to 512, as rresvport(3) gives them: a peer takes them for the
 * word of the host's administrator (D32). To bind one takes CAP_NET_BIND_SERVICE, and nothing
 * else in the relay takes any privilege.
 *
 * Unlike those of rresvport() a port is shared by connections to different targets, so that
 * there are 512 for each. Every search goes on behind the port that was given last: the one
 * that ended last, whose four numbers may be in TIME_WAIT, is tried last.
 *
 * A search in vain takes milliseconds of its worker, and whoever may connect can ask for one
 * after the other. So it is believed for a moment: there is none for that target.
 */
#pragma once

#include "sys/clock.h"
#include "sys/socket.h"

#include <array>

namespace faith::sys {

class ReservedPorts {
public:
    static constexpr std::uint16_t highest = 1023;
    static constexpr std::uint16_t lowest = 512;

    static constexpr Millis believed_for{100};

    /* Tests without privilege take ports that anybody may bind. */
    explicit ReservedPorts(const Clock &clock, std::uint16_t high = highest,
                           std::uint16_t low = lowest)
        : clock_(clock), high_(high), low_(low), last_(low) {}

    /* As sys::connect4(). The socket may be replaced by a fresh one; NoPort: none would do. */
    Connect connect4(UniqueFd &fd, Ip4 source, const Endpoint4 &target);
    /* As sys::dial6_from(). */
    Dialled dial6(const Ip6 &source, const Endpoint6 &target);
    Result<UniqueFd> listen4(Ip4 address);

private:
    template <class Try>
    bool search(Try attempt); /* false: it wanted the next port each time */

    struct InVain {
        Ip4 source{};
        Endpoint4 target{};
        Millis until{};
        bool operator==(const InVain &other) const {
            return source == other.source && target.address == other.target.address &&
                   target.port == other.target.port;
        }
    };
    bool is_known(const InVain &search) const;
    void remember(InVain search);

    const Clock &clock_;
    std::uint16_t high_;
    std::uint16_t low_;
    std::uint16_t last_;
    std::array<InVain, 8> in_vain_{};
    std::size_t next_in_vain_ = 0;
};

} // namespace faith::sys
