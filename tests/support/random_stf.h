/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random tunnels, and packets for them. Plain random addresses would hardly ever get past the
 * first check, so most are taken from a pool of those that mean something to the tunnel;
 * and most frames are good ones that something was changed of.
 */
#pragma once

#include "packet.h"
#include "random.h"
#include "stf_cases.h"

namespace faith::test {

StfWorld random_world(Random &random);
Prefix6 shared_of(const fgw_stf &stf); /* by all sites */
StfAddresses random_addresses(Random &random, const StfWorld &world);

/* A tunnel with all that it can be configured to do besides; it mostly takes packets in. */
StfWorld random_tunnel(Random &random);
/* A whole frame that goes its way in or out of the tunnel, mostly a good one. */
Bytes random_stf_frame(Random &random, const StfWorld &world, StfWay way);
/* What was changed of it: nothing, bits, bytes, addresses, lengths, options, the end. So each
 * check sees what it must refuse, and what it may only just let pass. */
Bytes mutated(Random &random, const StfWorld &world, StfWay way, Bytes frame);

} // namespace faith::test
