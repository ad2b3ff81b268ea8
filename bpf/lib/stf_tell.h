/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Congestion marks of a tunnel's packet that no path makes are told, but not every one of a
 * flood (RFC 6040 4.2). Afterwards, from what is left of the packet: with the stack of stf_in.h
 * there is no room for more.
 */
#ifndef FGW_LIB_STF_TELL_H
#define FGW_LIB_STF_TELL_H

#include "ctx_xdp.h"
#include "event.h"
#include "local.h"
#include "stf_frame.h"

/* What the event is made of besides the inner header. */
struct tell_outer {
	__u8 far[4];
	__u32 outer_mark;
	__u32 inner_at; /* where the inner header begins */
};

/* The outer header of a packet that is refused is still there; the tunnel it is for, or NULL. */
static __always_inline const struct fgw_stf *tell_refused(struct xdp_md *ctx,
							  struct tell_outer *outer)
{
	const struct packet packet = packet_from_xdp(ctx);
	struct ip4_header header;

	if (!packet_load(&packet, ETH_HEADER, &header, sizeof(header)))
		return NULL;
	fgw_copy(outer->far, header.source, sizeof(outer->far));
	outer->outer_mark = header.service & ECN_BITS;
	outer->inner_at = ETH_HEADER + ip4_header_length(&header);
	return stf_find(ctx->ingress_ifindex, header.destination);
}

/* Of one that was taken out, its mark tells. */
static __always_inline const struct fgw_stf *tell_taken(struct xdp_md *ctx,
							struct tell_outer *outer)
{
	const struct fgw_stf_mark *mark = (const struct fgw_stf_mark *)(long)ctx->data_meta;
	const __u8 any[4] = {0, 0, 0, 0};

	if ((const void *)(mark + 1) > (const void *)(long)ctx->data)
		return NULL;
	fgw_copy(outer->far, mark->far, sizeof(outer->far));
	outer->outer_mark = mark->outer_mark;
	outer->inner_at = ETH_HEADER;
	return stf_find(mark->peer, any);
}

/* The inner mark is the one that came: where it is changed, no path makes it odd. */
static __always_inline void tell_event(const struct fgw_stf *stf, const struct tell_outer *outer,
				       const struct ip6_header *inner, __u32 reason)
{
	struct fgw_event *event;

	if (!rate_allows_anybody(FGW_RATE_ECN, FGW_ECN_EVENTS_PER_SECOND))
		return;
	event = event_reserve(FGW_HOOK_XDP);
	if (!event)
		return;
	event->reason = reason;
	fgw_copy(event->source, inner->source, sizeof(event->source));
	fgw_copy(event->destination, inner->destination, sizeof(event->destination));
	fgw_copy(event->target, outer->far, sizeof(event->target));
	event->interface_index = stf->device;
	event->inner_mark = stf_traffic_class(inner) & ECN_BITS;
	event->outer_mark = outer->outer_mark & ECN_BITS;
	bpf_ringbuf_submit(event, 0);
}

/* `reason` is FGW_STF_IN_ODD_ECN or FGW_STF_IN_ECN. Returns nothing of use. */
FGW_SUBPROGRAM int fgw_tell_marks(struct xdp_md *ctx, __u32 reason)
{
	const struct packet packet = packet_from_xdp(ctx);
	struct tell_outer outer = {};
	struct ip6_header inner;
	const struct fgw_stf *stf =
		reason == FGW_STF_IN_ECN ? tell_refused(ctx, &outer) : tell_taken(ctx, &outer);

	if (stf && stf->flags & FGW_STF_ECN_LOG &&
	    packet_load(&packet, outer.inner_at, &inner, sizeof(inner)))
		tell_event(stf, &outer, &inner, reason);
	return 0;
}

#endif
