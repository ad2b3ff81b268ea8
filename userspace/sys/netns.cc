/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/netns.h"

#include <sys/stat.h>

#include <cerrno>

namespace faith::sys {

Result<std::uint64_t> netns_inode() {
    struct stat info{};
    if (::stat("/proc/thread-self/ns/net", &info) != 0)
        return system_error(errno, "find the network namespace (/proc not mounted?)");
    return static_cast<std::uint64_t>(info.st_ino);
}

} // namespace faith::sys
