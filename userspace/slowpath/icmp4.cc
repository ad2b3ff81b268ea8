/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "slowpath/icmp4.h"

#include <algorithm>
#include <array>

namespace faith::slowpath {

namespace {

constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t unreachable = 3, time_exceeded = 11, parameter_problem = 12;
constexpr std::uint8_t fragmentation_needed = 4; /* a code of unreachable */
constexpr std::size_t icmp_header = 8, next_mtu_at = 6;
constexpr std::uint16_t least_mtu = 68; /* RFC 791 */
constexpr std::size_t fragment_at = 6;
constexpr std::uint16_t dont_fragment = 0x4000;

/* RFC 1191 7.1, those that a packet of ours can meet. */
constexpr std::array<std::uint16_t, 10> plateaus = {32000, 17914, 8166, 4352, 2002,
                                                    1492,  1006,  508,  296,  68};

} // namespace

std::optional<Icmp4Error> read_icmp4_error(Bytes packet) {
    const std::optional<Header4> outer = read_header4(packet);
    if (!outer || outer->protocol != protocol_icmp || outer->offset != 0 || outer->more ||
        outer->total > packet.size() || outer->total < outer->length + icmp_header)
        return std::nullopt;
    const Bytes message = packet.subspan(outer->length, outer->total - outer->length);
    const std::uint8_t type = message[0], code = message[1];
    if (checksum(message) != 0 ||
        (type != unreachable && type != time_exceeded && type != parameter_problem))
        return std::nullopt;
    const Bytes quote = message.subspan(icmp_header);
    const std::optional<Header4> quoted = read_header4(quote);
    if (!quoted)
        return std::nullopt;
    /* Behind the quoted packet there may be extensions (RFC 4884). */
    const std::size_t of_packet = std::min(quote.size(), quoted->total);
    return Icmp4Error{.too_long = type == unreachable && code == fragmentation_needed,
                      .next_mtu = read_be16(message, next_mtu_at),
                      .quoted = *quoted,
                      .unsplittable = (read_be16(quote, fragment_at) & dont_fragment) != 0,
                      .inner = quote.subspan(quoted->length, of_packet - quoted->length)};
}

std::optional<std::uint16_t> path_mtu(const Icmp4Error &error) {
    if (!error.too_long || !error.unsplittable)
        return std::nullopt;
    const std::size_t length = error.quoted.total;
    if (error.next_mtu == 0) {
        const auto below = std::find_if(plateaus.begin(), plateaus.end(),
                                        [&](std::uint16_t plateau) { return plateau < length; });
        return below == plateaus.end() ? std::nullopt : std::optional(*below);
    }
    if (error.next_mtu < least_mtu || error.next_mtu >= length)
        return std::nullopt;
    return error.next_mtu;
}

} // namespace faith::slowpath
