/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What becomes of a whole frame at a tunnel, written down from the RFCs: takes it apart first,
 * judges afterwards, puts together what comes out. Shares no line with bpf/lib.
 */
#pragma once

#include "packet.h"
#include "stf_oracle.h"

namespace faith::test {

struct StfOutcome {
    fgw_reason reason = FGW_PASS_NOT_IP6;
    Bytes frame; /* that leaves the tunnel or enters it; else the one that came, unchanged */
    bool operator==(const StfOutcome &) const = default;
};

/* No routing table refuses anything here: neither ingress filter nor loops. */
StfOutcome stf_oracle_frame_in(const StfWorld &world, const Bytes &frame);
/* Without a route that knows a next hop. `number`: of the outer header. */
StfOutcome stf_oracle_frame_out(const StfWorld &world, const Bytes &frame, std::uint16_t number);

} // namespace faith::test
