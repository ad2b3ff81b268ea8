/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/sysctl.h"

#include "sys/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace faith::sys {

namespace {

std::string path_of(Family family, const std::string &interface, const std::string &key) {
    return std::string("/proc/sys/net/") + (family == Family::Ip4 ? "ipv4" : "ipv6") + "/conf/" +
           interface + "/" + key;
}

} // namespace

Status set_interface_sysctl(Family family, const std::string &interface, const std::string &key,
                            int value) {
    const std::string path = path_of(family, interface, key);
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file)
        return system_error(errno, "open " + path);
    const std::string text = std::to_string(value) + "\n";
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_error(errno, "write " + path);
    return Ok{};
}

Result<int> interface_sysctl(Family family, const std::string &interface, const std::string &key) {
    const std::string path = path_of(family, interface, key);
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char text[16];
    const ssize_t length = file ? ::read(file.get(), text, sizeof text) : -1;
    if (length < 0)
        return system_error(errno, "read " + path);
    int value = 0;
    if (std::from_chars(text, text + length, value).ec != std::errc())
        return invalid(path + " holds no number");
    return value;
}

} // namespace faith::sys
