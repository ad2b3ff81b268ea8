/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules in force. A run of a program reads the generation once and walks one table, so
 * it sees the rules of one generation whatever is being written meanwhile
 * (userspace/datapath/acl_publisher.h has the writer's side).
 */
#ifndef FGW_LIB_ACL_H
#define FGW_LIB_ACL_H

#include "acl_walk.h"
#include "maps.h"

static __always_inline const union fgw_acl_block *acl_block(const void *table, __u32 index)
{
	return bpf_map_lookup_elem((void *)table, &index);
}

static __always_inline __u64 acl_word(const __u8 *bytes)
{
	__u64 word;

	fgw_copy(&word, bytes, sizeof(word));
	return be64_to_host(word);
}

/* The verdict word, and the generation that gave it. Without a table everything is denied. */
static __always_inline __u32 acl_ask(const __u8 *source, const __u8 *target, __u16 port,
				     __u32 *generation)
{
	const struct acl_key key = {
		.source = {acl_word(source), acl_word(source + 8)},
		.target_port = (__u64)target[0] << 56 | (__u64)target[1] << 48 |
			       (__u64)target[2] << 40 | (__u64)target[3] << 32 | (__u64)port << 16,
	};
	const __u32 *in_force;
	const void *table;
	__u32 zero = 0;
	__u32 slot;

	in_force = bpf_map_lookup_elem(&fgw_acl_gen, &zero);
	if (!in_force)
		return FGW_VERDICT_NO_RULE;
	*generation = *in_force;
	slot = *generation & 1;
	table = bpf_map_lookup_elem(&fgw_acl_tables, &slot);
	return table ? acl_walk(table, &key) : FGW_VERDICT_NO_RULE;
}

static __always_inline void acl_count_hit(__u32 verdict)
{
	__u32 stripe = bpf_get_smp_processor_id() % FGW_HIT_STRIPES;
	__u32 index = stripe * FGW_ACL_SLOTS + (verdict & FGW_VERDICT_SLOT);
	struct fgw_count *count = bpf_map_lookup_elem(&fgw_hits, &index);

	if (count) /* not for FGW_VERDICT_NO_RULE */
		__sync_fetch_and_add(&count->packets, 1);
}

#endif
