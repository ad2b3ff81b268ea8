/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules, asked: a walk down the trie of faith/abi.h, at most one step for each byte of
 * source, target and port, however many rules there are. Pure: who includes it says where
 * the blocks of a table are.
 */
#ifndef FGW_LIB_ACL_WALK_H
#define FGW_LIB_ACL_WALK_H

#include "compiler.h"
#include <faith/abi.h>

/* The block of a table; null when it has fewer. */
static const union fgw_acl_block *acl_block(const void *table, __u32 index);

/* In host byte order, so that the first byte of an address is the highest of its word. */
struct acl_key {
	__u64 source[2];
	__u64 target_port; /* 32 bits of target, 16 of port, 16 of nothing */
};

static __always_inline __u32 acl_count_bits(__u64 word)
{
	word -= (word >> 1) & 0x5555555555555555ull;
	word = (word & 0x3333333333333333ull) + ((word >> 2) & 0x3333333333333333ull);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (__u32)((word * 0x0101010101010101ull) >> 56);
}

/* All ones in the first `bytes` of a word, of at most seven. */
static __always_inline __u64 acl_front(__u32 bytes)
{
	return ~(~0ull >> (8 * bytes));
}

/* Whether the bytes before the deciding one are the node's; that one comes out too. */
static __always_inline bool acl_reaches(const struct fgw_acl_node *node, const struct acl_key *key,
					__u32 *byte)
{
	__u32 depth = node->depth;
	__u64 first = key->source[0];

	if (depth >= FGW_ACL_PORT_AT) {
		depth = (depth - FGW_ACL_PORT_AT) & 1;
		first = key->target_port << 32;
	} else if (depth >= FGW_ACL_TARGET_AT) {
		depth = (depth - FGW_ACL_TARGET_AT) & 3;
		first = key->target_port;
	} else if (depth >= 8) {
		depth &= 7;
		*byte = (__u32)(key->source[1] >> (56 - 8 * depth)) & 0xff;
		return first == node->prefix[0] &&
		       ((key->source[1] ^ node->prefix[1]) & acl_front(depth)) == 0;
	}
	*byte = (__u32)(first >> (56 - 8 * depth)) & 0xff;
	return ((first ^ node->prefix[0]) & acl_front(depth)) == 0;
}

/* The runs that begin at the byte or before. There is one at least, the first begins at 0. */
static __always_inline __u32 acl_runs_wide(const struct fgw_acl_node *node, __u32 byte)
{
	__u32 word = byte >> 6;

	return (__u32)(node->ranks >> (8 * word) & 0xff) +
	       acl_count_bits(node->starts[word] & (~0ull >> (63 - (byte & 63))));
}

/* The same, eight beginnings compared at once, every other one in a lane of 16 bits: its
 * ninth bit says "not above". */
static __always_inline __u32 acl_runs_narrow(const struct fgw_acl_node *node, __u32 byte)
{
	const __u64 lanes = 0x0001000100010001ull;
	__u64 reached = byte * lanes | lanes << 8;
	__u64 even = node->firsts & (lanes * 0xff);
	__u64 odd = (node->firsts >> 8) & (lanes * 0xff);
	__u64 count = ((reached - even) >> 8 & lanes) + ((reached - odd) >> 8 & lanes);

	return (__u32)((count * lanes) >> 48);
}

static __always_inline __u32 acl_step(const void *table, __u32 value, const struct acl_key *key)
{
	__u32 at = value & ~FGW_ACL_NODE;
	const union fgw_acl_block *block = acl_block(table, at);
	__u32 byte;
	__u32 run;

	if (!block)
		return FGW_VERDICT_NO_RULE;
	if (!acl_reaches(&block->node, key, &byte))
		return block->node.miss;
	if (block->node.narrow) {
		run = acl_runs_narrow(&block->node, byte) - 1;
		return block->node.values[run % FGW_ACL_NARROW_RUNS];
	}
	run = acl_runs_wide(&block->node, byte) - 1;
	block = acl_block(table, at + 1 + run / FGW_ACL_BLOCK_VALUES);
	return block ? block->values[run % FGW_ACL_BLOCK_VALUES] : FGW_VERDICT_NO_RULE;
}

/* The verdict word. A table that is not there, or not whole, denies. */
static __always_inline __u32 acl_walk(const void *table, const struct acl_key *key)
{
	const union fgw_acl_block *head = acl_block(table, 0);
	__u32 value;

	if (!head)
		return FGW_VERDICT_NO_RULE;
	value = head->head.root;
	for (int steps = 0; steps < FGW_ACL_KEY_BYTES && value & FGW_ACL_NODE; steps++)
		value = acl_step(table, value, key);
	return value & FGW_ACL_NODE ? FGW_VERDICT_NO_RULE : value;
}

#endif
