/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The first packet of a connection at a guard: decided here, where refusing it is
 * cheapest. What a guard cannot answer itself it passes to the stack, where sk_lookup
 * comes to the same decision and the kernel resets the client.
 */
#ifndef FGW_LIB_ADMIT_H
#define FGW_LIB_ADMIT_H

#include "decide.h"
#include "event.h"
#include "guard.h"

struct admission {
	__u32 hook; /* enum fgw_hook */
	__u32 interface_index;
	__u32 answers; /* 1: the guard can send something back */
	__u32 probing; /* 1: decide, and leave no trace */
};

static __always_inline struct attempt admit_attempt(const struct guarded *seen)
{
	struct attempt attempt = {
		.source_port = be16_to_host(seen->tcp.header.source_port),
		.destination_port = be16_to_host(seen->tcp.header.destination_port),
		.prefix = seen->prefix,
	};

	fgw_copy(attempt.source, seen->header.source, sizeof(attempt.source));
	fgw_copy(attempt.destination, seen->header.destination, sizeof(attempt.destination));
	return attempt;
}

static __always_inline bool admit_leaves_to_stack(const struct admission *admission,
						  enum fgw_reason reason,
						  const struct fgw_config *config)
{
	/* Over the rate, silence: the client tries again by itself. And nobody answers a
	 * fragment: who needs to send SYNs in fragments wants something else. */
	return !admission->answers && reason != FGW_RATE_LIMIT && config->deny != FGW_DENY_SILENT;
}

/* What follows from the decision (fgw_decide): FGW_PASS_TCP, or why it must not pass. */
FGW_SUBPROGRAM int fgw_admit(const struct attempt *attempt, struct decision *decision,
			     const struct admission *admission)
{
	const struct fgw_config *config = config_get();

	if (!config || !attempt || !decision || !admission)
		return FGW_ACL_NO_MATCH;
	if (admission->probing)
		return decision->reason == FGW_ACL_PERMIT ? FGW_PASS_TCP : (int)decision->reason;
	if (decision->reason == FGW_ACL_PERMIT)
		decision->reason = decide_rate(attempt, decision->verdict, config);
	if (decision->reason == FGW_ACL_PERMIT ||
	    admit_leaves_to_stack(admission, decision->reason, config))
		return FGW_PASS_TCP;
	if (decision->reason == FGW_ACL_DENY)
		acl_count_hit(decision->verdict);
	event_tell(attempt, decision, (enum fgw_hook)admission->hook, admission->interface_index);
	return (int)decision->reason;
}

/* Both steps in a row: one in the other would need more stack than there is. */
static __always_inline enum fgw_reason
admit(const struct guarded *seen, const struct admission *admission, struct decision *decision)
{
	const struct attempt attempt = admit_attempt(seen);

	fgw_decide(&attempt, decision);
	return (enum fgw_reason)fgw_admit(&attempt, decision, admission);
}

#endif
