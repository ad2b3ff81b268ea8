/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One packet of a tunnel, whole: what of it is checked besides its addresses (stf.h), and the
 * headers that it gets. All of a tunnel but the questions to maps and routing tables, so that
 * each hook does the same and the tests can do it a million times. Pure.
 */
#ifndef FGW_LIB_STF_FRAME_H
#define FGW_LIB_STF_FRAME_H

#include "ecn.h"
#include "eth.h"
#include "icmp4.h"
#include "stf.h"

/* The fronts of untagged frames, outside of a tunnel and on its way through. */
struct stf_inner_frame {
	__u8 destination[6];
	__u8 source[6];
	__be16 type;
	struct ip6_header inner;
} __attribute__((packed));
FGW_ASSERT_SIZE(struct stf_inner_frame, 54);

struct stf_outer_frame {
	__u8 destination[6];
	__u8 source[6];
	__be16 type;
	struct ip4_header outer;
	struct ip6_header inner;
} __attribute__((packed));
FGW_ASSERT_SIZE(struct stf_outer_frame, 74);

static __always_inline __u32 stf_length(const struct ip6_header *inner)
{
	return (__u32)sizeof(*inner) + be16_to_host(inner->payload_length);
}

static __always_inline __u8 stf_traffic_class(const struct ip6_header *inner)
{
	return (__u8)(inner->version_class << 4 | inner->class_flow[0] >> 4);
}

/* The outer header, and the inner one if it is there: nothing behind them matters here. */
static __always_inline enum fgw_reason
stf_in_parse(struct cursor *cursor, const struct ip4_header *outer, struct ip6_header *inner)
{
	__u32 outer_length = ip4_header_length(outer), inner_length;

	if (!ip4_bound(cursor, outer))
		return FGW_STF_IN_HEADER;
	if (!ip4_checksum_is_right(cursor, outer))
		return FGW_STF_IN_CHECKSUM;
	if (ip4_is_fragment(outer))
		return FGW_STF_FRAGMENT;
	/* Nearly every header has no options: then the place is a constant. */
	if (outer_length == sizeof(*outer)) {
		cursor->at += sizeof(*outer);
		if (!ip6_parse(cursor, inner))
			return FGW_STF_IN_SHORT;
	} else {
		if (!cursor_skip(cursor, outer_length) ||
		    !cursor_peek(cursor, inner, sizeof(*inner)) || inner->version_class >> 4 != 6)
			return FGW_STF_IN_SHORT;
		cursor->at += sizeof(*inner);
	}
	/* Its own length counts: the outer packet may be padded, but not shorter (R11). */
	inner_length = be16_to_host(inner->payload_length);
	return cursor_holds(cursor, inner_length) ? FGW_STF_IN : FGW_STF_IN_SHORT;
}

/* With the cursor at the outer header of a packet to a tunnel's own address. FGW_STF_IN, or
 * why not; what the routing tables say comes on top. FGW_STF_FRAGMENT: nothing behind the
 * outer header has been looked at. */
static __always_inline enum fgw_reason stf_in_judge(struct cursor *cursor,
						    const struct fgw_stf *stf,
						    const struct ip4_header *outer,
						    struct ip6_header *inner)
{
	enum fgw_reason reason;

	/* stf(4) did not claim these (S7, S9), so that a tunnel of somebody else may. */
	if (!(stf->flags & FGW_STF_INPUT))
		return FGW_STF_INPUT_OFF;
	if (!stf_is_peer(stf, ip4_address(outer->source)))
		return FGW_STF_NOT_PEER;
	reason = stf_in_parse(cursor, outer, inner);
	return reason == FGW_STF_IN ? stf_check_in(stf, outer, inner) : reason;
}

/* All of the front but the stations. */
static __always_inline void stf_in_write_front(const struct ip6_header *inner, __u8 mark,
					       struct eth_front *front)
{
	front->type = be16_to_host((__be16)FGW_L3_IP6);
	front->inner[0] = inner->version_class;
	front->inner[1] = (__u8)((inner->class_flow[0] & 0xcf) | mark << 4);
}

/* The front of the frame that a good packet becomes, as stf0's peer would send it. The reason
 * is the last: FGW_STF_IN, FGW_STF_IN_ODD_ECN, or FGW_STF_IN_ECN for one that ends here. */
static __always_inline enum fgw_reason stf_in_front(const struct fgw_stf *stf,
						    const struct ip4_header *outer,
						    const struct ip6_header *inner,
						    struct eth_front *front)
{
	struct ecn_joined ecn = ecn_decapsulate(stf->ecn, stf_traffic_class(inner), outer->service);

	if (ecn.drop)
		return FGW_STF_IN_ECN;
	fgw_copy(front->destination, stf->device_mac, sizeof(front->destination));
	fgw_copy(front->source, stf->peer_mac, sizeof(front->source));
	stf_in_write_front(inner, ecn.mark, front);
	return ecn.odd ? FGW_STF_IN_ODD_ECN : FGW_STF_IN;
}

/* An outer header but its addresses, for an inner packet of `length` bytes. `number` is any:
 * routers may cut the packet, for DF is clear (R8, S5). */
static __always_inline void stf_out_write(struct ip4_header *outer, __u8 service, __u32 length,
					  __u32 number, __u8 ttl)
{
	outer->version_words = 0x45;
	outer->service = service;
	outer->total_length = (__be16)be16_to_host((__be16)(length + sizeof(*outer)));
	outer->identification = (__be16)number;
	outer->offset_flags = 0;
	outer->ttl = ttl;
	outer->protocol = FGW_L4_IP6;
	ip4_set_checksum(outer);
}

/* The outer header of an inner packet of `length` bytes to the next hop `to`, 0: none. Segments
 * that the kernel joined are as long as they like: they leave one by one. FGW_STF_OUT, or why
 * not. */
static __always_inline enum fgw_reason stf_out_header(const struct fgw_stf *stf,
						      const struct ip6_header *inner, __u32 to,
						      __u32 length, bool joined, __u32 number,
						      struct ip4_header *outer)
{
	enum fgw_reason reason;

	to = be32_to_host(to);
	fgw_copy(outer->source, stf->address, sizeof(outer->source));
	fgw_copy(outer->destination, &to, sizeof(outer->destination));
	reason = stf_check_out(stf, outer, inner);
	if (reason != FGW_STF_OUT)
		return reason;
	if (length + sizeof(*outer) > IP4_MAX_LENGTH || (!joined && length > stf->mtu))
		return FGW_STF_OUT_TOO_BIG;
	stf_out_write(outer, ecn_outer_class(stf->ecn, stf_traffic_class(inner)), length, number,
		      stf->ttl);
	return FGW_STF_OUT;
}

/* --- the IPv4 network in between ---------------------------------------------------------- */

#define IP6_LEAST_MTU 1280

/* With the cursor at an IPv4 header that is none of a tunnel's packets, to its own address:
 * whether it is an error about one (R10). It may be forged; user space looks closer. */
static __always_inline bool stf_is_error_about(const struct cursor *cursor,
					       const struct fgw_stf *stf,
					       const struct ip4_header *outer)
{
	struct icmp4_error error;

	return outer->protocol == FGW_L4_ICMP4 && icmp4_peek_error(cursor, outer, &error) &&
	       error.quoted.version_words >> 4 == 4 && error.quoted.protocol == FGW_L4_IP6 &&
	       ip4_address(error.quoted.source) == ip4_address(stf->address);
}

/* What an IPv6 packet finds on its way out. */
struct stf_path {
	__u32 mtu;  /* the longest that goes */
	bool whole; /* routers must not cut it: so we hear how much they take */
};

/* `link` is the MTU of the uplink; `learnt` what the network has said of the path, 0: nothing.
 * RFC 4213 3.2.2: a path that takes no IPv6 packet of the least MTU cuts those. */
static __always_inline struct stf_path stf_path_of(const struct fgw_stf *stf, __u32 link,
						   __u32 learnt)
{
	bool follows = stf->flags & FGW_STF_PMTU;
	__u32 mtu = follows && learnt && learnt < link ? learnt : link;
	struct stf_path path = {.mtu = IP6_LEAST_MTU, .whole = false};

	if (mtu >= IP6_LEAST_MTU + sizeof(struct ip4_header)) {
		path.mtu = mtu - (__u32)sizeof(struct ip4_header);
		path.whole = follows;
	}
	return path;
}

static __always_inline void stf_out_keep_whole(struct ip4_header *outer)
{
	outer->offset_flags = (__be16)host_to_be16((__u16)IP4_DONT_FRAGMENT);
	ip4_set_checksum(outer);
}

#endif
