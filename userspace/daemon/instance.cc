/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/instance.h"

#include "daemon/state.h"
#include "daemon/tunnel.h"
#include "datapath/dataplane.h"
#include "faith/names.h"
#include "sys/netns.h"
#include "sys/rtnl.h"

#include <linux/rtnetlink.h>

#include <cerrno>
#include <functional>

namespace faith::daemon {

namespace {

Status remove_routes() {
    TRY_ASSIGN(const std::vector<sys::Route6> routes, sys::list_routes6());
    for (const sys::Route6 &route : routes)
        if (route.protocol == FGW_ROUTE_PROTOCOL && route.type == RTN_LOCAL)
            TRY(sys::remove_local_route6(route.destination, FGW_ROUTE_PROTOCOL));
    return Ok{};
}

} // namespace

Result<Instance> Instance::here() {
    TRY_ASSIGN(const std::uint64_t inode, sys::netns_inode());
    return Instance{.netns_inode = inode};
}

Result<sys::FileLock> lock_instance(const Instance &instance) {
    /* A gateway that leaves removes the directory, perhaps between our making it and our
     * lock in it: then make it again. */
    for (int attempt = 0; attempt < 100; ++attempt) {
        Status made = sys::make_directories(instance.directory());
        if (!made && made.error().sys_errno == ENOENT)
            continue;
        if (!made && (made.error().sys_errno == EACCES || made.error().sys_errno == EPERM))
            made.error().text += "; this needs root";
        if (!made)
            return std::move(made).error();
        Result<sys::FileLock> lock = sys::FileLock::try_lock(instance.lock());
        if (lock || (lock.error().kind != Errc::Busy && lock.error().sys_errno != ENOENT))
            return lock;
        if (lock.error().kind == Errc::Busy)
            break;
    }
    return Error{.kind = Errc::Busy,
                 .sys_errno = 0,
                 .text = "another faith-gw is loading or unloading here (" + instance.lock() +
                         " is locked); try again when it is done"};
}

bool is_locked(const Instance &instance) {
    if (!sys::file_exists(instance.lock()))
        return false;
    const Result<sys::FileLock> lock = sys::FileLock::try_lock(instance.lock());
    return !lock && lock.error().kind == Errc::Busy;
}

Status remove_everything(const Instance &instance) {
    /* Go on after a failure; the first one is what is told. */
    Status outcome = remove_routes();
    for (const auto &next : {std::function<Status()>(remove_tunnel_routes),
                             std::function<Status()>(remove_devices), std::function<Status()>([&] {
                                 return datapath::remove_dataplane(instance.netns_inode);
                             })})
        if (Status removed = next(); !removed && outcome)
            outcome = std::move(removed);
    return outcome;
}

void remove_instance(const Instance &instance, sys::FileLock lock) {
    /* What cannot be removed here is an empty directory or a dead socket; the next load
     * replaces both, so there is nothing to report. */
    static_cast<void>(sys::remove_file(instance.socket()));
    remove_state(instance);
    lock.remove_and_unlock();
    static_cast<void>(sys::remove_directory(instance.directory()));
    static_cast<void>(sys::remove_directory(run_root));
}

} // namespace faith::daemon
