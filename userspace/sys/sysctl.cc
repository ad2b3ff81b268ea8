/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/sysctl.h"

#include "sys/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace faith::sys {

Status set_interface_sysctl(Family family, const std::string &interface, const std::string &key,
                            int value) {
    const std::string path = std::string("/proc/sys/net/") +
                             (family == Family::Ip4 ? "ipv4" : "ipv6") + "/conf/" + interface +
                             "/" + key;
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file)
        return system_error(errno, "open " + path);
    const std::string text = std::to_string(value) + "\n";
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_error(errno, "write " + path);
    return Ok{};
}

} // namespace faith::sys
