/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames whose way is known (flow.h), at XDP: into a tunnel on the fast path, and out of one on
 * either path. No map but the memory and no routing table is asked, and this is what nearly
 * every packet of a busy flow meets. What is odd about a packet makes it unknown: then the frame
 * is as it was, and goes the whole way.
 */
#ifndef FGW_LIB_STF_KNOWN_H
#define FGW_LIB_STF_KNOWN_H

#include "ctx_xdp.h"
#include "flow.h"
#include "stf_frame.h"

/* What any router would forward without a second look, its header behind `front` bytes: one
 * buffer, nothing behind the packet, no option for routers, and a hop left. */
static __always_inline bool fast_is_plain(struct xdp_md *ctx, __u32 front,
					  const struct ip6_header *inner)
{
	long length = (long)ctx->data_end - (long)ctx->data;

	return length == (long)front + stf_length(inner) &&
	       length == (long)bpf_xdp_get_buff_len(ctx) && inner->hop_limit > 1 &&
	       inner->next_header != FGW_L4_HOP_BY_HOP;
}

/* A SYN whose maximum segment size the slow path would lower (mss_clamp). Like there, only when
 * TCP is the first thing in the packet. */
static __always_inline bool fast_needs_clamp(struct xdp_md *ctx, __u32 front, __u16 mss,
					     const struct ip6_header *inner)
{
	const struct packet packet = packet_from_xdp(ctx);
	struct tcp_header tcp;

	if (!mss || inner->next_header != FGW_L4_TCP)
		return false;
	return !packet_load_front(&packet, front + (__u32)sizeof(*inner), &tcp, sizeof(tcp)) ||
	       be16_to_host(tcp.offset_flags) & TCP_SYN;
}

static __always_inline bool known_goes_fast(struct xdp_md *ctx, __u32 front,
					    const struct fgw_way *way,
					    const struct ip6_header *inner)
{
	return fast_is_plain(ctx, front, inner) && stf_length(inner) <= way->mtu &&
	       !fast_needs_clamp(ctx, front, way->mss, inner);
}

/* --- out of a tunnel --------------------------------------------------------------------- */

/* An outer header as nearly all are, and an inner packet that it holds, in the first buffer. */
static __always_inline bool known_in_parse(const struct packet *packet, struct ip4_header *outer,
					   struct ip6_header *inner)
{
	const struct stf_outer_frame *frame = (const struct stf_outer_frame *)packet->data;
	__u32 total;

	if ((const void *)(frame + 1) > (const void *)packet->data_end ||
	    frame->type != be16_to_host((__be16)FGW_L3_IP4))
		return false;
	packet_load_front(packet, ETH_HEADER, outer, sizeof(*outer));
	if (outer->version_words != 0x45 || outer->protocol != FGW_L4_IP6 || ip4_is_fragment(outer))
		return false;
	packet_load_front(packet, ETH_HEADER + sizeof(*outer), inner, sizeof(*inner));
	total = be16_to_host(outer->total_length);
	return inner->version_class >> 4 == 6 && total >= sizeof(*outer) + stf_length(inner) &&
	       (long)total + ETH_HEADER <= packet->data_end - packet->data &&
	       ip4_front_checksum(outer) == 0;
}

/* From here on the frame is changed, or what is wrong with it would be wrong the whole way, too. */
static __always_inline int known_in_leave(struct xdp_md *ctx, const struct fgw_way *way,
					  const struct ip4_header *outer,
					  const struct eth_front *front)
{
	struct fgw_stf_mark mark = {.mark = FGW_STF_MARK,
				    .peer = way->peer,
				    .mss = way->mss,
				    .outer_mark = outer->service & ECN_BITS,
				    .ecn = way->ecn};
	struct stf_inner_frame *frame;

	if (!xdp_take_out(ctx, sizeof(*outer), front))
		return FGW_STF_IN_ROOM;
	if (way->kind != FGW_WAY_FAST) {
		fgw_copy(mark.far, outer->source, sizeof(mark.far));
		return xdp_mark(ctx, &mark) ? FGW_STF_IN : FGW_STF_IN_ROOM;
	}
	frame = (struct stf_inner_frame *)(long)ctx->data;
	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return FGW_STF_IN_ROOM;
	frame->inner.hop_limit--;
	bpf_redirect(way->ifindex, 0);
	return FGW_STF_FAST_IN;
}

/* FGW_STF_FAST_IN: redirected. FGW_STF_IN: taken out and marked. KNOWN_NOT: as it was; `claim`
 * says where the way of such packets is to be written down. */
FGW_SUBPROGRAM int fgw_stf_known_in(struct xdp_md *ctx, struct flow_claim *claim)
{
	const struct packet packet = packet_from_xdp(ctx);
	struct flow_question question = {.ifindex = ctx->ingress_ifindex, .way = FLOW_IN};
	struct ip4_header outer;
	struct ip6_header inner;
	struct eth_front front;
	struct fgw_way way;
	struct ecn_joined ecn;

	if (!claim)
		return KNOWN_NOT;
	if (!known_in_parse(&packet, &outer, &inner))
		return KNOWN_NOT;
	fgw_copy(question.outer, outer.source, sizeof(question.outer));
	flow_ask_inner(&question, packet.data + ETH_HEADER + sizeof(outer));
	flow_ask_frame(&question, packet.data, &inner);
	if (!flow_find(&question, &way, claim))
		return KNOWN_NOT;
	ecn = ecn_decapsulate(way.ecn, stf_traffic_class(&inner), outer.service);
	if (ecn.drop || ecn.odd ||
	    (way.kind == FGW_WAY_FAST &&
	     !known_goes_fast(ctx, ETH_HEADER + sizeof(outer), &way, &inner)))
		return KNOWN_NOT;
	fgw_copy(front.destination, way.destination, sizeof(front.destination));
	fgw_copy(front.source, way.source, sizeof(front.source));
	stf_in_write_front(&inner, ecn.mark, &front);
	return known_in_leave(ctx, &way, &outer, &front);
}

/* A frame that came out of its tunnel the whole way, with its mark in front. */
static __always_inline void known_learn_in(struct xdp_md *ctx, const struct flow_claim *claim)
{
	const struct fgw_stf_mark *mark = (const struct fgw_stf_mark *)(long)ctx->data_meta;
	const struct eth_front *frame = (const struct eth_front *)(long)ctx->data;
	struct fgw_way way = {.kind = FGW_WAY_SLOW};

	if ((const void *)(mark + 1) > (const void *)frame ||
	    (const void *)(frame + 1) > (const void *)(long)ctx->data_end)
		return;
	way.peer = mark->peer;
	way.mss = mark->mss;
	way.ecn = mark->ecn;
	fgw_copy(way.destination, frame->destination, sizeof(way.destination));
	fgw_copy(way.source, frame->source, sizeof(way.source));
	flow_learn(claim, &way);
}

/* --- into a tunnel ----------------------------------------------------------------------- */

/* The outer header, and the Ethernet header to the next router, or to the peer itself. */
static __always_inline bool fast_put_in(struct xdp_md *ctx, const __u8 *destination,
					const __u8 *source, const struct ip4_header *outer)
{
	struct stf_outer_frame *frame;

	/* Only the driver's room in front can lack, and then nothing was changed. */
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer)))
		return false;
	frame = (struct stf_outer_frame *)(long)ctx->data;
	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return false;
	fgw_copy(frame->destination, destination, sizeof(frame->destination));
	fgw_copy(frame->source, source, sizeof(frame->source));
	frame->type = be16_to_host((__be16)FGW_L3_IP4);
	frame->outer = *outer;
	frame->inner.hop_limit--;
	return true;
}

/* The front of an untagged frame with IPv6, its header copied out. */
static __always_inline struct stf_inner_frame *fast_parse(struct xdp_md *ctx,
							  struct ip6_header *inner)
{
	const struct packet packet = packet_from_xdp(ctx);
	struct stf_inner_frame *frame = (struct stf_inner_frame *)packet.data;

	if ((void *)(frame + 1) > (void *)packet.data_end ||
	    frame->type != be16_to_host((__be16)FGW_L3_IP6))
		return NULL;
	packet_load_front(&packet, ETH_HEADER, inner, sizeof(*inner));
	return inner->version_class >> 4 == 6 ? frame : NULL;
}

/* FGW_STF_FAST_OUT: redirected. FGW_PASS_NOT_PREFIX: nobody here wants it. Else KNOWN_NOT. */
FGW_SUBPROGRAM int fgw_stf_known_out(struct xdp_md *ctx, struct flow_claim *claim)
{
	struct flow_question question = {.ifindex = ctx->ingress_ifindex, .way = FLOW_OUT_FAST};
	const struct stf_inner_frame *frame;
	struct ip4_header outer;
	struct ip6_header inner;
	struct fgw_way way;

	if (!claim)
		return KNOWN_NOT;
	frame = fast_parse(ctx, &inner);
	if (!frame)
		return KNOWN_NOT;
	flow_ask_inner(&question, frame->destination + ETH_HEADER);
	flow_ask_frame(&question, frame->destination, &inner);
	if (!flow_find(&question, &way, claim))
		return KNOWN_NOT;
	if (way.kind == FGW_WAY_KERNEL)
		return FGW_PASS_NOT_PREFIX;
	if (!known_goes_fast(ctx, ETH_HEADER, &way, &inner))
		return KNOWN_NOT;
	fgw_copy(outer.source, way.own, sizeof(outer.source));
	fgw_copy(outer.destination, way.far, sizeof(outer.destination));
	stf_out_write(&outer, ecn_outer_class(way.ecn, stf_traffic_class(&inner)),
		      stf_length(&inner), flow_identification(&way), way.ttl);
	if (!fast_put_in(ctx, way.destination, way.source, &outer))
		return KNOWN_NOT;
	bpf_redirect(way.ifindex, 0);
	return FGW_STF_FAST_OUT;
}

#endif
