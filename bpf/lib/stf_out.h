/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Into a tunnel, at TC ingress of stf0's hidden peer: what the kernel sent through stf0
 * arrives here, is checked, gets an outer header and leaves by the uplink. TCP segments that
 * the kernel joined stay joined: the uplink cuts them, outer header and all.
 */
#ifndef FGW_LIB_STF_OUT_H
#define FGW_LIB_STF_OUT_H

#include "ctx_skb.h"
#include "ecn.h"
#include "eth.h"
#include "local.h"
#include "route.h"
#include "stf.h"

/* The outer destination: destination first, then gateway (S23; RFC 3056 5.3). */
static __always_inline void stf_out_next_hop(struct __sk_buff *skb, const struct fgw_stf *stf,
					     const __u8 *destination, __u8 *outer)
{
	__u32 hop = stf_next_hop(stf, destination);
	__u8 gateway[16];

	if (!hop) {
		fgw_copy(gateway, destination, sizeof(gateway));
		if (route_gateway(skb, stf, gateway))
			hop = stf_next_hop(stf, gateway);
	}
	hop = be32_to_host(hop);
	fgw_copy(outer, &hop, sizeof(hop));
}

static __always_inline void stf_out_fill(struct ip4_header *outer, const struct fgw_stf *stf,
					 const struct ip6_header *inner, __u32 length)
{
	__u8 traffic_class = (__u8)(inner->version_class << 4 | inner->class_flow[0] >> 4);
	__u32 random = bpf_get_prandom_u32();

	outer->version_words = 0x45;
	outer->service = ecn_outer_class(stf->ecn, traffic_class);
	outer->total_length = (__be16)be16_to_host((__be16)length);
	/* Routers may cut the packet, for DF is clear (R8, S5): so it needs a number. */
	outer->identification = (__be16)random;
	outer->offset_flags = 0;
	outer->ttl = stf->ttl;
	outer->protocol = FGW_L4_IP6;
	ip4_set_checksum(outer);
}

/* Everything but the change. What is longer than stf0's MTU the kernel has answered already
 * with a Packet Too Big; this is for an MTU that somebody changed behind our back. */
static __always_inline enum fgw_reason stf_out_check(struct __sk_buff *skb,
						     const struct fgw_stf *stf,
						     struct ip4_header *outer,
						     struct ip6_header *inner)
{
	const struct packet packet = packet_from_skb(skb);
	struct cursor cursor = cursor_at(&packet, 0);
	__u32 length = skb->len - ETH_HEADER;
	enum fgw_reason reason;

	if (skb->protocol != be16_to_host((__be16)FGW_L3_IP6) || !ip6_parse(&cursor, inner))
		return FGW_STF_OUT_SHORT;
	fgw_copy(outer->source, stf->address, sizeof(outer->source));
	stf_out_next_hop(skb, stf, inner->destination, outer->destination);
	reason = stf_check_out(stf, outer, inner);
	if (reason != FGW_STF_OUT)
		return reason;
	if (length + sizeof(*outer) > IP4_MAX_LENGTH || (!skb->gso_size && length > stf->mtu))
		return FGW_STF_OUT_TOO_BIG;
	stf_out_fill(outer, stf, inner, length + sizeof(*outer));
	return FGW_STF_OUT;
}

static __always_inline enum fgw_reason stf_out(struct __sk_buff *skb, const struct fgw_stf *stf)
{
	struct ip4_header outer;
	struct ip6_header inner;
	enum fgw_reason reason;

	if (!stf)
		return FGW_STF_OUT_NO_ADDRESS;
	reason = stf_out_check(skb, stf, &outer, &inner);
	if (reason == FGW_STF_OUT && !skb_put_in_ip4(skb, &outer))
		reason = FGW_STF_OUT_ROOM;
	return reason;
}

#endif
