/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules of tunnels once more, slow and obvious: addresses are strings of '0' and '1',
 * lists are text. Shares no line with bpf/lib/stf.h, which is compared with it.
 */
#pragma once

#include "base/addr.h"

#include "faith/abi.h"
#include "faith/reasons.h"

#include <set>

namespace faith::test {

struct StfWorld {
    fgw_stf stf{};
    std::set<Ip4> broadcast;
    std::set<Ip4> own;
    std::set<Ip4> sites; /* own, and with a 6to4 site */
};

/* One packet of a tunnel: outer and inner addresses. */
struct StfAddresses {
    Ip4 source4;
    Ip4 destination4;
    Ip6 source6;
    Ip6 destination6;
};

fgw_reason stf_oracle_in(const StfWorld &world, const StfAddresses &packet);
fgw_reason stf_oracle_out(const StfWorld &world, const StfAddresses &packet);
bool stf_oracle_is_peer(const StfWorld &world, Ip4 source);
/* 0.0.0.0: there is none. */
Ip4 stf_oracle_next_hop(const StfWorld &world, const Ip6 &address);

/* 6to4 at 192.0.2.1, and a 6rd site at 10.1.2.3 of 2001:db8::/32 with 8 shared bits whose
 * border relay is 10.9.9.9, as an operator without further wishes gets them. */
fgw_stf stf_of_6to4();
fgw_stf stf_of_6rd();

} // namespace faith::test
