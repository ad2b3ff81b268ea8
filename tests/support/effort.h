/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How often a random test tries: in emulation a twentieth. There the kernel is what is
 * tested, and the same programs have met all the packets on the machine itself. */
#pragma once

#include <cstdlib>

namespace faith::test {

inline int effort(int times) { return std::getenv("FAITH_VMTEST") == nullptr ? times : times / 20; }

} // namespace faith::test
