/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "slowpath/icmp6.h"

#include <algorithm>

namespace faith::slowpath {

namespace {

constexpr std::size_t ip6_header = 40, icmp6_header = 8, least_mtu = 1280;
constexpr std::size_t payload_length_at = 4, next_header_at = 6, source_at = 8, destination_at = 24;
constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, authentication = 51, icmp6 = 58,
                       destination_options = 60;
constexpr std::uint8_t first_informational = 128, redirect = 137;
constexpr std::uint16_t fragment_offset = 0xfff8;
constexpr int most_extensions = 8;

constexpr std::chrono::microseconds second{1'000'000};
constexpr std::chrono::microseconds cost_to_one = second / 10; /* RFC 4443 2.4 (f) */
constexpr std::chrono::microseconds cost_to_all = second / 1000;
constexpr std::size_t most_networks = 4096;

Ip6 address_at(Bytes packet, std::size_t at) {
    Ip6 address;
    std::copy_n(packet.begin() + static_cast<std::ptrdiff_t>(at), address.bytes.size(),
                address.bytes.begin());
    return address;
}

std::size_t extension_length(std::uint8_t kind, std::uint8_t length) {
    if (kind == fragment)
        return 8;
    return kind == authentication ? (length + 2U) * 4 : (length + 1U) * 8;
}

enum class Carries { Other, Icmp6Error, Unknown };

/* What is at the end of the chain of headers. Of a later fragment nobody can tell; but an
 * error is never that long (RFC 4443 2.4 (c)). */
Carries carries(Bytes packet) {
    std::uint8_t kind = packet[next_header_at];
    std::size_t at = ip6_header;
    for (int seen = 0; seen <= most_extensions; ++seen) {
        const bool extension = kind == hop_by_hop || kind == routing || kind == fragment ||
                               kind == authentication || kind == destination_options;
        if (!extension && kind != icmp6)
            return Carries::Other;
        if (at + 4 > packet.size())
            return Carries::Unknown;
        if (kind == icmp6)
            return packet[at] < first_informational || packet[at] == redirect ? Carries::Icmp6Error
                                                                              : Carries::Other;
        if (kind == fragment && (read_be16(packet, at + 2) & fragment_offset) != 0)
            return Carries::Other;
        const std::size_t length = extension_length(kind, packet[at + 1]);
        kind = packet[at];
        at += length;
    }
    return Carries::Unknown;
}

} // namespace

std::optional<Header6> read_header6(Bytes packet) {
    if (packet.size() < ip6_header || packet[0] >> 4 != 6)
        return std::nullopt;
    return Header6{.length = ip6_header + read_be16(packet, payload_length_at),
                   .source = address_at(packet, source_at),
                   .destination = address_at(packet, destination_at)};
}

bool may_be_told(Bytes packet, Problem problem) {
    const std::optional<Header6> header = read_header6(packet);
    if (!header)
        return false;
    const Ip6 &source = header->source;
    if (source.is_multicast() || source.is_unspecified() || source.is_loopback() ||
        source.is_link_local())
        return false;
    if (header->destination.is_multicast() && problem != Problem::TooBig)
        return false;
    return carries(packet) == Carries::Other;
}

std::vector<std::uint8_t> icmp6_error(Bytes packet, Problem problem, std::uint32_t mtu) {
    constexpr std::uint8_t type_unreachable = 1, address_unreachable = 3, type_too_big = 2;
    std::vector<std::uint8_t> error(icmp6_header);
    if (problem == Problem::Unreachable) {
        error[0] = type_unreachable;
        error[1] = address_unreachable;
    } else {
        error[0] = type_too_big;
        write_be16(error, 4, static_cast<std::uint16_t>(mtu >> 16));
        write_be16(error, 6, static_cast<std::uint16_t>(mtu));
    }
    const Bytes quoted =
        packet.first(std::min(packet.size(), least_mtu - ip6_header - icmp6_header));
    error.insert(error.end(), quoted.begin(), quoted.end());
    return error;
}

bool Moderation::allows(const Ip6 &to, Millis now) {
    /* Each bucket is the time at which it is full again (GCRA). */
    const auto next = [&](Micros full_at, Micros cost) {
        return std::max(full_at, Micros(now)) + cost;
    };
    Network network{};
    std::copy_n(to.bytes.begin(), network.size(), network.begin());
    if (full_at_.size() >= most_networks && !full_at_.contains(network))
        std::erase_if(full_at_, [&](const auto &entry) { return entry.second <= now; });
    const auto known = full_at_.find(network);
    if (known == full_at_.end() && full_at_.size() >= most_networks)
        return false; /* so many networks in one second */
    const Micros one = next(known == full_at_.end() ? Micros(0) : known->second, cost_to_one);
    const Micros all = next(all_full_at_, cost_to_all);
    if (one > now + second || all > now + second)
        return false;
    full_at_[network] = one;
    all_full_at_ = all;
    return true;
}

} // namespace faith::slowpath
