/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The single exit of every program: count the reason, turn it into the hook's verdict.
 * So each run counts exactly one reason, and no parser knows a verdict.
 */
#ifndef FGW_LIB_FINISH_H
#define FGW_LIB_FINISH_H

#include "maps.h"
#include <linux/pkt_cls.h>

static __always_inline void reason_count(enum fgw_reason reason)
{
	__u32 key = reason;
	struct fgw_count *count = bpf_map_lookup_elem(&fgw_reasons, &key);

	if (count)
		count->packets++; /* this CPU's own: no two runs of a hook overlap on one */
}

static __always_inline bool reason_drops(enum fgw_reason reason)
{
	if (reason >= FGW_FIRST_STF)
		return reason >= FGW_FIRST_STF_DROP;
	return reason >= FGW_FIRST_DROP;
}

static __always_inline int xdp_verdict(enum fgw_reason reason)
{
	return reason_drops(reason) ? XDP_DROP : XDP_PASS;
}

static __always_inline int tc_finish(enum fgw_reason reason)
{
	reason_count(reason);
	/* UNSPEC, not OK: OK would end the chain for other people's filters behind ours. */
	return reason_drops(reason) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

#endif
