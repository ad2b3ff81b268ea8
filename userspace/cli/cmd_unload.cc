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
#include <thread>

namespace faith::cli {

namespace {

constexpr sys::Millis unload_patience{20'000};
constexpr sys::Millis lock_patience{10'000}; /* for a daemon on its way out, or in */

Status sweep(const daemon::Instance &instance) {
    TRY_ASSIGN(sys::FileLock lock, daemon::lock_instance(instance));
    Status removed = daemon::remove_everything(instance);
    daemon::remove_instance(instance, std::move(lock));
    return removed;
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
Status end_stuck(int pid) {
    std::fprintf(stderr, "faith-gw: the daemon (process %d) does not answer: ending it\n", pid);
    return sys::end_process(pid, sys::Millis(5000));
}

/* One attempt; Busy when somebody else holds the lock and nobody answers, as between a
 * daemon's last word and its end. */
Status unload_once(const daemon::Instance &instance) {
    const int pid = daemon::daemon_pid(instance.socket());
    const Result<daemon::Answer> answer =
        daemon::ask_daemon(instance.socket(), {{"do", "unload"}}, unload_patience);
    if (answer) /* "leave no process behind": the answer comes a moment before the exit */
        return sys::wait_for_exit(answer->pid, sys::Millis(5000));
    if (answer.error().kind == Errc::Busy && pid != 0)
        TRY(end_stuck(pid));
    else if (answer.error().kind != Errc::NotLoaded)
        return answer.error();
    return sweep(instance);
}

} // namespace

int cmd_unload(const std::vector<std::string> &interfaces) {
    const Result<daemon::Instance> instance = daemon::Instance::here();
    if (!instance)
        return fail(instance.error());
    if (!interfaces.empty())
        return unload_some(*instance, interfaces);
    const sys::MonotonicClock clock;
    const sys::Millis deadline = clock.now() + lock_patience;
    Status done = unload_once(*instance);
    while (!done && done.error().kind == Errc::Busy && clock.now() < deadline) {
        std::this_thread::sleep_for(sys::Millis(20));
        done = unload_once(*instance);
    }
    return done ? 0 : fail(done.error());
}

} // namespace faith::cli
