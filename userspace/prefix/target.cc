/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prefix/target.h"

#include <algorithm>
#include <array>

namespace faith::prefix {

namespace {

consteval Prefix4 net(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint8_t length) {
    return Prefix4{.address = {.value = a << 24 | b << 16 | c << 8}, .length = length};
}

constexpr std::array never = {
    net(0, 0, 0, 8),      /* this network (RFC 1122) */
    net(127, 0, 0, 8),    /* services that listen on loopback believe only the box reaches them */
    net(169, 254, 0, 16), /* link-local; cloud metadata services live here */
    net(224, 0, 0, 4),    /* multicast */
    net(240, 0, 0, 4),    /* reserved, and limited broadcast */
};

/* RFC 6890, less what `never` already holds. */
constexpr std::array private_or_shared = {
    net(10, 0, 0, 8),     /* RFC 1918 */
    net(100, 64, 0, 10),  /* carrier NAT, RFC 6598 */
    net(172, 16, 0, 12),  /* RFC 1918 */
    net(192, 0, 0, 24),   /* IETF protocol assignments */
    net(192, 168, 0, 16), /* RFC 1918 */
    net(198, 18, 0, 15),  /* benchmarking, RFC 2544 */
};

} // namespace

std::span<const Prefix4> built_in_never() { return never; }

std::span<const Prefix4> not_global() { return private_or_shared; }

bool any_contains(std::span<const Prefix4> list, Ip4 address) {
    return std::any_of(list.begin(), list.end(),
                       [address](const Prefix4 &prefix) { return prefix.contains(address); });
}

} // namespace faith::prefix
