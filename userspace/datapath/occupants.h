/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose programs are where ours would be. Only looks. */
#pragma once

#include "base/result.h"
#include "datapath/link.h"

#include <cstdint>
#include <string>
#include <vector>

namespace faith::datapath {

/* The program on an interface, whatever its mode; id 0 if there is none. */
struct XdpOccupant {
    std::uint32_t id = 0;
    XdpMode mode = XdpMode::Native;
    std::string name; /* "" for who may not ask */
};
Result<XdpOccupant> find_occupant(std::uint32_t interface_index);

/* Names of the sk_lookup programs in the network namespace of the calling thread, ours
 * included. */
Result<std::vector<std::string>> sk_lookup_programs(std::uint64_t netns_inode);

} // namespace faith::datapath
