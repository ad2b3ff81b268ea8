/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What was found out about a packet's addresses is true for the next packet with the same ones:
 * the claims and checks of stf.h, the prefixes, the kernel's routes and neighbours. So it is
 * remembered, for the tick in which it was asked: nothing need follow any change, and none is
 * noticed later than that. What differs from packet to packet (lengths, hop limit, congestion
 * marks, checksums) is looked at each time, and whoever finds something odd there goes
 * the whole way. Only what passes is remembered: every refusal has one place.
 *
 * flow_find() answers, or puts the question where flow_learn() will put the answer. A program
 * may be interrupted by another one on its CPU, but never the other way round: while an entry
 * is `busy` the interrupting one does without, and a question that it has put there in between
 * has another `number`.
 */
#ifndef FGW_LIB_FLOW_H
#define FGW_LIB_FLOW_H

#include "ecn.h"
#include "ip6.h"
#include "maps.h"

/* Two packets with the same words are the same to everything that is remembered. */
struct flow_question {
	__u8 outer[8]; /* of what comes in: IPv4 source and destination */
	__u32 ifindex; /* by which it came in */
	__u32 label; /* of the inner packet: version, DSCP, flow label: routes may depend on them */
	__u8 source[16]; /* both addresses, one behind the other as in the packet */
	__u8 destination[16];
	__u8 station[6]; /* that the frame is addressed to */
	__u8 next_header;
	__u8 way; /* enum flow_way */
};
FGW_ASSERT_SIZE(struct flow_question, FGW_FLOW_WORDS * sizeof(__u32));

enum flow_way {
	FLOW_IN = 1,	   /* XDP of the uplink */
	FLOW_OUT = 2,	   /* TC ingress of the hidden peer */
	FLOW_OUT_FAST = 3, /* XDP of any interface */
};

#define KNOWN_NOT (-1) /* instead of a reason */

/* Where an answer belongs. `number` 0, as it begins: nowhere. */
struct flow_claim {
	__u32 slot;
	__u32 number;
};

/* `header` is the inner one, in the packet. Without the promise clang reads octets. */
static __always_inline void flow_ask_inner(struct flow_question *question, const __u8 *header)
{
	const __u8 *addresses = header + offsetof(struct ip6_header, source);

	fgw_copy(question->source, __builtin_assume_aligned(addresses, 4),
		 sizeof(question->source) + sizeof(question->destination));
}

/* What the fast path's routes depend on besides. Congestion marks are no routing's business. */
static __always_inline void flow_ask_frame(struct flow_question *question, const __u8 *station,
					   const struct ip6_header *inner)
{
	fgw_copy(&question->label, inner, sizeof(question->label));
	question->label &= host_to_be32(~((__u32)ECN_BITS << 20));
	question->next_header = inner->next_header;
	fgw_copy(question->station, station, sizeof(question->station));
}

/* Sums of products with odd numbers: the upper bits depend on all words. */
static __always_inline __u32 flow_slot(const __u32 *words)
{
	__u64 sum = words[0] + ((__u64)words[4] << 32);

	sum = sum * 0x9e3779b97f4a7c15ULL +
	      (words[5] + ((__u64)words[6] << 32)) * 0xc2b2ae3d27d4eb4fULL +
	      (words[7] + ((__u64)words[8] << 32)) * 0x165667b19e3779f9ULL +
	      (words[9] + ((__u64)words[10] << 32)) * 0xd6e8feb86659fd93ULL +
	      (words[11] + ((__u64)words[3] << 32)) * 0xa0761d6478bd642fULL;
	return (__u32)(sum >> 40) % FGW_FLOW_SLOTS;
}

/* Routers may cut what goes out (R8), so each packet needs another identification, and a random
 * one: segments that the kernel joined go up from that of theirs. The kernel gives the first,
 * this sequence (multiplier of Numerical Recipes, period 2^32) the others, without a call each. */
static __always_inline __u32 flow_next_random(__u32 random)
{
	return random * 1664525 + 1013904223;
}

static __always_inline __u32 flow_identification(const struct fgw_way *way)
{
	return way->random >> 16;
}

static __always_inline bool flow_same(const __u32 *a, const __u32 *b)
{
	__u32 differing = 0;

#pragma unroll
	for (int i = 0; i < FGW_FLOW_WORDS; i++)
		differing |= a[i] ^ b[i];
	return !differing;
}

/* Whether the way of such packets is known. If not, `claim` is where to put it. */
static __always_inline bool flow_find(const struct flow_question *question, struct fgw_way *way,
				      struct flow_claim *claim)
{
	const __u32 *words = (const __u32 *)question;
	__u32 slot = flow_slot(words); /* on the stack: 6.1 takes no other key */
	__u64 tick = bpf_jiffies64();
	struct fgw_flow *flow;
	bool known = false;

	claim->slot = slot;
	claim->number = 0;
	flow = bpf_map_lookup_elem(&fgw_flows, &slot);
	if (!flow || flow->busy)
		return false;
	flow->busy = 1;
	FGW_BARRIER();
	if (flow->tick == tick && flow_same(flow->question, words)) {
		flow->way.random = flow_next_random(flow->way.random);
		*way = flow->way;
		known = way->kind != FGW_WAY_UNKNOWN;
	} else {
		flow->tick = tick;
		flow->way.kind = FGW_WAY_UNKNOWN;
		flow->number++;
		fgw_copy(flow->question, words, sizeof(flow->question));
	}
	claim->number = known ? 0 : flow->number;
	FGW_BARRIER();
	flow->busy = 0;
	return known;
}

/* The answer to the question that was put there, unless another one has taken its place. */
static __always_inline void flow_learn(const struct flow_claim *claim, const struct fgw_way *way)
{
	__u32 slot = claim->slot;
	struct fgw_flow *flow;

	if (!claim->number)
		return;
	flow = bpf_map_lookup_elem(&fgw_flows, &slot);
	if (!flow || flow->busy)
		return;
	flow->busy = 1;
	FGW_BARRIER();
	if (flow->number == claim->number)
		flow->way = *way;
	FGW_BARRIER();
	flow->busy = 0;
}

#endif
