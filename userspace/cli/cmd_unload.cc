/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * unload: the daemon takes everything away itself; what a dead or stuck one left is
 * taken away here, by the same function.
 */
#include "cli/commands.h"

#include "daemon/control.h"
#include "daemon/instance.h"
#include "sys/process.h"

#include <cstdio>

namespace faith::cli {

namespace {

constexpr sys::Millis unload_patience{20'000};

int sweep(const daemon::Instance &instance) {
    Result<sys::FileLock> lock = daemon::lock_instance(instance);
    if (!lock)
        return fail(lock.error());
    const Status removed = daemon::remove_everything(instance);
    daemon::remove_instance(instance, *std::move(lock));
    return removed ? 0 : fail(removed.error());
}

int unload_some(const daemon::Instance &instance, const std::vector<std::string> &interfaces) {
    const Result<daemon::Answer> answer = daemon::ask_daemon(
        instance.socket(), {{"do", "unload-interfaces"}, {"interfaces", interfaces}},
        unload_patience);
    if (!answer && answer.error().kind == Errc::NotLoaded && answer.error().sys_errno != 0)
        return fail(Error{.kind = Errc::NotLoaded,
                          .sys_errno = 0,
                          .text = "no daemon runs here; faith-gw unload, without an interface, "
                                  "takes away whatever one left"});
    if (!answer)
        return fail(answer.error());
    if (answer->value.value("left", 1) == 0)
        return cmd_unload({}); // the last interface: leave nothing behind
    return 0;
}

/* A daemon that does not answer in time is stopped or stuck: it cannot undo anything
 * any more, and while it lives its descriptors keep the programs attached. */
int unload_stuck(const daemon::Instance &instance, int pid) {
    std::fprintf(stderr, "faith-gw: the daemon (process %d) does not answer: ending it\n", pid);
    if (const Status ended = sys::end_process(pid, sys::Millis(5000)); !ended)
        return fail(ended.error());
    return sweep(instance);
}

} // namespace

int cmd_unload(const std::vector<std::string> &interfaces) {
    const Result<daemon::Instance> instance = daemon::Instance::here();
    if (!instance)
        return fail(instance.error());
    if (!interfaces.empty())
        return unload_some(*instance, interfaces);
    const int pid = daemon::daemon_pid(instance->socket());
    const Result<daemon::Answer> answer =
        daemon::ask_daemon(instance->socket(), {{"do", "unload"}}, unload_patience);
    if (!answer && answer.error().kind == Errc::NotLoaded)
        return sweep(*instance);
    if (!answer && answer.error().kind == Errc::Busy && pid != 0)
        return unload_stuck(*instance, pid);
    if (!answer)
        return fail(answer.error());
    /* "Leave no process behind": the answer comes a moment before the exit. */
    if (const Status gone = sys::wait_for_exit(answer->pid, sys::Millis(5000)); !gone)
        return fail(gone.error());
    return 0;
}

} // namespace faith::cli
