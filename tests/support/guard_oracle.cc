/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guard_oracle.h"

#include <algorithm>
#include <optional>
#include <set>

namespace faith::test {

namespace {

const std::set<int> extension_headers = {0, 43, 44, 51, 60};
constexpr int max_extension_headers = 8;

/* What lies in the packet, header by header, up to where it can be followed. */
struct Dissected {
    std::vector<int> extensions; /* seen, or at least announced */
    bool missing_bytes = false;  /* the last of them is not all there */
    bool first_fragment = false;
    bool later_fragment = false;
    int upper = -1; /* behind the extensions */
    Bytes rest;     /* from the upper layer's header on */
};

int word(const Bytes &bytes, std::size_t at) { return bytes.at(at) * 256 + bytes.at(at + 1); }

Bytes without_front(const Bytes &bytes, std::size_t count) {
    return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(count), bytes.end());
}

/* Nothing when the frame is not IPv6. */
std::optional<Bytes> strip_ethernet(Bytes frame) {
    if (frame.size() < 14)
        return std::nullopt;
    frame = without_front(frame, 12);
    for (int tags = 0; tags < 2 && (word(frame, 0) == 0x8100 || word(frame, 0) == 0x88a8); ++tags) {
        if (frame.size() < 6)
            return std::nullopt;
        frame = without_front(frame, 4);
    }
    if (word(frame, 0) != 0x86dd)
        return std::nullopt;
    return without_front(frame, 2);
}

std::size_t length_of(int extension, const Bytes &bytes) {
    if (extension == 44)
        return 8;
    const std::size_t units = bytes.at(1);
    return extension == 51 ? 4 * units + 8 : 8 * units + 8;
}

Dissected dissect(int next, Bytes payload) {
    Dissected all;
    while (extension_headers.contains(next)) {
        all.extensions.push_back(next);
        if (all.extensions.size() > max_extension_headers)
            return all;
        if (payload.size() < 4 || payload.size() < length_of(next, payload)) {
            all.missing_bytes = true;
            return all;
        }
        const int fragment = next == 44 ? word(payload, 2) : 0;
        const std::size_t length = length_of(next, payload);
        next = payload.at(0);
        payload = without_front(payload, length);
        if (fragment / 8 != 0) {
            all.later_fragment = true;
            break;
        }
        if (fragment % 2 == 1)
            all.first_fragment = true;
    }
    all.upper = next;
    all.rest = payload;
    return all;
}

/* The bits of the longest entry around the address; nothing when there is none. */
std::optional<int> longest(const std::vector<Prefix6> &list, const Ip6 &address) {
    std::optional<int> bits;
    for (const Prefix6 &prefix : list)
        if (prefix.contains(address))
            bits = std::max(bits.value_or(0), static_cast<int>(prefix.length));
    return bits;
}

fgw_reason by_protocol(int protocol) { return protocol == 17 ? FGW_DROP_UDP : FGW_DROP_PROTOCOL; }

fgw_reason judge(const Dissected &packet) {
    if (packet.extensions.size() > max_extension_headers)
        return FGW_DROP_EXT_CHAIN;
    const fgw_reason when_short = packet.first_fragment ? FGW_DROP_FRAGMENT : FGW_DROP_TRUNCATED;
    if (packet.missing_bytes)
        return when_short;
    if (packet.later_fragment) {
        const bool may_be_tcp =
            packet.upper == 6 || packet.upper == 58 || extension_headers.contains(packet.upper);
        return may_be_tcp ? FGW_PASS_FRAGMENT : by_protocol(packet.upper);
    }
    if (packet.upper == 6)
        return packet.rest.size() >= 20 ? FGW_PASS_TCP : when_short;
    if (packet.upper == 58) {
        if (packet.rest.size() < 8)
            return when_short;
        const int type = packet.rest.at(0);
        return type >= 1 && type <= 3 ? FGW_PASS_ICMP6_ERROR : FGW_DROP_ICMP6;
    }
    return by_protocol(packet.upper);
}

} // namespace

fgw_reason guard_oracle(const GuardRules &rules, const Bytes &frame) {
    const std::optional<Bytes> packet = strip_ethernet(frame);
    if (!packet)
        return FGW_PASS_NOT_IP6;
    if (packet->size() < 40 || packet->at(0) / 16 != 6)
        return FGW_PASS_SHORT;

    Ip6 destination;
    std::copy_n(packet->begin() + 24, 16, destination.bytes.begin());
    const std::optional<int> capture = longest(rules.capture, destination);
    const std::optional<int> exempt = longest(rules.exempt, destination);
    if (!capture && !exempt)
        return FGW_PASS_NOT_PREFIX;
    if (exempt.value_or(-1) >= capture.value_or(-1))
        return FGW_PASS_EXEMPT;
    if (!rules.keepfaith)
        return FGW_DROP_KEEPFAITH_OFF;

    Bytes payload = without_front(*packet, 40);
    const int announced = word(*packet, 4);
    const std::size_t length = announced == 0 ? 65536 : static_cast<std::size_t>(announced);
    if (payload.size() < length)
        return FGW_DROP_TRUNCATED;
    payload.resize(length);
    return judge(dissect(packet->at(6), payload));
}

std::string reason_name(std::uint64_t reason) {
    switch (reason) {
#define CASE(name, number, origin, sentence)                                                       \
    case number:                                                                                   \
        return #name;
#define RETIRED(number)
        FGW_REASONS(CASE, RETIRED)
#undef CASE
#undef RETIRED
    default:
        return std::to_string(reason);
    }
}

} // namespace faith::test
