/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What went wrong with a packet after it went into a tunnel, told to whoever sent it: ICMPv4
 * errors become ICMPv6 errors (RFC 4213 3.4, RFC 2473 8), and where a tunnel follows the path
 * MTU, the program that sends is told it (RFC 4213 3.2.2). Nothing here is trusted: it may be
 * forged, so it must be about a packet that the tunnel can have sent, and it is moderated.
 */
#pragma once

#include "base/result.h"
#include "daemon/tunnel.h"
#include "datapath/map.h"
#include "faith/reasons.h"
#include "slowpath/icmp4.h"
#include "slowpath/icmp6.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <array>
#include <cstdint>
#include <vector>

namespace faith::daemon {

using ReasonCounts = std::array<std::uint64_t, FGW_REASON_MAX>;

/* Whether this tunnel can have sent what an ICMPv4 error quotes. Pure. */
bool can_have_sent(const Tunnel &tunnel, const slowpath::Icmp4Error &error);

class TunnelErrors {
public:
    struct OnUplink {
        std::uint32_t uplink = 0; /* ifindex */
        Tunnel tunnel;
    };
    using PathMtus = datapath::MapRef<fgw_pmtu_key, fgw_pmtu>;

    static Result<TunnelErrors> open(PathMtus path_mtus);

    void set_tunnels(std::vector<OnUplink> tunnels) { tunnels_ = std::move(tunnels); }
    /* A packet with an ICMPv4 error, and the uplink it came in by. */
    void on_icmp4(std::uint32_t uplink, slowpath::Bytes packet, sys::Millis now);
    /* The front of an IPv6 packet that was longer than the way out takes. */
    void on_too_long(slowpath::Bytes packet, std::uint32_t mtu, sys::Millis now);

    const ReasonCounts &counts() const { return counts_; }

private:
    TunnelErrors(sys::UniqueFd sender, PathMtus path_mtus)
        : sender_(std::move(sender)), path_mtus_(path_mtus) {}
    const Tunnel *find(std::uint32_t uplink, Ip4 own) const;
    void on_path_mtu(std::uint32_t uplink, const slowpath::Icmp4Error &error, sys::Millis now);
    void tell(slowpath::Bytes packet, slowpath::Problem problem, std::uint32_t mtu,
              sys::Millis now);

    sys::UniqueFd sender_;
    PathMtus path_mtus_;
    std::vector<OnUplink> tunnels_;
    slowpath::Moderation moderation_;
    ReasonCounts counts_{};
};

} // namespace faith::daemon
