/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/tunnel_errors.h"

#include "base/log.h"
#include "faith/abi.h"
#include "prefix/site.h"
#include "sys/packet_socket.h"

#include <algorithm>
#include <chrono>

namespace faith::daemon {

namespace {

constexpr std::uint8_t protocol_ip6 = 41;
/* RFC 1191 6.3: after ten minutes something longer is tried. */
constexpr std::chrono::minutes remembered{10};

std::uint64_t monotonic_ns(std::chrono::nanoseconds from_now) {
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>((now + from_now).count());
}

std::uint32_t mtu_inside(std::uint32_t mtu4) {
    return std::max(mtu4, least_ip6_mtu + outer_header) - outer_header;
}

} // namespace

bool can_have_sent(const Tunnel &tunnel, const slowpath::Icmp4Error &error) {
    const slowpath::Header4 &outer = error.quoted;
    if (outer.protocol != protocol_ip6 || outer.source != tunnel.own ||
        outer.destination == tunnel.own || !outer.destination.can_be_source() || outer.offset != 0)
        return false;
    const auto inner = slowpath::read_header6(error.inner);
    if (!inner)
        return error.inner.size() < 40; /* too little to say more */
    const Prefix6 far = prefix::site_prefix(tunnel.shared, tunnel.v4_mask_len, outer.destination);
    const bool far_fits =
        far.contains(inner->destination) || !tunnel.shared.contains(inner->destination);
    const bool near_fits =
        tunnel.site.contains(inner->source) || !tunnel.shared.contains(inner->source);
    return far_fits && near_fits && inner->length + outer.length == outer.total;
}

Result<TunnelErrors> TunnelErrors::open(PathMtus path_mtus) {
    TRY_ASSIGN(sys::UniqueFd sender, sys::open_icmp6_sender());
    return TunnelErrors(std::move(sender), path_mtus);
}

const Tunnel *TunnelErrors::find(std::uint32_t uplink, Ip4 own) const {
    const auto found = std::ranges::find_if(tunnels_, [&](const OnUplink &each) {
        return each.uplink == uplink && each.tunnel.own == own;
    });
    return found == tunnels_.end() ? nullptr : &found->tunnel;
}

void TunnelErrors::on_icmp4(std::uint32_t uplink, slowpath::Bytes packet, sys::Millis now) {
    const auto error = slowpath::read_icmp4_error(packet);
    const Tunnel *tunnel = error ? find(uplink, error->quoted.source) : nullptr;
    if (tunnel == nullptr || !can_have_sent(*tunnel, *error)) {
        ++counts_[FGW_STF_ICMP4_BAD];
        return;
    }
    if (error->too_long) {
        if ((tunnel->flags & FGW_STF_PMTU) != 0)
            on_path_mtu(uplink, *error, now);
        else
            ++counts_[FGW_STF_ICMP4_BAD]; /* such a tunnel sends what every router may cut */
    } else if (!slowpath::read_header6(error->inner)) {
        ++counts_[FGW_STF_ICMP4_SHORT];
    } else {
        tell(error->inner, slowpath::Problem::Unreachable, 0, now);
    }
}

void TunnelErrors::on_path_mtu(std::uint32_t uplink, const slowpath::Icmp4Error &error,
                               sys::Millis now) {
    const std::optional<std::uint16_t> mtu = slowpath::path_mtu(error);
    if (!mtu) {
        ++counts_[FGW_STF_ICMP4_BAD];
        return;
    }
    fgw_pmtu_key key{.uplink = uplink, .destination = {}};
    const auto far = error.quoted.destination.bytes();
    std::copy(far.begin(), far.end(), key.destination);
    const Status put =
        path_mtus_.put(key, {.until_ns = monotonic_ns(remembered), .mtu = *mtu, .pad = 0});
    if (!put)
        log::warning("path MTU to " + to_string(error.quoted.destination) + ": " +
                     put.error().text);
    ++counts_[FGW_STF_ICMP4_PMTU];
    /* The packet is lost: its source need not send it again to hear why. */
    const auto inner = slowpath::read_header6(error.inner);
    if (inner && inner->length > mtu_inside(*mtu))
        tell(error.inner, slowpath::Problem::TooBig, mtu_inside(*mtu), now);
}

void TunnelErrors::on_too_long(slowpath::Bytes packet, std::uint32_t mtu, sys::Millis now) {
    tell(packet, slowpath::Problem::TooBig, mtu, now);
}

void TunnelErrors::tell(slowpath::Bytes packet, slowpath::Problem problem, std::uint32_t mtu,
                        sys::Millis now) {
    if (!slowpath::may_be_told(packet, problem)) {
        ++counts_[FGW_STF_ICMP6_NEVER];
        return;
    }
    const Ip6 to = slowpath::read_header6(packet)->source;
    if (!moderation_.allows(to, now)) {
        ++counts_[FGW_STF_ICMP6_RATE];
        return;
    }
    if (Status sent =
            sys::send_icmp6(sender_.get(), to, slowpath::icmp6_error(packet, problem, mtu));
        !sent)
        log::debug("an ICMPv6 error to " + to_string(to) + ": " + sent.error().text);
    else
        ++counts_[FGW_STF_ICMP6_SENT];
}

} // namespace faith::daemon
