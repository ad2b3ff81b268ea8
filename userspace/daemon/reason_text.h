/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The reasons of faith/reasons.h by number, for people and for scripts. Pure. */
#pragma once

#include <cstdint>

namespace faith::daemon {

const char *reason_name(std::uint32_t reason);     /* "ACL_DENY" */
const char *reason_sentence(std::uint32_t reason); /* "denied by a rule" */

} // namespace faith::daemon
