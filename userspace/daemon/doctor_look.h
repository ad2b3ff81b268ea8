/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The eyes of the doctor: everything that diagnose() judges, changing nothing. */
#pragma once

#include "daemon/doctor.h"
#include "daemon/plan.h"

namespace faith::daemon {

struct LookOptions {
    Options options; /* of a gateway that is not loaded yet; a loaded one knows its own */
    bool ask_dns = true;
};

/* Invalid when it is not loaded and its files have a mistake. */
Result<Snapshot> look(const LookOptions &options);

} // namespace faith::daemon
