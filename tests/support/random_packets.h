/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets from everywhere in the guard's input, the wrong ones more often than nature
 * has them: every reason occurs in a few thousand. */
#pragma once

#include "packet.h"
#include "random.h"

#include <vector>

namespace faith::test {

Bytes random_frame(Random &random, const std::vector<Ip6> &destinations);

} // namespace faith::test
