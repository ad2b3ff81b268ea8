/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Switches of an interface under /proc/sys/net, in the network namespace of the process. */
#pragma once

#include "base/result.h"

#include <string>

namespace faith::sys {

enum class Family { Ip4, Ip6 };

/* net.ipv6.conf.stf0.forwarding = 1, for instance. */
Status set_interface_sysctl(Family family, const std::string &interface, const std::string &key,
                            int value);

Result<int> interface_sysctl(Family family, const std::string &interface, const std::string &key);

} // namespace faith::sys
