/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Questions to the kernel's routing tables. bpf_fib_lookup() answers only for an
 * interface that forwards, which the uplink of a 6to4 router need not do, so the devices of
 * the tunnel ask: they always do (daemon/tunnel.cc).
 */
#ifndef FGW_LIB_ROUTE_H
#define FGW_LIB_ROUTE_H

#include "compiler.h"
#include "l4.h"
#include "maps.h"

#define ROUTE_INET  2  /* AF_INET; <linux/socket.h> leaves it to the C library */
#define ROUTE_INET6 10 /* AF_INET6 */

/* A route leads out of an interface, whether or not the neighbour is known by now. */
static __always_inline bool route_leads_out(long answer)
{
	return answer == BPF_FIB_LKUP_RET_SUCCESS || answer == BPF_FIB_LKUP_RET_NO_NEIGH;
}

union route_query {
	struct bpf_fib_lookup lookup;
	__u64 words[8];
};
FGW_ASSERT_SIZE(union route_query, sizeof(((struct fgw_route *)0)->question));

static __always_inline bool route_same(const __u64 *a, const __u64 *b)
{
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) |
		 (a[5] ^ b[5]) | (a[6] ^ b[6]) | (a[7] ^ b[7]));
}

static __always_inline __u32 route_slot(const __u64 *words)
{
	__u64 folded = words[0] ^ words[1] ^ words[2] ^ words[3] ^ words[4] ^ words[5] ^ words[6] ^
		       words[7];

	/* Fibonacci hashing: the upper bits depend on all lower ones. */
	return (__u32)((folded * 0x9e3779b97f4a7c15ULL) >> 32) % FGW_ROUTE_SLOTS;
}

/* bpf_fib_lookup() for the fast path: a question asked before in the same tick has the same
 * answer, for a tenth of the time. So a changed route or neighbour counts from the next tick
 * on. Whoever interrupts a run on this CPU in the middle of an entry asks for itself. */
FGW_SUBPROGRAM int fgw_route_ask(struct xdp_md *ctx, union route_query *query)
{
	struct fgw_route *known;
	__u64 tick = bpf_jiffies64();
	__u32 slot;

	if (!query)
		return -1;
	slot = route_slot(query->words);
	known = bpf_map_lookup_elem(&fgw_routes, &slot);
	if (!known || known->busy)
		return (int)bpf_fib_lookup(ctx, &query->lookup, sizeof(query->lookup), 0);
	known->busy = 1;
	FGW_BARRIER();
	if (known->tick == tick && route_same(known->question, query->words)) {
		fgw_copy(query->words, known->answer, sizeof(known->answer));
	} else {
		fgw_copy(known->question, query->words, sizeof(known->question));
		known->result = (int)bpf_fib_lookup(ctx, &query->lookup, sizeof(query->lookup), 0);
		fgw_copy(known->answer, query->words, sizeof(known->answer));
		known->tick = tick;
	}
	slot = (__u32)known->result;
	FGW_BARRIER();
	known->busy = 0;
	return (int)slot;
}

static __always_inline long route_ask(struct xdp_md *ctx, union route_query *query, bool fast)
{
	return fast ? fgw_route_ask(ctx, query)
		    : bpf_fib_lookup(ctx, &query->lookup, sizeof(query->lookup), 0);
}

/* Whether the way to `source` is the uplink, so that a packet from there may come in by it:
 * the ingress filter of stf(4) (S16), strict. */
static __always_inline bool route_is_by_uplink(struct xdp_md *ctx, const struct fgw_stf *stf,
					       const __u8 *source, bool fast)
{
	union route_query query = {
		.lookup = {.family = ROUTE_INET, .l4_protocol = FGW_L4_IP6, .ifindex = stf->peer}};
	long answer;

	fgw_copy(&query.lookup.ipv4_src, stf->address, sizeof(query.lookup.ipv4_src));
	fgw_copy(&query.lookup.ipv4_dst, source, sizeof(query.lookup.ipv4_dst));
	answer = route_ask(ctx, &query, fast);
	return route_leads_out(answer) && query.lookup.ifindex == stf->uplink;
}

/* Whether a packet that came out of the tunnel would go back into it (S19). Local and
 * unroutable destinations lead nowhere, which is for the kernel to deal with. */
static __always_inline bool route_is_back(struct xdp_md *ctx, const struct fgw_stf *stf,
					  const __u8 *source, const __u8 *destination, bool fast)
{
	union route_query query = {.lookup = {.family = ROUTE_INET6, .ifindex = stf->device}};
	long answer;

	fgw_copy(query.lookup.ipv6_src, source, sizeof(query.lookup.ipv6_src));
	fgw_copy(query.lookup.ipv6_dst, destination, sizeof(query.lookup.ipv6_dst));
	answer = route_ask(ctx, &query, fast);
	return route_leads_out(answer) && query.lookup.ifindex == stf->device;
}

/* The gateway by which the routing table sends `address` through the tunnel; in place. False
 * when it does not. */
static __always_inline bool route_gateway(void *ctx, const struct fgw_stf *stf, __u8 *address)
{
	struct bpf_fib_lookup lookup = {.family = ROUTE_INET6, .ifindex = stf->device};

	fgw_copy(lookup.ipv6_dst, address, sizeof(lookup.ipv6_dst));
	if (!route_leads_out(bpf_fib_lookup(ctx, &lookup, sizeof(lookup), BPF_FIB_LOOKUP_OUTPUT)) ||
	    lookup.ifindex != stf->device)
		return false;
	fgw_copy(address, lookup.ipv6_dst, sizeof(lookup.ipv6_dst));
	return true;
}

#endif
