/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "slowpath/ip4.h"

namespace faith::slowpath {

namespace {

constexpr std::size_t service_at = 1, total_at = 2, identification_at = 4, fragment_at = 6,
                      protocol_at = 9, checksum_at = 10, source_at = 12, destination_at = 16;
constexpr std::uint16_t more_fragments = 0x2000, offset_mask = 0x1fff;
constexpr std::size_t offset_unit = 8;

} // namespace

std::uint16_t read_be16(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

void write_be16(std::span<std::uint8_t> bytes, std::size_t at, std::uint16_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

std::optional<Header4> read_header4(Bytes packet) {
    if (packet.size() < shortest_header4 || packet[0] >> 4 != 4)
        return std::nullopt;
    const std::uint16_t fragment = read_be16(packet, fragment_at);
    Header4 header{.length = static_cast<std::size_t>(packet[0] & 0xf) * 4,
                   .total = read_be16(packet, total_at),
                   .service = packet[service_at],
                   .identification = read_be16(packet, identification_at),
                   .offset = (fragment & offset_mask) * offset_unit,
                   .more = (fragment & more_fragments) != 0,
                   .protocol = packet[protocol_at],
                   .source = Ip4::from_bytes(&packet[source_at]),
                   .destination = Ip4::from_bytes(&packet[destination_at])};
    if (header.length < shortest_header4 || header.length > packet.size() ||
        header.total < header.length)
        return std::nullopt;
    return header;
}

void write_whole4(std::span<std::uint8_t> packet, std::uint8_t service) {
    const std::size_t length = static_cast<std::size_t>(packet[0] & 0xf) * 4;
    packet[service_at] = service;
    write_be16(packet, total_at, static_cast<std::uint16_t>(packet.size()));
    write_be16(packet, fragment_at, 0);
    write_be16(packet, checksum_at, 0);
    write_be16(packet, checksum_at, checksum(packet.first(length)));
}

std::uint16_t checksum(Bytes bytes) {
    std::uint32_t sum = 0; /* 65,535 bytes do not fill it */
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 2)
        sum += read_be16(bytes, at);
    if (bytes.size() % 2 != 0)
        sum += static_cast<std::uint32_t>(bytes.back()) << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

} // namespace faith::slowpath
