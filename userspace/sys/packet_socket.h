/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets of our own making, past what the kernel would send by itself. No socket here receives
 * anything, and none waits. */
#pragma once

#include "base/addr.h"
#include "base/result.h"
#include "sys/fd.h"

#include <cstdint>
#include <span>

namespace faith::sys {

/* Frames, whole, out of any interface (packet(7)). */
Result<UniqueFd> open_frame_sender();
/* ENXIO or ENETDOWN: the interface is gone or down; EMSGSIZE: longer than its MTU. */
Status send_frame(int fd, std::uint32_t interface_index, std::span<const std::uint8_t> frame);

/* ICMPv6 messages; the kernel finds route and source address, and adds the checksum. */
Result<UniqueFd> open_icmp6_sender();
Status send_icmp6(int fd, const Ip6 &to, std::span<const std::uint8_t> message);

} // namespace faith::sys
