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
#include "stf_frame.h"

struct fast_frame {
	__u8 destination[6];
	__u8 source[6];
	__be16 type;
	struct ip6_header inner;
} __attribute__((packed));
FGW_ASSERT_SIZE(struct fast_frame, 54);

struct fast_outer_frame {
	__u8 destination[6];
	__u8 source[6];
	__be16 type;
	struct ip4_header outer;
	struct ip6_header inner;
} __attribute__((packed));
FGW_ASSERT_SIZE(struct fast_outer_frame, 74);

/* One tick in so many goes the slow way. Only what the kernel sends keeps its neighbours
 * confirmed: one that has moved or died would otherwise be believed in for good. */
#define FAST_TICKS 64

static __always_inline bool fast_yields(void)
{
	return bpf_jiffies64() % FAST_TICKS == 0;
}

/* What any router would forward without a second look: one buffer, nothing behind the packet,
 * no option for routers, and a hop left. */
static __always_inline bool fast_forwards(struct xdp_md *ctx, const struct ip6_header *inner)
{
	long length = (long)ctx->data_end - (long)ctx->data;

	return length == (long)bpf_xdp_get_buff_len(ctx) &&
	       length == (long)sizeof(struct fast_frame) + be16_to_host(inner->payload_length) &&
	       inner->hop_limit > 1 && inner->next_header != FGW_L4_HOP_BY_HOP && !fast_yields();
}

/* A SYN whose maximum segment size the slow path would lower (mss_clamp). Like there, only when
 * TCP is the first thing in the packet. */
static __always_inline bool fast_needs_clamp(struct xdp_md *ctx, const struct fgw_stf *stf,
					     const struct ip6_header *inner)
{
	const struct packet packet = packet_from_xdp(ctx);
	struct tcp_header tcp;

	if (!stf->mss || inner->next_header != FGW_L4_TCP)
		return false;
	return !packet_load_front(&packet, sizeof(struct fast_frame), &tcp, sizeof(tcp)) ||
	       be16_to_host(tcp.offset_flags) & TCP_SYN;
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

/* The kernel's route of an inner packet that came in by `ifindex`; into `query`. */
static __always_inline long fast_route6(struct xdp_md *ctx, const struct ip6_header *inner,
					__u32 ifindex, union route_query *query)
{
	struct bpf_fib_lookup *route = &query->lookup;

	route->family = ROUTE_INET6;
	route->ifindex = ifindex;
	route->l4_protocol = inner->next_header;
	route->tot_len = (__u16)(sizeof(*inner) + be16_to_host(inner->payload_length));
	fgw_copy(&route->flowinfo, inner, sizeof(route->flowinfo));
	route->flowinfo &= host_to_be32(0x0fffffff);
	fgw_copy(route->ipv6_src, inner->source, sizeof(route->ipv6_src));
	fgw_copy(route->ipv6_dst, inner->destination, sizeof(route->ipv6_dst));
	return fgw_route_ask(ctx, query);
}

/* The front of an untagged frame with IPv6, its header copied out. */
static __always_inline struct fast_frame *fast_parse(struct xdp_md *ctx, struct ip6_header *inner)
{
	const struct packet packet = packet_from_xdp(ctx);
	struct fast_frame *frame = (struct fast_frame *)packet.data;

	if ((void *)(frame + 1) > (void *)packet.data_end ||
	    frame->type != be16_to_host((__be16)FGW_L3_IP6))
		return NULL;
	packet_load_front(&packet, ETH_HEADER, inner, sizeof(*inner));
	return frame;
}

/* A frame that came out of a tunnel just now, with its mark in front. */
FGW_SUBPROGRAM int fgw_stf_fast_in(struct xdp_md *ctx)
{
	const struct fgw_stf_mark *mark = (const struct fgw_stf_mark *)(long)ctx->data_meta;
	union route_query query = {};
	const struct bpf_fib_lookup *route = &query.lookup;
	const __u8 any[4] = {0, 0, 0, 0};
	struct ip6_header inner;
	struct fgw_prefix_val prefix;
	struct fast_frame *frame = fast_parse(ctx, &inner);
	const struct fgw_stf *stf;

	if (!frame || (const void *)(mark + 1) > (const void *)(long)ctx->data)
		return XDP_PASS;
	stf = stf_find(mark->peer, any);
	if (!stf || !(stf->flags & FGW_STF_FAST) || !fast_forwards(ctx, &inner) ||
	    fast_needs_clamp(ctx, stf, &inner) ||
	    prefix_match(inner.destination, &prefix) != PREFIX_NONE)
		return XDP_PASS;
	if (fast_route6(ctx, &inner, stf->device, &query) != BPF_FIB_LKUP_RET_SUCCESS ||
	    !fast_interface(route->ifindex))
		return XDP_PASS;
	fgw_copy(frame->destination, route->dmac, sizeof(frame->destination));
	fgw_copy(frame->source, route->smac, sizeof(frame->source));
	frame->inner.hop_limit--;
	/* Nobody there knows the mark. Taking it away cannot fail. */
	bpf_xdp_adjust_meta(ctx, sizeof(*mark));
	return (int)bpf_redirect(route->ifindex, 0);
}

/* The Ethernet header to the next router of an outer packet, or to the peer itself. */
static __always_inline bool fast_route4(struct xdp_md *ctx, const struct fgw_stf *stf,
					const struct ip4_header *outer, union route_query *query)
{
	struct bpf_fib_lookup *route = &query->lookup;

	*query = (union route_query){.lookup = {.family = ROUTE_INET,
						.l4_protocol = FGW_L4_IP6,
						.ifindex = stf->peer,
						.tot_len = be16_to_host(outer->total_length),
						.tos = (__u8)(outer->service & ~ECN_BITS)}};
	fgw_copy(&route->ipv4_src, outer->source, sizeof(route->ipv4_src));
	fgw_copy(&route->ipv4_dst, outer->destination, sizeof(route->ipv4_dst));
	return fgw_route_ask(ctx, query) == BPF_FIB_LKUP_RET_SUCCESS &&
	       route->ifindex == stf->uplink;
}

static __always_inline bool fast_put_in(struct xdp_md *ctx, const struct bpf_fib_lookup *route,
					const struct ip4_header *outer)
{
	struct fast_outer_frame *frame;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer)))
		return false;
	frame = (struct fast_outer_frame *)(long)ctx->data;
	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return false;
	fgw_copy(frame->destination, route->dmac, sizeof(frame->destination));
	fgw_copy(frame->source, route->smac, sizeof(frame->source));
	frame->type = be16_to_host((__be16)FGW_L3_IP4);
	frame->outer = *outer;
	frame->inner.hop_limit--;
	return true;
}

/* A frame with IPv6 to no prefix of the gateway, which the guard has made sure of. */
FGW_SUBPROGRAM int fgw_stf_fast_out(struct xdp_md *ctx)
{
	struct ip6_header inner;
	const __u8 any[4] = {0, 0, 0, 0};
	union route_query query = {};
	const struct fgw_stf *stf;
	struct ip4_header outer;
	__u32 hop;

	if (!fast_is_ours(ctx) || !fast_parse(ctx, &inner))
		return XDP_PASS;
	if (!fast_forwards(ctx, &inner))
		return XDP_PASS;
	/* A tunnel's device has no neighbours that the kernel could know. */
	if (!route_leads_out(fast_route6(ctx, &inner, ctx->ingress_ifindex, &query)))
		return XDP_PASS;
	stf = stf_find(query.lookup.ifindex, any);
	if (!stf || stf->device != query.lookup.ifindex || !(stf->flags & FGW_STF_FAST) ||
	    !fast_interface(stf->uplink) || fast_needs_clamp(ctx, stf, &inner))
		return XDP_PASS;
	/* What is known of the path, and who is told, is the slow path's business. */
	if (stf->flags & FGW_STF_PMTU)
		return XDP_PASS;
	/* The route has put the gateway, if there is one, where the destination was. */
	hop = stf_next_hop(stf, inner.destination);
	if (!hop)
		hop = stf_next_hop(stf, (const __u8 *)query.lookup.ipv6_dst);
	if (stf_out_header(stf, &inner, hop,
			   (__u32)sizeof(inner) + be16_to_host(inner.payload_length), false,
			   bpf_get_prandom_u32(), &outer) != FGW_STF_OUT ||
	    !fast_route4(ctx, stf, &outer, &query))
		return XDP_PASS;
	/* Only the driver's room in front can lack, and then nothing was changed. */
	if (!fast_put_in(ctx, &query.lookup, &outer))
		return XDP_PASS;
	return (int)bpf_redirect(stf->uplink, 0);
}

#endif
