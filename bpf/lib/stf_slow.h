/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a tunnel cannot do in the kernel goes to user space, as a copy in a ring: what came in
 * fragments, to be put together and shown to the same program again; ICMPv4 errors about what
 * went out. What a tunnel has claimed ends here whatever happens: no other tunnel of the host
 * sees what was not checked, and nobody answers it (L7). Nothing need know whether a daemon
 * lives: without one the ring stays full. Packets too long for the way out: stf_long.h.
 */
#ifndef FGW_LIB_STF_SLOW_H
#define FGW_LIB_STF_SLOW_H

#include "ctx_xdp.h"
#include "eth.h"
#include "ip4.h"
#include "rate.h"

#define SLOW_ICMP4_PER_SOURCE 100

/* The bucket of an IPv4 address is that of its 6to4 site; the /32 around it is its /16. */
static __always_inline bool slow_rate_allows(const __u8 *source, bool is_fragment)
{
	__u8 site[16] = {0x20, 0x02};

	fgw_copy(site + 2, source, 4);
	if (is_fragment)
		return rate_allows(site, FGW_RATE_FRAGMENTS, FGW_FRAGMENTS_PER_SOURCE) &&
		       rate_allows_anybody(FGW_RATE_FRAGMENTS_ALL, FGW_FRAGMENTS_PER_SECOND);
	return rate_allows(site, FGW_RATE_ICMP4, SLOW_ICMP4_PER_SOURCE) &&
	       rate_allows_anybody(FGW_RATE_ICMP4, FGW_STF_ICMP4_PER_SECOND);
}

static __always_inline bool slow_copy(struct xdp_md *ctx, void *to, __u32 length, __u32 room)
{
	/* Each limit by itself, and none of them zero: of both in one comparison, or of one with
	 * zero, the verifier of 6.1 learns nothing. */
	FGW_FORGET(length);
	if (length > room)
		return false;
	FGW_FORGET(length);
	return length >= sizeof(struct ip4_header) &&
	       !bpf_xdp_load_bytes(ctx, ETH_HEADER, to, length);
}

/* `room` is a constant, because a ring takes no other. */
static __always_inline bool slow_put(struct xdp_md *ctx, __u32 length, __u32 room)
{
	struct fgw_slow_packet *packet =
		bpf_ringbuf_reserve(&fgw_stf_slow, sizeof(*packet) + room, 0);

	if (!packet)
		return false;
	packet->ifindex = ctx->ingress_ifindex;
	packet->length = (__u16)length;
	packet->mtu = 0;
	if (!slow_copy(ctx, packet + 1, length, room)) {
		bpf_ringbuf_discard(packet, 0);
		return false;
	}
	bpf_ringbuf_submit(packet, 0);
	return true;
}

/* `what` is FGW_STF_FRAGMENT or FGW_STF_ICMP4, for a frame with a good IPv4 header. The same, or
 * why it is not taken. */
FGW_SUBPROGRAM int fgw_slow_path(struct xdp_md *ctx, __u32 what)
{
	const struct packet packet = packet_from_xdp(ctx);
	bool is_fragment = what == FGW_STF_FRAGMENT;
	struct ip4_header header;
	__u32 length;
	bool put;

	/* By the helper alone: of two ways to the same bytes the verifier of 6.18 complains. */
	if (!packet_load(&packet, ETH_HEADER, &header, sizeof(header)))
		return is_fragment ? FGW_STF_IN_HEADER : FGW_PASS_NOT_IP6;
	if (!slow_rate_allows(header.source, is_fragment))
		return is_fragment ? FGW_STF_FRAGMENT_RATE : FGW_STF_ICMP4_RATE;
	length = be16_to_host(header.total_length);
	if (length <= FGW_SLOW_SHORT_ROOM)
		put = slow_put(ctx, length, FGW_SLOW_SHORT_ROOM);
	else
		put = slow_put(ctx, length, FGW_SLOW_LONG_ROOM);
	if (is_fragment)
		return put ? FGW_STF_FRAGMENT : FGW_STF_IN_FRAGMENT;
	return put ? FGW_STF_ICMP4 : FGW_STF_ICMP4_RATE;
}

#endif
