/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a connection to a prefix may be: the one judgement, the same in the guards, which
 * see its first packet, and in sk_lookup, which no packet gets around.
 *
 *   target_extract  which IPv4 address is meant               BAD_EMBEDDING
 *   source_allowed  nobody poses as what no client is         CLIENT_NOT_IP6, BAD_SOURCE
 *   target_allowed  what no rule opens                        NEVER_TARGET, OWN_TARGET, NOT_GLOBAL
 *   acl_ask         first match of the rules                  ACL_DENY, ACL_NO_MATCH
 *   fgw_full        sessions of this /64                      SOURCE_LIMIT
 *
 * userspace/daemon/policy.cc judges in the same order.
 */
#ifndef FGW_LIB_DECIDE_H
#define FGW_LIB_DECIDE_H

#include "acl.h"
#include "prefix.h"
#include "rate.h"
#include "target.h"

struct attempt {
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port; /* host byte order, as the other */
	__u16 destination_port;
	struct fgw_prefix_val prefix; /* of the destination */
};

struct decision {
	enum fgw_reason reason; /* FGW_ACL_PERMIT, or why not */
	__u32 verdict;
	__u32 generation;
	__u8 target[4];
};

static __always_inline const struct fgw_target_val *target_find(const __u8 *address)
{
	struct fgw_target_key key = {.prefix_len = 32};

	fgw_copy(key.addr, address, sizeof(key.addr));
	return bpf_map_lookup_elem(&fgw_targets, &key);
}

static __always_inline enum fgw_reason source_allowed(const __u8 *source)
{
	const struct fgw_target_val *embedded;
	struct fgw_prefix_val ignored;
	__u64 first;
	__u32 third;

	fgw_copy(&first, source, sizeof(first));
	fgw_copy(&third, source + 8, sizeof(third));
	if (!first && third == host_to_be32(0x0000ffff)) /* ::ffff:0:0/96 (D12) */
		return FGW_CLIENT_NOT_IP6;
	/* A client that is itself an IPv4 host in disguise: a connection would go round. */
	if (prefix_match(source, &ignored) == PREFIX_CAPTURE)
		return FGW_BAD_SOURCE;
	/* 6to4 (RFC 3964 5.3.1): 2002:7f00:1:: is no site. */
	if (source[0] == 0x20 && source[1] == 0x02) {
		embedded = target_find(source + 2);
		if (embedded && embedded->never)
			return FGW_BAD_SOURCE;
	}
	return FGW_ACL_PERMIT;
}

static __always_inline enum fgw_reason target_allowed(const __u8 *target,
						      const struct fgw_prefix_val *prefix)
{
	const struct fgw_target_val *found = target_find(target);

	if (!found)
		return FGW_ACL_PERMIT;
	if (found->never)
		return FGW_NEVER_TARGET;
	if (found->own)
		return FGW_OWN_TARGET;
	return found->not_global && prefix->global_only ? FGW_NOT_GLOBAL : FGW_ACL_PERMIT;
}

static __always_inline bool source_is_full(const __u8 *source)
{
	struct fgw_source_key key;

	fgw_copy(key.source, source, sizeof(key.source));
	return bpf_map_lookup_elem(&fgw_full, &key);
}

static __always_inline enum fgw_reason decide_by_rules(const struct attempt *attempt,
						       struct decision *decision)
{
	decision->verdict = acl_ask(attempt->source, decision->target, attempt->destination_port,
				    &decision->generation);
	if (decision->verdict == FGW_VERDICT_NO_RULE)
		return FGW_ACL_NO_MATCH;
	if (!(decision->verdict & FGW_VERDICT_PERMIT))
		return FGW_ACL_DENY;
	return source_is_full(attempt->source) ? FGW_SOURCE_LIMIT : FGW_ACL_PERMIT;
}

/* Returns the reason, too. */
FGW_SUBPROGRAM int fgw_decide(const struct attempt *attempt, struct decision *decision)
{
	if (!attempt || !decision)
		return FGW_ACL_NO_MATCH;
	*decision = (struct decision){.verdict = FGW_VERDICT_NO_RULE};
	if (!target_extract(&attempt->prefix, attempt->destination, decision->target))
		return decision->reason = FGW_BAD_EMBEDDING;
	decision->reason = source_allowed(attempt->source);
	if (decision->reason == FGW_ACL_PERMIT)
		decision->reason = target_allowed(decision->target, &attempt->prefix);
	if (decision->reason == FGW_ACL_PERMIT)
		decision->reason = decide_by_rules(attempt, decision);
	return (int)decision->reason;
}

/* The limits in connections per second: only for one that is permitted, only once, because
 * asking takes from the bucket. */
static __always_inline enum fgw_reason decide_rate(const struct attempt *attempt, __u32 verdict,
						   const struct fgw_config *config)
{
	__u32 slot = verdict & FGW_VERDICT_SLOT;
	const struct fgw_rule *rule;

	if (verdict & FGW_VERDICT_LIMIT) {
		rule = bpf_map_lookup_elem(&fgw_acl, &slot);
		if (rule && rule->limit_per_second &&
		    !rate_allows(attempt->source, slot, rule->limit_per_second))
			return FGW_RATE_LIMIT;
	}
	if (config->source_rate &&
	    !rate_allows(attempt->source, FGW_RATE_SOURCE, config->source_rate))
		return FGW_RATE_LIMIT;
	return FGW_ACL_PERMIT;
}

#endif
