/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/ethtool.h"

#include "sys/fd.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

namespace faith::sys {

std::string driver_of(const std::string &interface_name) {
    const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    if (interface_name.size() >= sizeof request.ifr_name)
        return {};
    std::memcpy(request.ifr_name, interface_name.data(), interface_name.size());
    request.ifr_data = reinterpret_cast<char *>(&info);
    if (!any || ::ioctl(any.get(), SIOCETHTOOL, &request) != 0)
        return {};
    info.driver[sizeof info.driver - 1] = '\0';
    return info.driver;
}

} // namespace faith::sys
