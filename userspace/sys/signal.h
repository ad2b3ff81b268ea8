/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <csignal>

namespace faith::sys {

/*
 * Blocks every signal of the calling thread for its lifetime. Threads started
 * meanwhile inherit the mask: that is how the relay's workers never see a signal,
 * SIGPIPE of a splice into a reset socket included, and a process's own signals reach
 * the thread that waits for them.
 */
class SignalsBlocked {
public:
    SignalsBlocked();
    ~SignalsBlocked();
    SignalsBlocked(const SignalsBlocked &) = delete;
    SignalsBlocked &operator=(const SignalsBlocked &) = delete;

private:
    sigset_t before_;
};

} // namespace faith::sys
