/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prefix/prefix.h"

#include <algorithm>
#include <array>
#include <string>

namespace faith::prefix {

namespace {

constexpr std::uint8_t shortest_faith = 8;
constexpr std::uint8_t longest_faith = 96;
constexpr std::array<std::uint8_t, 6> rfc6052_lengths = {32, 40, 48, 56, 64, 96};
constexpr std::size_t octet8 = 8; /* bits 64 to 71, zero in RFC 6052 addresses */

consteval Prefix6 net(std::uint8_t byte0, std::uint8_t byte1, std::uint8_t length) {
    return Prefix6{.address = {.bytes = {byte0, byte1}}, .length = length};
}

constexpr Prefix6 well_known_prefix = {
    .address = {.bytes = {0x00, 0x64, 0xff, 0x9b}},
    .length = 96,
};

struct Reserved {
    Prefix6 prefix;
    std::string_view what;
};

/* Capturing these takes the host's own traffic away, or can never match. */
constexpr std::array reserved = {
    Reserved{.prefix = net(0, 0, 96), .what = "the unspecified and the loopback address"},
    Reserved{
        .prefix = {.address = {.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}, .length = 96},
        .what = "IPv4-mapped addresses"},
    Reserved{.prefix = net(0xfe, 0x80, 10), .what = "link-local addresses"},
    Reserved{.prefix = net(0xff, 0x00, 8), .what = "multicast addresses"},
};

Status check_length(const Prefix6 &prefix, Layout layout) {
    if (layout == Layout::FaithLast32) {
        if (prefix.length >= shortest_faith && prefix.length <= longest_faith)
            return Ok{};
        return invalid(to_string(prefix) + ": the length of a faith prefix is 8 to 96, so that " +
                       "32 bits are left for the IPv4 address");
    }
    if (std::find(rfc6052_lengths.begin(), rfc6052_lengths.end(), prefix.length) !=
        rfc6052_lengths.end())
        return Ok{};
    return invalid(to_string(prefix) +
                   ": the length of an rfc6052 prefix is 32, 40, 48, 56, 64 or 96 (RFC 6052 2.2)");
}

Status check_reserved(const Prefix6 &prefix) {
    for (const Reserved &entry : reserved)
        if (entry.prefix.contains(prefix) || prefix.contains(entry.prefix))
            return invalid(to_string(prefix) + " covers " + std::string(entry.what) +
                           ", which must not be captured");
    /* A wider prefix around it would carry private IPv4 under well-known addresses, which
     * R23 forbids and is_well_known() would not see. */
    if (prefix.length < well_known_prefix.length && prefix.contains(well_known_prefix))
        return invalid(to_string(prefix) + " covers the well-known prefix 64:ff9b::/96, which is " +
                       "used whole or not at all (RFC 6052 3.1)");
    return Ok{};
}

/* RFC 6052 2.2: the four octets follow the prefix, stepping over octet 8. */
std::array<std::size_t, 4> rfc6052_positions(std::uint8_t length) {
    std::array<std::size_t, 4> positions{};
    std::size_t next = length / 8;
    for (std::size_t &position : positions) {
        if (next == octet8)
            next++;
        position = next++;
    }
    return positions;
}

std::array<std::size_t, 4> positions_of(const FaithPrefix &prefix) {
    if (prefix.layout == Layout::Rfc6052)
        return rfc6052_positions(prefix.prefix.length);
    return {12, 13, 14, 15};
}

} // namespace

Result<FaithPrefix> make_prefix(const Prefix6 &prefix, Layout layout) {
    TRY(check_length(prefix, layout));
    if (prefix != prefix.masked())
        return invalid(to_string(prefix) + " has bits set behind its length; meant is probably " +
                       to_string(prefix.masked()));
    TRY(check_reserved(prefix));
    if (layout == Layout::Rfc6052 && prefix.address.bytes[octet8] != 0)
        return invalid(to_string(prefix) +
                       ": bits 64 to 71 of an rfc6052 prefix must be zero (RFC 6052 2.2)");
    return FaithPrefix{.prefix = prefix, .layout = layout};
}

Extracted extract(const FaithPrefix &prefix, const Ip6 &address) {
    std::array<std::uint8_t, 4> bytes{};
    std::size_t count = 0;
    for (const std::size_t position : positions_of(prefix))
        bytes[count++] = address.bytes[position];
    const bool bad = prefix.layout == Layout::Rfc6052 && address.bytes[octet8] != 0;
    return {.address = Ip4::from_bytes(bytes.data()),
            .embedding = bad ? Embedding::BadOctet8 : Embedding::Good};
}

Ip6 embed(const FaithPrefix &prefix, Ip4 address) {
    Ip6 result = prefix.prefix.masked().address;
    const std::array<std::uint8_t, 4> bytes = address.bytes();
    std::size_t count = 0;
    for (const std::size_t position : positions_of(prefix))
        result.bytes[position] = bytes[count++];
    return result;
}

const FaithPrefix *find(std::span<const FaithPrefix> prefixes, const Ip6 &address) {
    const FaithPrefix *best = nullptr;
    for (const FaithPrefix &candidate : prefixes)
        if (candidate.prefix.contains(address) &&
            (best == nullptr || candidate.prefix.length > best->prefix.length))
            best = &candidate;
    return best;
}

FaithPrefix well_known() { return {.prefix = well_known_prefix, .layout = Layout::FaithLast32}; }

bool is_well_known(const FaithPrefix &prefix) { return prefix.prefix == well_known_prefix; }

std::string_view layout_name(Layout layout) {
    return layout == Layout::Rfc6052 ? "rfc6052" : "faith";
}

} // namespace faith::prefix
