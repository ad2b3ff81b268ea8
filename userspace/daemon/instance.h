/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One gateway per network namespace: where its lock and its control socket are. The
 * lock is held for the daemon's whole life, so whoever gets it knows that nobody else
 * owns what is in the kernel, and may take it away.
 */
#pragma once

#include "base/result.h"
#include "sys/file.h"

#include <cstdint>
#include <string>

namespace faith::daemon {

inline constexpr const char *run_root = "/run/faith-gw";

struct Instance {
    std::uint64_t netns_inode = 0;

    static Result<Instance> here(); /* of the calling thread's namespace */
    std::string directory() const {
        return std::string(run_root) + "/" + std::to_string(netns_inode);
    }
    std::string socket() const { return directory() + "/control.sock"; }
    std::string lock() const { return directory() + "/lock"; }
};

/* Busy, with a sentence, when another process holds it. Makes the directory. */
Result<sys::FileLock> lock_instance(const Instance &instance);

/* Whether a daemon lives here, or is coming up or going down. */
bool is_locked(const Instance &instance);

/* Takes away everything of ours in this namespace: routes first, so that nothing new is
 * captured while the rest goes. The caller holds the lock. Goes on after a failure and
 * returns the first one. */
Status remove_everything(const Instance &instance);

/* Removes lock, socket and directory; nothing of the gateway is left after it. */
void remove_instance(const Instance &instance, sys::FileLock lock);

} // namespace faith::daemon
