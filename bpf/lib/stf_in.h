/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Out of a tunnel, at XDP of the uplink: IPv4 -> claim -> checks -> the outer header goes,
 * and a mark in front of the frame tells TC to move what is left to stf0
 * (tc_decap.bpf.c). So the kernel sees it come in there: taps, counters and filters too.
 *
 * Until a tunnel has claimed a packet it is none of ours and passes. From then on it is
 * taken out or consumed: passed on, it would be answered by ICMP (L7, RFC 4213 3.6).
 */
#ifndef FGW_LIB_STF_IN_H
#define FGW_LIB_STF_IN_H

#include "ctx_xdp.h"
#include "local.h"
#include "route.h"
#include "stf_frame.h"

/* What has to ask the routing tables comes last. */
static __always_inline enum fgw_reason stf_in_check_routes(struct xdp_md *ctx,
							   const struct fgw_stf *stf,
							   const struct ip4_header *outer,
							   const struct ip6_header *inner)
{
	/* The IPv4 address in a 6to4 source needs no question of its own: it is this one. */
	if (stf->flags & FGW_STF_INGRESS && !route_is_by_uplink(ctx, stf, outer->source))
		return FGW_STF_IN_INGRESS;
	if (!stf_is_for_site(stf, inner) &&
	    route_is_back(ctx, stf, inner->source, inner->destination))
		return FGW_STF_IN_LOOP;
	return FGW_STF_IN;
}

static __always_inline enum fgw_reason stf_in_finish(struct xdp_md *ctx, const struct fgw_stf *stf,
						     const struct ip4_header *outer,
						     const struct ip6_header *inner, bool probing)
{
	struct fgw_stf_mark mark = {.mark = FGW_STF_MARK,
				    .peer = stf->peer,
				    .mss = stf->mss,
				    .outer_mark = outer->service & ECN_BITS,
				    .ecn = stf->ecn};
	struct eth_front front;
	enum fgw_reason reason = stf_in_front(stf, outer, inner, &front);

	if (reason == FGW_STF_IN_ECN || probing)
		return reason;
	fgw_copy(mark.far, outer->source, sizeof(mark.far));
	if (!xdp_take_out(ctx, ip4_header_length(outer), &front) || !xdp_mark(ctx, &mark))
		return FGW_STF_IN_ROOM;
	return reason;
}

/* With the cursor at the IPv4 header. */
static __always_inline enum fgw_reason stf_in(struct xdp_md *ctx, struct cursor *cursor,
					      bool probing)
{
	struct ip6_header inner;
	struct ip4_header outer;
	const struct fgw_stf *stf;
	enum fgw_reason reason;

	if (!ip4_peek(cursor, &outer) ||
	    (outer.protocol != FGW_L4_IP6 && outer.protocol != FGW_L4_ICMP4))
		return FGW_PASS_NOT_IP6;
	stf = stf_find(ctx->ingress_ifindex, outer.destination);
	if (!stf)
		return FGW_PASS_NOT_IP6;
	if (outer.protocol != FGW_L4_IP6)
		return stf_is_error_about(cursor, stf, &outer) ? FGW_STF_ICMP4 : FGW_PASS_NOT_IP6;
	reason = stf_in_judge(cursor, stf, &outer, &inner);
	if (reason == FGW_STF_IN)
		reason = stf_in_check_routes(ctx, stf, &outer, &inner);
	if (reason == FGW_STF_IN)
		reason = stf_in_finish(ctx, stf, &outer, &inner, probing);
	return reason;
}

/* An untagged frame with IPv4 in it. An enum fgw_reason; FGW_PASS_NOT_IP6: no tunnel's.
 * Global, so that it is verified once and has a stack of its own. `probing` changes nothing. */
FGW_SUBPROGRAM int fgw_stf_in(struct xdp_md *ctx, __u32 probing)
{
	const struct packet packet = packet_from_xdp(ctx);
	struct cursor cursor = cursor_at(&packet, ETH_HEADER);

	return stf_in(ctx, &cursor, probing);
}

#endif
