/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a driver says of itself (ethtool(8) -i). */
#pragma once

#include <string>

namespace faith::sys {

/* "veth", "ixgbe", ...; "" for an interface that has no such answer, as lo. */
std::string driver_of(const std::string &interface_name);

} // namespace faith::sys
