/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shows a packet of a tunnel that user space has put together to the XDP program, as if it had
 * come whole: the same checks, counted under the same reasons. By a test run, which takes up to
 * 64 KiB, asks the routing tables of this network namespace, and sends nothing.
 */
#pragma once

#include "base/result.h"
#include "faith/abi.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace faith::datapath {

/* What came out of the tunnel, and where it is to be sent to come in on the tunnel's device. */
struct TakenOut {
    std::uint32_t peer = 0;
    std::vector<std::uint8_t> frame;
};

/* `packet` begins with its IPv4 header. Nothing: it was refused, and that was counted. */
Result<std::optional<TakenOut>> second_look(int xdp_program, std::uint32_t interface_index,
                                            std::span<const std::uint8_t> packet);

} // namespace faith::datapath
