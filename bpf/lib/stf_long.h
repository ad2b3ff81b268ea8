/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a packet fits its way out of a tunnel (RFC 4213 3.2), at TC. What is too long goes to
 * user space, as far as an ICMPv6 error quotes it, and its source is told. A program here could
 * not tell it: a checksum that a device still owes would be paid into the error.
 */
#ifndef FGW_LIB_STF_LONG_H
#define FGW_LIB_STF_LONG_H

#include "ctx_skb.h"
#include "rate.h"
#include "stf_frame.h"

#define LONG_QUOTED (IP6_LEAST_MTU - 48) /* IPv6 and ICMPv6 in front of it */

/* The MTU of the uplink. bpf_redirect_neigh() does not ask for it. */
static __always_inline __u32 long_link_mtu(struct __sk_buff *skb, const struct fgw_stf *stf)
{
	__u32 mtu = 0;

	return bpf_check_mtu(skb, stf->uplink, &mtu, 0, 0) < 0 ? IP4_MAX_LENGTH : mtu;
}

/* What the network has said of the path, 0: nothing, or long ago. */
static __always_inline __u32 long_learnt_mtu(const struct fgw_stf *stf,
					     const struct ip4_header *outer)
{
	struct fgw_pmtu_key key = {.uplink = stf->uplink};
	const struct fgw_pmtu *learnt;

	if (!(stf->flags & FGW_STF_PMTU))
		return 0;
	fgw_copy(key.destination, outer->destination, sizeof(key.destination));
	learnt = bpf_map_lookup_elem(&fgw_pmtu, &key);
	return learnt && learnt->until_ns > bpf_ktime_get_ns() ? learnt->mtu : 0;
}

/* The IPv6 packet, or of segments of `segment` bytes, joined, the longest one. */
static __always_inline __u32 long_longest(struct __sk_buff *skb, const struct ip6_header *inner,
					  __u32 segment)
{
	__u32 headers = sizeof(*inner) + 8;
	struct tcp_header tcp;

	if (!segment)
		return skb->len - ETH_HEADER;
	if (inner->next_header == FGW_L4_TCP &&
	    !bpf_skb_load_bytes(skb, ETH_HEADER + sizeof(*inner), &tcp, sizeof(tcp)))
		headers = sizeof(*inner) + tcp_header_length(&tcp);
	return headers + segment;
}

/* False: there is no room, because nobody reads. */
static __always_inline bool long_hand_over(struct __sk_buff *skb, __u32 mtu)
{
	struct fgw_slow_packet *packet;

	if (!rate_allows_anybody(FGW_RATE_TOO_BIG, FGW_TOO_BIG_PER_SECOND))
		return true;
	packet = bpf_ringbuf_reserve(&fgw_stf_slow, sizeof(*packet) + FGW_SLOW_SHORT_ROOM, 0);
	if (!packet)
		return false;
	packet->ifindex = skb->ifindex;
	packet->length = LONG_QUOTED;
	packet->mtu = (__u16)mtu;
	/* It is longer than the least MTU, so there is as much. */
	if (bpf_skb_load_bytes(skb, ETH_HEADER, packet + 1, LONG_QUOTED))
		bpf_ringbuf_discard(packet, 0);
	else
		bpf_ringbuf_submit(packet, 0);
	return true;
}

/* What the way to an outer destination takes; `link` is what the uplink does. */
static __always_inline struct stf_path long_path(struct __sk_buff *skb, const struct fgw_stf *stf,
						 const struct ip4_header *outer, __u32 *link)
{
	struct stf_path anything = {.mtu = 0xffffffff, .whole = false};

	*link = 0;
	/* The least MTU goes everywhere. */
	if (stf->mtu <= IP6_LEAST_MTU && !(stf->flags & FGW_STF_PMTU))
		return anything;
	*link = long_link_mtu(skb, stf);
	return stf_path_of(stf, *link, long_learnt_mtu(stf, outer));
}

/* A packet with its outer header ready. FGW_STF_OUT, or why it does not go. */
static __always_inline enum fgw_reason long_check(struct __sk_buff *skb, const struct fgw_stf *stf,
						  const struct ip6_header *inner, __u32 segment,
						  bool probing, struct ip4_header *outer,
						  struct stf_path *path)
{
	__u32 longest, link;

	*path = long_path(skb, stf, outer, &link);
	longest = long_longest(skb, inner, segment);
	if (longest <= path->mtu) {
		if (path->whole)
			stf_out_keep_whole(outer);
		return FGW_STF_OUT;
	}
	if (probing)
		return FGW_STF_OUT_PMTU;
	/* Without a daemon nobody would be told: then routers shall cut what they can. */
	if (!long_hand_over(skb, path->mtu) && longest + sizeof(*outer) <= link)
		return FGW_STF_OUT;
	return FGW_STF_OUT_PMTU;
}

#endif
