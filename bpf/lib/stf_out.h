/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Into a tunnel, at TC ingress of stf0's hidden peer: what the kernel sent through stf0
 * arrives here, is checked, gets an outer header and leaves by the uplink. TCP segments that
 * the kernel joined stay joined: the uplink cuts them, outer header and all.
 */
#ifndef FGW_LIB_STF_OUT_H
#define FGW_LIB_STF_OUT_H

#include "ctx_skb.h"
#include "flow.h"
#include "local.h"
#include "mss.h"
#include "route.h"
#include "stf_frame.h"
#include "stf_long.h"

/* The outer destination: destination first, then gateway (S23; RFC 3056 5.3). 0: none. */
static __always_inline __u32 stf_out_next_hop(struct __sk_buff *skb, const struct fgw_stf *stf,
					      const __u8 *destination)
{
	__u32 hop = stf_next_hop(stf, destination);
	__u8 gateway[16];

	if (hop)
		return hop;
	fgw_copy(gateway, destination, sizeof(gateway));
	return route_gateway(skb, stf, gateway) ? stf_next_hop(stf, gateway) : 0;
}

/* Everything but the change. What is longer than stf0's MTU the kernel has answered already
 * with a Packet Too Big; this is for an MTU that somebody changed behind our back. */
static __always_inline enum fgw_reason stf_out_check(struct __sk_buff *skb,
						     const struct fgw_stf *stf, bool probing,
						     struct ip4_header *outer,
						     struct stf_path *path)
{
	const struct packet packet = packet_from_skb(skb);
	struct cursor cursor = cursor_at(&packet, 0);
	struct ip6_header inner;
	__u32 segment = skb->gso_size, hop;
	enum fgw_reason reason;

	FGW_FORGET(segment); /* else it is read twice, the second time by a pointer to it */
	if (skb->protocol != be16_to_host((__be16)FGW_L3_IP6) || !ip6_parse(&cursor, &inner))
		return FGW_STF_OUT_SHORT;
	hop = stf_out_next_hop(skb, stf, inner.destination);
	reason = stf_out_header(stf, &inner, hop, skb->len - ETH_HEADER, segment != 0,
				bpf_get_prandom_u32(), outer);
	return reason == FGW_STF_OUT ? long_check(skb, stf, &inner, segment, probing, outer, path)
				     : reason;
}

/* The only place where a packet enters the tunnel. Its neighbour is found by the kernel. */
static __always_inline enum fgw_reason stf_out_leave(struct __sk_buff *skb, __u32 uplink, __u16 mss,
						     const struct ip4_header *outer)
{
	if (mss)
		fgw_clamp_mss(skb, mss);
	if (!skb_put_in_ip4(skb, outer))
		return FGW_STF_OUT_ROOM;
	bpf_redirect_neigh(uplink, NULL, 0, 0); /* TC_ACT_REDIRECT, which is all it can say */
	return FGW_STF_OUT;
}

static __always_inline void stf_out_learn(const struct flow_claim *claim, const struct fgw_stf *stf,
					  const struct ip4_header *outer,
					  const struct stf_path *path)
{
	struct fgw_way way = {.kind = FGW_WAY_SLOW,
			      .ifindex = stf->uplink,
			      .mtu = path->mtu < stf->mtu ? path->mtu : stf->mtu,
			      .mss = stf->mss,
			      .ecn = stf->ecn,
			      .ttl = stf->ttl,
			      .whole = path->whole,
			      .random = bpf_get_prandom_u32()};

	fgw_copy(way.own, outer->source, sizeof(way.own));
	fgw_copy(way.far, outer->destination, sizeof(way.far));
	flow_learn(claim, &way);
}

/* The whole way. FGW_STF_OUT: it is redirected; else why it does not go. Global, as is the
 * next one, so that their stacks do not add up. */
FGW_SUBPROGRAM int fgw_stf_out(struct __sk_buff *skb, __u32 probing, const struct flow_claim *claim)
{
	const __u8 any[4] = {0, 0, 0, 0};
	const struct fgw_stf *stf = stf_find(skb->ifindex, any);
	struct ip4_header outer;
	struct stf_path path;
	enum fgw_reason reason;

	if (!stf || !claim)
		return FGW_STF_OUT_NO_ADDRESS;
	reason = stf_out_check(skb, stf, probing, &outer, &path);
	if (reason != FGW_STF_OUT)
		return reason;
	stf_out_learn(claim, stf, &outer, &path);
	return stf_out_leave(skb, stf->uplink, stf->mss, &outer);
}

/* A packet whose way is known (flow.h) asks no map but that memory and no routing table. Then
 * FGW_STF_OUT, and it is redirected; KNOWN_NOT: it is as it was, and goes the whole way. */
FGW_SUBPROGRAM int fgw_stf_known_tc(struct __sk_buff *skb, struct flow_claim *claim)
{
	const __u8 *frame = (const __u8 *)(long)skb->data;
	struct flow_question question = {.ifindex = skb->ifindex, .way = FLOW_OUT};
	struct ip6_header inner;
	struct ip4_header outer;
	struct fgw_way way;

	if (!claim)
		return KNOWN_NOT;
	if (skb->protocol != be16_to_host((__be16)FGW_L3_IP6) ||
	    frame + sizeof(struct stf_inner_frame) > (const __u8 *)(long)skb->data_end)
		return KNOWN_NOT;
	fgw_copy(&inner, __builtin_assume_aligned(frame + ETH_HEADER, 4), sizeof(inner));
	flow_ask_inner(&question, frame + ETH_HEADER);
	if (inner.version_class >> 4 != 6 || !flow_find(&question, &way, claim) ||
	    long_longest(skb, &inner, skb->gso_size) > way.mtu)
		return KNOWN_NOT;
	fgw_copy(outer.source, way.own, sizeof(outer.source));
	fgw_copy(outer.destination, way.far, sizeof(outer.destination));
	stf_out_write(&outer, ecn_outer_class(way.ecn, stf_traffic_class(&inner)),
		      skb->len - ETH_HEADER, flow_identification(&way), way.ttl);
	if (way.whole)
		stf_out_keep_whole(&outer);
	return stf_out_leave(skb, way.ifindex, way.mss, &outer);
}

#endif
