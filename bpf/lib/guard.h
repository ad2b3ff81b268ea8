/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The guard: the maps joined with the pure rules of faith.h, the same for every hook. */
#ifndef FGW_LIB_GUARD_H
#define FGW_LIB_GUARD_H

#include "faith.h"
#include "maps.h"
#include "prefix.h"

/* What a guard saw of a packet; `tcp` only with FGW_PASS_TCP. */
struct guarded {
	struct ip6_header header;
	struct fgw_prefix_val prefix; /* that the destination is in */
	struct faith_tcp tcp;
};

/* Whether the IPv6 packet at the cursor is to a prefix: FGW_PASS_TCP so far, the cursor behind
 * its fixed header; else why it is not, or why nothing may reach it. */
static __always_inline enum fgw_reason guard_destination(struct cursor *cursor,
							 struct guarded *seen)
{
	const struct fgw_config *config;

	if (!ip6_parse(cursor, &seen->header))
		return FGW_PASS_SHORT;
	switch (prefix_match(seen->header.destination, &seen->prefix)) {
	case PREFIX_NONE:
		return FGW_PASS_NOT_PREFIX;
	case PREFIX_EXEMPT:
		return FGW_PASS_EXEMPT;
	case PREFIX_CAPTURE:
		break;
	}
	config = config_get();
	if (!config || !config->keepfaith)
		return FGW_DROP_KEEPFAITH_OFF;
	return FGW_PASS_TCP;
}

/* Judge the IPv6 packet at the cursor. */
static __always_inline enum fgw_reason guard_ip6(struct cursor *cursor, struct guarded *seen)
{
	enum fgw_reason reason = guard_destination(cursor, seen);

	return reason == FGW_PASS_TCP ? faith_guard(cursor, &seen->header, &seen->tcp) : reason;
}

#endif
