/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The reader's end of fgw_events: what the programs told since somebody last looked. The
 * kernel keeps one read position for the map, not one for each reader, so the daemon reads
 * it; a command does only where no daemon runs.
 */
#pragma once

#include "datapath/ring.h"
#include "faith/abi.h"

#include <functional>

namespace faith::datapath {

/* `ring` is the descriptor of the map; it is not kept. */
Result<Ring> open_event_ring(int ring, std::function<void(const fgw_event &)> told);

} // namespace faith::datapath
