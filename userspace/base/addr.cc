/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/addr.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace faith {

namespace {

constexpr std::size_t groups_in_ip6 = 8;

std::optional<Ip4> scan_ip4(std::string_view text) {
    std::uint32_t value = 0;
    for (int part = 0; part < 4; part++) {
        const std::size_t dot = text.find('.');
        if ((dot == std::string_view::npos) != (part == 3))
            return std::nullopt;
        const std::optional<std::uint64_t> octet = parse_decimal(text.substr(0, dot), 255);
        if (!octet)
            return std::nullopt;
        value = value << 8 | static_cast<std::uint32_t>(*octet);
        if (part < 3)
            text.remove_prefix(dot + 1);
    }
    return Ip4{.value = value};
}

std::optional<std::uint16_t> scan_group(std::string_view text) {
    if (text.empty() || text.size() > 4)
        return std::nullopt;
    std::uint16_t value = 0;
    const char *end = text.data() + text.size();
    const std::from_chars_result result = std::from_chars(text.data(), end, value, 16);
    if (result.ec != std::errc() || result.ptr != end)
        return std::nullopt;
    return value;
}

/* Up to eight 16-bit groups between single colons. */
struct Groups {
    std::array<std::uint16_t, groups_in_ip6> values{};
    std::size_t count = 0;

    bool push(std::uint16_t value) {
        if (count == values.size())
            return false;
        values[count++] = value;
        return true;
    }
};

enum class Tail { Groups, MayBeIp4 };

/* "2001:db8:1", or "ffff:192.0.2.1" where an IPv4 address may end it (RFC 4291 2.2).
 * The empty text is no group at all, which is what stands beside a "::" at an end. */
std::optional<Groups> scan_groups(std::string_view text, Tail tail) {
    Groups groups;
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        const std::string_view word = text.substr(0, colon);
        if (colon == std::string_view::npos && tail == Tail::MayBeIp4 &&
            word.find('.') != std::string_view::npos) {
            const std::optional<Ip4> ip4 = scan_ip4(word);
            if (!ip4 || !groups.push(static_cast<std::uint16_t>(ip4->value >> 16)) ||
                !groups.push(static_cast<std::uint16_t>(ip4->value & 0xffff)))
                return std::nullopt;
            return groups;
        }
        const std::optional<std::uint16_t> value = scan_group(word);
        if (!value || !groups.push(*value))
            return std::nullopt;
        if (colon == std::string_view::npos)
            return groups;
        text.remove_prefix(colon + 1);
        if (text.empty())
            return std::nullopt; /* a single colon at the end */
    }
    return groups;
}

Ip6 from_groups(const Groups &head, const Groups &tail) {
    Ip6 address;
    for (std::size_t i = 0; i < head.count; i++) {
        address.bytes[2 * i] = static_cast<std::uint8_t>(head.values[i] >> 8);
        address.bytes[2 * i + 1] = static_cast<std::uint8_t>(head.values[i] & 0xff);
    }
    const std::size_t start = groups_in_ip6 - tail.count;
    for (std::size_t i = 0; i < tail.count; i++) {
        address.bytes[2 * (start + i)] = static_cast<std::uint8_t>(tail.values[i] >> 8);
        address.bytes[2 * (start + i) + 1] = static_cast<std::uint8_t>(tail.values[i] & 0xff);
    }
    return address;
}

std::optional<Ip6> scan_ip6(std::string_view text) {
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        const std::optional<Groups> all = scan_groups(text, Tail::MayBeIp4);
        if (!all || all->count != groups_in_ip6)
            return std::nullopt;
        return from_groups(*all, {});
    }
    const std::optional<Groups> head = scan_groups(text.substr(0, gap), Tail::Groups);
    const std::optional<Groups> tail = scan_groups(text.substr(gap + 2), Tail::MayBeIp4);
    /* "::" stands for at least one group. A second "::" leaves an empty group in tail. */
    if (!head || !tail || head->count + tail->count >= groups_in_ip6)
        return std::nullopt;
    return from_groups(*head, *tail);
}

std::uint16_t group_at(const Ip6 &address, std::size_t index) {
    return static_cast<std::uint16_t>(address.bytes[2 * index] << 8 | address.bytes[2 * index + 1]);
}

/* RFC 5952 4.2: the longest run of two or more zero groups, the first of equals. */
struct ZeroRun {
    std::size_t start = groups_in_ip6;
    std::size_t length = 0;
};

ZeroRun longest_zero_run(const Ip6 &address) {
    ZeroRun best;
    ZeroRun run;
    for (std::size_t i = 0; i < groups_in_ip6; i++) {
        if (group_at(address, i) != 0) {
            run = {};
            continue;
        }
        if (run.length == 0)
            run.start = i;
        run.length++;
        if (run.length >= 2 && run.length > best.length)
            best = run;
    }
    return best;
}

void append_hex(std::string &out, std::uint16_t value) {
    std::array<char, 4> digits{};
    const std::to_chars_result result =
        std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
    out.append(digits.data(), result.ptr);
}

std::uint32_t mask4(std::uint8_t length) {
    return length == 0 ? 0 : ~std::uint32_t{0} << (32 - std::min<unsigned>(length, 32));
}

/* "ADDR" or "ADDR/len"; the length of the address family when there is no slash. */
struct Split {
    std::string_view address;
    std::uint8_t length;
};

Result<Split> split_length(std::string_view text, std::uint8_t max) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos)
        return Split{.address = text, .length = max};
    const std::string_view written = text.substr(slash + 1);
    if (const std::optional<std::uint64_t> length = parse_decimal(written, max))
        return Split{.address = text.substr(0, slash),
                     .length = static_cast<std::uint8_t>(*length)};
    if (const std::optional<std::uint64_t> length = parse_decimal(written, UINT64_MAX))
        return invalid("prefix length " + std::to_string(*length) + " is more than " +
                       std::to_string(max));
    return invalid(quoted(written) + " is not a prefix length: 0 to " + std::to_string(max));
}

} // namespace

Ip4 Ip4::from_bytes(const std::uint8_t *bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | bytes[i];
    return Ip4{.value = value};
}

std::array<std::uint8_t, 4> Ip4::bytes() const {
    return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16 & 0xff),
            static_cast<std::uint8_t>(value >> 8 & 0xff), static_cast<std::uint8_t>(value & 0xff)};
}

bool Ip4::can_be_source() const { return value >> 24 != 0 && value >> 24 < 224; }

bool Ip6::is_v4_mapped() const {
    return std::all_of(bytes.begin(), bytes.begin() + 10,
                       [](std::uint8_t byte) { return byte == 0; }) &&
           bytes[10] == 0xff && bytes[11] == 0xff;
}

bool Ip6::is_link_local() const { return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }

bool Ip6::is_multicast() const { return bytes[0] == 0xff; }

bool Ip6::is_unspecified() const { return *this == Ip6{}; }

bool Ip6::is_loopback() const {
    Ip6 loopback;
    loopback.bytes[15] = 1;
    return *this == loopback;
}

bool Prefix4::contains(Ip4 other) const {
    return ((address.value ^ other.value) & mask4(length)) == 0;
}

bool Prefix4::contains(const Prefix4 &other) const {
    return length <= other.length && contains(other.address);
}

Prefix4 Prefix4::masked() const {
    return {.address = {.value = address.value & mask4(length)}, .length = length};
}

bool Prefix6::contains(const Ip6 &other) const {
    const std::size_t bits = std::min<std::size_t>(length, 128);
    const std::size_t whole = bits / 8;
    if (!std::equal(other.bytes.begin(), other.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                    address.bytes.begin()))
        return false;
    if (bits % 8 == 0)
        return true;
    return (address.bytes[whole] ^ other.bytes[whole]) >> (8 - bits % 8) == 0;
}

bool Prefix6::contains(const Prefix6 &other) const {
    return length <= other.length && contains(other.address);
}

Prefix6 Prefix6::masked() const {
    Prefix6 result = *this;
    for (std::size_t i = 0; i < address.bytes.size(); i++) {
        const std::size_t kept = std::clamp<std::size_t>(length, 8 * i, 8 * i + 8) - 8 * i;
        result.address.bytes[i] &= static_cast<std::uint8_t>(0xff00 >> kept);
    }
    return result;
}

Result<Ip4> parse_ip4(std::string_view text) {
    if (const std::optional<Ip4> address = scan_ip4(text))
        return *address;
    return invalid(quoted(text) + " is not an IPv4 address");
}

Result<Ip6> parse_ip6(std::string_view text) {
    if (const std::optional<Ip6> address = scan_ip6(text))
        return *address;
    if (text.find('%') != std::string_view::npos)
        return invalid(quoted(text) + " has a zone id, which means nothing here");
    return invalid(quoted(text) + " is not an IPv6 address");
}

Result<Prefix4> parse_prefix4(std::string_view text) {
    TRY_ASSIGN(const Split split, split_length(text, 32));
    TRY_ASSIGN(const Ip4 address, parse_ip4(split.address));
    return Prefix4{.address = address, .length = split.length};
}

Result<Prefix6> parse_prefix6(std::string_view text) {
    TRY_ASSIGN(const Split split, split_length(text, 128));
    TRY_ASSIGN(const Ip6 address, parse_ip6(split.address));
    return Prefix6{.address = address, .length = split.length};
}

Result<std::uint16_t> parse_port(std::string_view text) {
    const std::optional<std::uint64_t> port = parse_decimal(text, 65535);
    if (!port || *port == 0)
        return invalid(quoted(text) + " is not a port number: 1 to 65535");
    return static_cast<std::uint16_t>(*port);
}

std::string to_string(Ip4 address) {
    std::string out;
    for (const std::uint8_t byte : address.bytes()) {
        if (!out.empty())
            out += '.';
        out += std::to_string(byte);
    }
    return out;
}

std::string to_string(const Ip6 &address) {
    if (address.is_v4_mapped())
        return "::ffff:" + to_string(Ip4::from_bytes(&address.bytes[12]));
    const ZeroRun run = longest_zero_run(address);
    std::string out;
    for (std::size_t i = 0; i < groups_in_ip6; i++) {
        if (i == run.start) {
            out += "::";
            i += run.length - 1;
            continue;
        }
        if (!out.empty() && out.back() != ':')
            out += ':';
        append_hex(out, group_at(address, i));
    }
    return out;
}

std::string to_string(const Prefix4 &prefix) {
    return to_string(prefix.address) + "/" + std::to_string(prefix.length);
}

std::string to_string(const Prefix6 &prefix) {
    return to_string(prefix.address) + "/" + std::to_string(prefix.length);
}

} // namespace faith
