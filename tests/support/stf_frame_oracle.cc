/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "stf_frame_oracle.h"

#include <algorithm>
#include <optional>

namespace faith::test {

namespace {

unsigned number_at(const Bytes &bytes, std::size_t at) {
    return static_cast<unsigned>(bytes.at(at)) << 8 | bytes.at(at + 1);
}

Bytes part(const Bytes &bytes, std::size_t first, std::size_t length) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(first);
    return {begin, begin + static_cast<std::ptrdiff_t>(length)};
}

Bytes behind(const Bytes &bytes, std::size_t first) {
    return part(bytes, first, bytes.size() - first);
}

unsigned ones_complement_sum(const Bytes &bytes) {
    unsigned sum = 0;
    for (std::size_t at = 0; at < bytes.size(); at += 2) {
        sum += number_at(bytes, at);
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return sum;
}

struct Inner {
    Ip6 source, destination;
    unsigned traffic_class = 0;
};

/* A whole IPv6 packet, perhaps with something behind it. */
std::optional<Inner> inner_of_packet(const Bytes &bytes, bool length_counts) {
    if (bytes.size() < 40 || bytes[0] / 16 != 6)
        return std::nullopt;
    if (length_counts && 40 + number_at(bytes, 4) > bytes.size())
        return std::nullopt;
    Inner inner;
    std::copy_n(bytes.begin() + 8, 16, inner.source.bytes.begin());
    std::copy_n(bytes.begin() + 24, 16, inner.destination.bytes.begin());
    inner.traffic_class = number_at(bytes, 0) / 16 % 256;
    return inner;
}

/* RFC 6040, figure 4; codepoints in the order of the header: Not-ECT, ECT(1), ECT(0), CE. */
constexpr char outgoing[4][5] = {"000-", "1113", "2123", "3333"};
constexpr char odd[4][5] = {"-!!!", "--!-", "----", "-!--"};

struct Mark {
    bool drop = false, odd = false;
    unsigned codepoint = 0;
};

Mark mark_of(std::uint8_t mode, unsigned inner, unsigned outer) {
    if (mode == FGW_ECN_COPY)
        return {.codepoint = inner};
    const char cell = outgoing[inner][outer];
    return {.drop = cell == '-',
            .odd = odd[inner][outer] == '!',
            .codepoint = static_cast<unsigned>(cell - '0')};
}

Bytes with_mark(Bytes packet, unsigned codepoint) {
    packet[1] = static_cast<std::uint8_t>(packet[1] / 64 * 64 + codepoint * 16 + packet[1] % 16);
    return packet;
}

template <std::size_t N>
void append(Bytes &to, const __u8 (&from)[N]) {
    to.insert(to.end(), from, from + N);
}

void append(Bytes &to, const Bytes &from) { to.insert(to.end(), from.begin(), from.end()); }

/* What is wrong with the outer header, if anything is. */
std::optional<fgw_reason> outer_fault(const Bytes &packet) {
    const unsigned words = packet[0] % 16, total = number_at(packet, 2);
    if (words < 5 || total < words * 4 || total > packet.size())
        return FGW_STF_IN_HEADER;
    if (ones_complement_sum(part(packet, 0, std::size_t{words} * 4)) != 0xffff)
        return FGW_STF_IN_CHECKSUM;
    if (number_at(packet, 6) % 0x4000 != 0)
        return FGW_STF_FRAGMENT;
    return std::nullopt;
}

} // namespace

StfOutcome stf_oracle_frame_in(const StfWorld &world, const Bytes &frame) {
    const auto refused = [&](fgw_reason reason) { return StfOutcome{reason, frame}; };
    if (frame.size() < 34 || number_at(frame, 12) != 0x0800)
        return refused(FGW_PASS_NOT_IP6);
    const Bytes packet = behind(frame, 14);
    const Ip4 from = Ip4::from_bytes(&packet[12]), to = Ip4::from_bytes(&packet[16]);
    if (packet[0] / 16 != 4 || packet[9] != 41 || to != Ip4::from_bytes(world.stf.address))
        return refused(FGW_PASS_NOT_IP6);
    if ((world.stf.flags & FGW_STF_INPUT) == 0)
        return refused(FGW_STF_INPUT_OFF);
    if (!stf_oracle_is_peer(world, from))
        return refused(FGW_STF_NOT_PEER);
    if (const auto fault = outer_fault(packet))
        return refused(*fault);

    const std::size_t header = std::size_t{packet[0]} % 16 * 4;
    const auto inner = inner_of_packet(part(packet, header, number_at(packet, 2) - header), true);
    if (!inner)
        return refused(FGW_STF_IN_SHORT);
    const fgw_reason reason = stf_oracle_in(world, {.source4 = from,
                                                    .destination4 = to,
                                                    .source6 = inner->source,
                                                    .destination6 = inner->destination});
    if (reason != FGW_STF_IN)
        return refused(reason);
    const Mark mark = mark_of(world.stf.ecn, inner->traffic_class % 4, packet[1] % 4);
    if (mark.drop)
        return refused(FGW_STF_IN_ECN);
    StfOutcome passed{.reason = mark.odd ? FGW_STF_IN_ODD_ECN : FGW_STF_IN, .frame = {}};
    append(passed.frame, world.stf.device_mac);
    append(passed.frame, world.stf.peer_mac);
    append(passed.frame, {0x86, 0xdd});
    append(passed.frame, with_mark(behind(packet, header), mark.codepoint));
    return passed;
}

StfOutcome stf_oracle_frame_out(const StfWorld &world, const Bytes &frame, std::uint16_t number) {
    const auto refused = [&](fgw_reason reason) { return StfOutcome{reason, frame}; };
    if (frame.size() < 14 || number_at(frame, 12) != 0x86dd)
        return refused(FGW_STF_OUT_SHORT);
    const Bytes packet = behind(frame, 14);
    const auto inner = inner_of_packet(packet, false);
    if (!inner)
        return refused(FGW_STF_OUT_SHORT);
    const StfAddresses addresses = {.source4 = Ip4::from_bytes(world.stf.address),
                                    .destination4 = stf_oracle_next_hop(world, inner->destination),
                                    .source6 = inner->source,
                                    .destination6 = inner->destination};
    const fgw_reason reason = stf_oracle_out(world, addresses);
    if (reason != FGW_STF_OUT)
        return refused(reason);
    if (packet.size() > world.stf.mtu)
        return refused(FGW_STF_OUT_TOO_BIG);
    const bool marks = world.stf.ecn != FGW_ECN_COMPATIBILITY;
    StfOutcome passed{
        .reason = reason,
        .frame = Packet()
                     .ip4({.source = addresses.source4,
                           .destination = addresses.destination4,
                           .service = static_cast<std::uint8_t>(
                               marks ? inner->traffic_class : inner->traffic_class / 4 * 4),
                           .identification = number,
                           .ttl = world.stf.ttl,
                           .protocol = std::uint8_t{41}})
                     .raw(packet)
                     .bytes()};
    Bytes link = part(frame, 0, 12);
    append(link, {0x08, 0x00});
    passed.frame.insert(passed.frame.begin(), link.begin(), link.end());
    return passed;
}

} // namespace faith::test
