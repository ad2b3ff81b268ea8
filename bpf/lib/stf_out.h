/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Into a tunnel, at TC ingress of stf0's hidden peer: what the kernel sent through stf0
 * arrives here, is checked, gets an outer header and leaves by the uplink. TCP segments that
 * the kernel joined stay joined: the uplink cuts them, outer header and all.
 */
#ifndef FGW_LIB_STF_OUT_H
#define FGW_LIB_STF_OUT_H

#include "ctx_skb.h"
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
						     struct ip4_header *outer)
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
	return reason == FGW_STF_OUT ? long_check(skb, stf, &inner, segment, probing, outer)
				     : reason;
}

static __always_inline enum fgw_reason stf_out(struct __sk_buff *skb, const struct fgw_stf *stf,
					       bool probing)
{
	struct ip4_header outer;
	enum fgw_reason reason;

	if (!stf)
		return FGW_STF_OUT_NO_ADDRESS;
	reason = stf_out_check(skb, stf, probing, &outer);
	if (reason != FGW_STF_OUT)
		return reason;
	if (stf->mss)
		fgw_clamp_mss(skb, stf->mss);
	return skb_put_in_ip4(skb, &outer) ? FGW_STF_OUT : FGW_STF_OUT_ROOM;
}

#endif
