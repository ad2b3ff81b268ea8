/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The IPv4 header as bytes, for packets that the kernel hands over: what the slow path reads
 * of it, and the checksum (RFC 1071). Pure.
 */
#pragma once

#include "base/addr.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace faith::slowpath {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t shortest_header4 = 20;

struct Header4 {
    std::size_t length = 0; /* with options */
    std::size_t total = 0;  /* of the packet, as it says */
    std::uint8_t service = 0;
    std::uint16_t identification = 0;
    std::size_t offset = 0; /* of a fragment's payload in the packet's, in bytes */
    bool more = false;      /* fragments follow */
    std::uint8_t protocol = 0;
    Ip4 source;
    Ip4 destination;
};

/* Nothing when it is no header, or when it is cut. The payload may be: a quoted packet's is. */
std::optional<Header4> read_header4(Bytes packet);

/* The whole packet to be one, of its own length: lengths and fragment fields written anew. */
void write_whole4(std::span<std::uint8_t> packet, std::uint8_t service);

std::uint16_t read_be16(Bytes bytes, std::size_t at);
void write_be16(std::span<std::uint8_t> bytes, std::size_t at, std::uint16_t value);

/* What a checksum field holds for these bytes, or 0 if they hold the right one. */
std::uint16_t checksum(Bytes bytes);

} // namespace faith::slowpath
