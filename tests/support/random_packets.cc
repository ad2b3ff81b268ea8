/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random_packets.h"

namespace faith::test {

namespace {

std::uint8_t small(Random &random, std::uint64_t last) {
    return static_cast<std::uint8_t>(random.between(0, last));
}

void add_tags(Packet &packet, Random &random) {
    if (!random.one_in(4))
        return;
    for (std::uint64_t tags = random.between(1, 3); tags > 0; --tags) {
        static constexpr std::uint16_t types[] = {0x8100, 0x8100, 0x88a8, 0x9100};
        packet.vlan({.id = small(random, 255), .tag_type = types[random.between(0, 3)]});
    }
}

void add_extension(Packet &packet, Random &random) {
    /* Now and then one of the greatest, so that the walk leaves the first page. */
    const std::size_t eights = random.one_in(30) ? 256 : random.between(1, 4);
    switch (random.between(0, 4)) {
    case 0:
        packet.hop_by_hop({.bytes = 8 * eights});
        break;
    case 1:
        packet.routing({.bytes = 8 * eights});
        break;
    case 2:
        packet.destination_options({.bytes = 8 * eights});
        break;
    case 3:
        packet.authentication({.bytes = 4 * (eights > 4 ? 257 : eights + 1)});
        break;
    default:
        packet.fragment({.offset = random.one_in(4) ? small(random, 200) : std::uint8_t{0},
                         .more = random.one_in(3),
                         .reserved_bits = small(random, 3)});
    }
}

void add_extensions(Packet &packet, Random &random) {
    if (random.one_in(3))
        return;
    const std::uint64_t most = random.one_in(4) ? 10 : 3;
    for (std::uint64_t count = random.between(0, most); count > 0; --count)
        add_extension(packet, random);
}

void add_upper(Packet &packet, Random &random) {
    switch (random.between(0, 7)) {
    case 0:
    case 1:
    case 2:
        packet.tcp();
        break;
    case 3:
        packet.udp();
        break;
    case 4:
        packet.icmp6({.type = small(random, 6)});
        break;
    case 5:
        packet.icmp6({.type = random.byte()});
        break;
    case 6:
        packet.upper(random.byte(), random.between(0, 24));
        break;
    default:
        break;
    }
    if (random.one_in(2))
        packet.payload(random.between(0, 40));
    if (random.one_in(4))
        packet.padding(random.between(1, 20));
}

std::optional<std::uint16_t> payload_length(Random &random) {
    if (!random.one_in(6))
        return std::nullopt;
    return static_cast<std::uint16_t>(random.one_in(4) ? random.word() : random.between(0, 120));
}

void damage(Bytes &frame, Random &random) {
    if (random.one_in(4))
        frame = cut(frame, random.between(0, frame.size()));
    if (frame.empty() || !random.one_in(3))
        return;
    for (std::uint64_t count = random.between(1, 4); count > 0; --count) {
        std::uint8_t &byte = frame[random.between(0, std::min<std::size_t>(frame.size(), 120) - 1)];
        byte = random.one_in(2) ? random.byte() : small(random, 4);
    }
}

} // namespace

Bytes random_frame(Random &random, const std::vector<Ip6> &destinations) {
    Packet packet;
    packet.eth();
    add_tags(packet, random);
    if (random.one_in(20)) {
        packet.ip4(random.between(0, 60));
    } else {
        packet.ip6({.destination = destinations[random.between(0, destinations.size() - 1)],
                    .version = random.one_in(30) ? random.byte() : std::uint8_t{6},
                    .payload_length = payload_length(random)});
        add_extensions(packet, random);
        add_upper(packet, random);
    }
    Bytes frame = packet.bytes();
    damage(frame, random);
    return frame;
}

} // namespace faith::test
