/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/signal.h"

#include <pthread.h>

namespace faith::sys {

SignalsBlocked::SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsBlocked::~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

} // namespace faith::sys
