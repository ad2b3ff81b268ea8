/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a service says to systemd and hears from it, by libsystemd; systemd.cc alone includes it.
 * The library is opened when systemd is there to talk to: linked, it and the five libraries that
 * it brings were a fifth of what every start of the program cost, and few starts are a service's.
 */
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace faith::systemd {

constexpr int first_descriptor = 3; /* SD_LISTEN_FDS_START */

/* sd_listen_fds(3): how many descriptors were handed over, none without systemd. `keep` leaves
 * the environment as it is, so that whoever asks next finds them, too. */
enum class Environment { Keep, Clear };
Result<int> handed_descriptors(Environment environment);

/* sd_notify(3): type=notify units wait for it. Nothing where nobody waits. */
Status ready();

/* Whether journal() has a library to write with. */
Status has_journal();

/* One entry, with a priority of syslog(3). Nothing where no journal is, as sd_journal_send(3). */
Status journal(int priority, const std::string &ident, std::string_view line);

} // namespace faith::systemd
