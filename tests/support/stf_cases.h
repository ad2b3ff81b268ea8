/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets of a 6to4 tunnel at 192.0.2.1, as addresses: the good one, and one with each entry
 * of the lists of bad addresses in each of the four places.
 */
#pragma once

#include "stf_oracle.h"

#include <string>
#include <vector>

namespace faith::test {

enum class StfWay { In, Out };

struct StfCase {
    std::string name;
    StfAddresses addresses;
    fgw_reason reason;
};

Ip6 six_to_four(Ip4 site); /* the first host of a site */
Ip6 six_to_four(const char *site);

/* Between 198.51.100.1 and us, their 6to4 sites inside. */
StfAddresses stf_good(StfWay way);
/* RFC 3964 5.3.1 and 5.3.2, S16, S17: both ends of each range, one broadcast of ours. */
std::vector<StfCase> stf_bad(StfWay way);
/* Us, with 203.0.113.255 as a broadcast address and 203.0.113.9 as another one of ours. */
StfWorld stf_world();

} // namespace faith::test
