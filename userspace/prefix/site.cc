/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prefix/site.h"

namespace faith::prefix {

Prefix6 site_prefix(const Prefix6 &shared, std::uint8_t v4_mask_len, Ip4 site) {
    Prefix6 prefix = shared.masked();
    for (unsigned bit = v4_mask_len; bit < 32; ++bit) {
        if ((site.value >> (31 - bit) & 1) != 0)
            prefix.address.bytes[prefix.length / 8] |=
                static_cast<std::uint8_t>(0x80U >> (prefix.length % 8));
        ++prefix.length;
    }
    return prefix;
}

std::optional<Ip4> site_of(const Prefix6 &shared, std::uint8_t v4_mask_len, Ip4 own,
                           const Ip6 &address) {
    if (!shared.contains(address))
        return std::nullopt;
    std::uint32_t site = own.value;
    for (unsigned bit = v4_mask_len; bit < 32; ++bit) {
        const unsigned at = shared.length + bit - v4_mask_len;
        const std::uint32_t mask = 1U << (31 - bit);
        const bool set = (address.bytes[at / 8] & 0x80U >> (at % 8)) != 0;
        site = set ? site | mask : site & ~mask;
    }
    return Ip4{.value = site};
}

Prefix6 six_to_four() {
    Prefix6 prefix;
    prefix.address.bytes[0] = 0x20;
    prefix.address.bytes[1] = 0x02;
    prefix.length = 16;
    return prefix;
}

Ip6 host_in(const Prefix6 &prefix, std::uint8_t host) {
    Ip6 address = prefix.masked().address;
    address.bytes[15] = static_cast<std::uint8_t>(address.bytes[15] | host);
    return address;
}

} // namespace faith::prefix
