/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A test run at TC can carry no mark in front of the frame: that a marked one moves to stf0
 * is shown by tests/netns/stf_test.py. */
#include "stf.h"

#include <linux/pkt_cls.h>

using namespace faith;
using namespace faith::test;

TEST_CASE("tc_decap: what XDP did not mark is left alone, and not counted") {
    const Loaded loaded{{FGW_PROG_DECAP}};
    for (const Bytes &frame :
         {Packet().eth().ip6().tcp().bytes(), Packet().eth().ip4().bytes(), Bytes(14)}) {
        const StfRun run = run_stf(loaded, loaded.object().decap_program(), frame);
        CHECK(run.counted == "");
        CHECK(static_cast<int>(run.verdict) == TC_ACT_UNSPEC);
        CHECK(difference(frame, run.output) == "");
    }
}
