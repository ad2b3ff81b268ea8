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

/* Whether the way to `source` is the uplink, so that a packet from there may come in by it:
 * the ingress filter of stf(4) (S16), strict. */
static __always_inline bool route_is_by_uplink(struct xdp_md *ctx, const struct fgw_stf *stf,
					       const __u8 *source)
{
	struct bpf_fib_lookup lookup = {
		.family = ROUTE_INET, .l4_protocol = FGW_L4_IP6, .ifindex = stf->peer};
	long answer;

	fgw_copy(&lookup.ipv4_src, stf->address, sizeof(lookup.ipv4_src));
	fgw_copy(&lookup.ipv4_dst, source, sizeof(lookup.ipv4_dst));
	answer = bpf_fib_lookup(ctx, &lookup, sizeof(lookup), 0);
	return route_leads_out(answer) && lookup.ifindex == stf->uplink;
}

/* Whether a packet that came out of the tunnel would go back into it (S19). Local and
 * unroutable destinations lead nowhere, which is for the kernel to deal with. */
static __always_inline bool route_is_back(struct xdp_md *ctx, const struct fgw_stf *stf,
					  const __u8 *source, const __u8 *destination)
{
	struct bpf_fib_lookup lookup = {.family = ROUTE_INET6, .ifindex = stf->device};
	long answer;

	fgw_copy(lookup.ipv6_src, source, sizeof(lookup.ipv6_src));
	fgw_copy(lookup.ipv6_dst, destination, sizeof(lookup.ipv6_dst));
	answer = bpf_fib_lookup(ctx, &lookup, sizeof(lookup), 0);
	return route_leads_out(answer) && lookup.ifindex == stf->device;
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
