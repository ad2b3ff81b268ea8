/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * inetd mode (D60-D62): one connection, accepted by inetd, xinetd or systemd. To an address of
 * the gateway's own it belongs to the local daemon, which takes over this process; to any
 * other it is translated here, by the rules of the gateway that is loaded, and the process
 * ends with it.
 */
#pragma once

#include "config/config.h"
#include "daemon/plan.h"
#include "sys/fd.h"

#include <optional>
#include <span>
#include <string>

namespace faith::daemon {

/* The words of inetd.conf after our own path (D60): the first names the local daemon, by its
 * path or by its name in one of these directories. It gets its path as argv[0], and the other
 * words. */
inline constexpr const char *local_directories[] = {"/usr/libexec/", "/usr/sbin/"};
config::Local inetd_local(std::span<const std::string> words);

struct InetdJob {
    /* Unset: those of the gateway that is loaded here; when there is none, the default files. */
    std::optional<Options> options;
    std::optional<config::Local> local;
};

/* Returns when it is over; does not return once the local daemon has taken over. An error is
 * also that it was refused. */
Status serve_inetd(const InetdJob &job, sys::UniqueFd connection);

} // namespace faith::daemon
