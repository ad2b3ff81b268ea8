/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fast path of a tunnel (fast_path = true): from interface to interface at XDP, past the
 * stack. It takes what the slow path would only forward, and nothing else: every doubt leaves
 * the frame as it is to the slow path, which judges, answers and counts. So it needs no reason
 * to refuse, and a packet that a check fails is seen where it always was.
 *
 * Both are global functions, verified once, each with a stack of its own. They return
 * XDP_REDIRECT, or XDP_PASS with the frame untouched.
 */
#ifndef FGW_LIB_STF_FAST_H
#define FGW_LIB_STF_FAST_H

#include "ctx_xdp.h"
#include "local.h"
#include "prefix.h"
#include "route.h"
#include "stf_known.h"

/* One tick in so many goes the slow way. Only what the kernel sends keeps its neighbours
 * confirmed: one that has moved or died would otherwise be believed in for good. */
#define FAST_TICKS 64

static __always_inline bool fast_yields(void)
{
	return bpf_jiffies64() % FAST_TICKS == 0;
}

/* Whether a frame may leave there by XDP. */
static __always_inline const struct fgw_interface *fast_interface(__u32 ifindex)
{
	const struct fgw_interface *interface = bpf_map_lookup_elem(&fgw_interfaces, &ifindex);

	return interface && interface->forwards ? interface : NULL;
}

static __always_inline bool fast_is_station(const __u8 *address, const __u8 *mac)
{
	__u32 front, wanted_front;
	__u16 rest, wanted_rest;

	fgw_copy(&front, address, sizeof(front));
	fgw_copy(&wanted_front, mac, sizeof(wanted_front));
	fgw_copy(&rest, address + sizeof(front), sizeof(rest));
	fgw_copy(&wanted_rest, mac + sizeof(front), sizeof(wanted_rest));
	return front == wanted_front && rest == wanted_rest;
}

/* Whether a frame is for the interface that it came in by, and that takes part. A packet that
 * user space shows to the program is not: what comes of it goes back to user space. */
static __always_inline bool fast_is_ours(struct xdp_md *ctx)
{
	const struct fgw_interface *own = fast_interface(ctx->ingress_ifindex);
	const __u8 *frame = (const __u8 *)(long)ctx->data;

	return own && frame + sizeof(own->mac) <= (const __u8 *)(long)ctx->data_end &&
	       fast_is_station(frame, own->mac);
}

/* The kernel's route of an inner packet that came in by `ifindex`; into `route`. */
static __always_inline long fast_route6(struct xdp_md *ctx, const struct ip6_header *inner,
					__u32 ifindex, struct bpf_fib_lookup *route)
{
	*route = (struct bpf_fib_lookup){.family = ROUTE_INET6,
					 .l4_protocol = inner->next_header,
					 .ifindex = ifindex,
					 .tot_len = (__u16)stf_length(inner)};
	fgw_copy(&route->flowinfo, inner, sizeof(route->flowinfo));
	route->flowinfo &= host_to_be32(0x0fffffff);
	fgw_copy(route->ipv6_src, inner->source, sizeof(route->ipv6_src));
	fgw_copy(route->ipv6_dst, inner->destination, sizeof(route->ipv6_dst));
	return bpf_fib_lookup(ctx, route, sizeof(*route), 0);
}

/* The way of what went fast, for flow_learn(). */
static __always_inline void fast_way(const struct bpf_fib_lookup *route, const struct fgw_stf *stf,
				     struct fgw_way *way)
{
	way->kind = FGW_WAY_FAST;
	way->ifindex = route->ifindex;
	way->mtu = route->mtu_result;
	fgw_copy(way->destination, route->dmac, sizeof(way->destination));
	fgw_copy(way->source, route->smac, sizeof(way->source));
	way->mss = stf->mss;
	way->ecn = stf->ecn;
}

/* A frame that came out of a tunnel just now, with its mark in front. */
FGW_SUBPROGRAM int fgw_stf_fast_in(struct xdp_md *ctx, const struct flow_claim *claim)
{
	const struct fgw_stf_mark *mark = (const struct fgw_stf_mark *)(long)ctx->data_meta;
	const __u8 any[4] = {0, 0, 0, 0};
	struct bpf_fib_lookup route;
	struct fgw_way way = {};
	struct fgw_prefix_val prefix;
	struct ip6_header inner;
	struct stf_inner_frame *frame = fast_parse(ctx, &inner);
	const struct fgw_stf *stf;

	if (!claim || !frame || (const void *)(mark + 1) > (const void *)(long)ctx->data)
		return XDP_PASS;
	stf = stf_find(mark->peer, any);
	if (!stf || !(stf->flags & FGW_STF_FAST) || fast_yields() ||
	    !fast_is_plain(ctx, ETH_HEADER, &inner) ||
	    fast_needs_clamp(ctx, ETH_HEADER, stf->mss, &inner) ||
	    prefix_match(inner.destination, &prefix) != PREFIX_NONE)
		return XDP_PASS;
	if (fast_route6(ctx, &inner, stf->device, &route) != BPF_FIB_LKUP_RET_SUCCESS ||
	    !fast_interface(route.ifindex))
		return XDP_PASS;
	fgw_copy(frame->destination, route.dmac, sizeof(frame->destination));
	fgw_copy(frame->source, route.smac, sizeof(frame->source));
	frame->inner.hop_limit--;
	fast_way(&route, stf, &way);
	flow_learn(claim, &way);
	/* Nobody there knows the mark. Taking it away cannot fail. */
	bpf_xdp_adjust_meta(ctx, sizeof(*mark));
	return (int)bpf_redirect(route.ifindex, 0);
}

/* The Ethernet header to the next router of an outer packet, or to the peer itself. */
static __always_inline bool fast_route4(struct xdp_md *ctx, const struct fgw_stf *stf,
					const struct ip4_header *outer,
					struct bpf_fib_lookup *route)
{
	*route = (struct bpf_fib_lookup){.family = ROUTE_INET,
					 .l4_protocol = FGW_L4_IP6,
					 .ifindex = stf->peer,
					 .tot_len = be16_to_host(outer->total_length),
					 .tos = (__u8)(outer->service & ~ECN_BITS)};
	fgw_copy(&route->ipv4_src, outer->source, sizeof(route->ipv4_src));
	fgw_copy(&route->ipv4_dst, outer->destination, sizeof(route->ipv4_dst));
	return bpf_fib_lookup(ctx, route, sizeof(*route), 0) == BPF_FIB_LKUP_RET_SUCCESS &&
	       route->ifindex == stf->uplink;
}

/* Where the kernel would send it: the tunnel, when that has a fast path; else it is remembered
 * that the kernel is to do so. */
static __always_inline const struct fgw_stf *fast_tunnel(struct xdp_md *ctx,
							 const struct ip6_header *inner,
							 const struct flow_claim *claim,
							 struct bpf_fib_lookup *route)
{
	const struct fgw_way kernel = {.kind = FGW_WAY_KERNEL};
	const __u8 any[4] = {0, 0, 0, 0};
	const struct fgw_stf *stf = NULL;

	/* A tunnel's device has no neighbours that the kernel could know. */
	if (route_leads_out(fast_route6(ctx, inner, ctx->ingress_ifindex, route)))
		stf = stf_find(route->ifindex, any);
	/* What is known of the path, and who is told, is the slow path's business. */
	if (stf && stf->device == route->ifindex && stf->flags & FGW_STF_FAST &&
	    !(stf->flags & FGW_STF_PMTU) && fast_interface(stf->uplink))
		return stf;
	flow_learn(claim, &kernel);
	return NULL;
}

/* A frame with IPv6 to no prefix of the gateway, which the guard has made sure of. */
FGW_SUBPROGRAM int fgw_stf_fast_out(struct xdp_md *ctx, const struct flow_claim *claim)
{
	struct bpf_fib_lookup route;
	struct fgw_way way = {};
	struct ip6_header inner;
	const struct fgw_stf *stf;
	struct ip4_header outer;
	__u32 hop;

	if (!claim || !fast_is_ours(ctx) || !fast_parse(ctx, &inner) || fast_yields() ||
	    !fast_is_plain(ctx, ETH_HEADER, &inner))
		return XDP_PASS;
	stf = fast_tunnel(ctx, &inner, claim, &route);
	if (!stf || fast_needs_clamp(ctx, ETH_HEADER, stf->mss, &inner))
		return XDP_PASS;
	/* The route has put the gateway, if there is one, where the destination was. */
	hop = stf_next_hop(stf, inner.destination);
	if (!hop)
		hop = stf_next_hop(stf, (const __u8 *)route.ipv6_dst);
	if (stf_out_header(stf, &inner, hop, stf_length(&inner), false, bpf_get_prandom_u32(),
			   &outer) != FGW_STF_OUT ||
	    !fast_route4(ctx, stf, &outer, &route))
		return XDP_PASS;
	if (!fast_put_in(ctx, route.dmac, route.smac, &outer))
		return XDP_PASS;
	fast_way(&route, stf, &way);
	way.mtu -= sizeof(outer);
	if (way.mtu > stf->mtu)
		way.mtu = stf->mtu;
	fgw_copy(way.own, outer.source, sizeof(way.own));
	fgw_copy(way.far, outer.destination, sizeof(way.far));
	way.ttl = stf->ttl;
	way.random = bpf_get_prandom_u32();
	flow_learn(claim, &way);
	return (int)bpf_redirect(stf->uplink, 0);
}

#endif
