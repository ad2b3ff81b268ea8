/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet as XDP sees it: a frame, offsets from its first byte. The headers in front
 * are read in place; what lies behind them, or beyond the first buffer (xdp.frags: jumbo
 * frames, header split), is fetched by the helper.
 */
#ifndef FGW_LIB_CTX_XDP_H
#define FGW_LIB_CTX_XDP_H

#include "cursor.h"
#include "eth.h"
#include <faith/abi.h>

struct packet {
	struct xdp_md *ctx;
	__u8 *data;
	__u8 *data_end;
};

static __always_inline struct packet packet_from_xdp(struct xdp_md *ctx)
{
	return (struct packet){
		.ctx = ctx,
		.data = (__u8 *)(long)ctx->data,
		.data_end = (__u8 *)(long)ctx->data_end,
	};
}

static __always_inline bool packet_load(const struct packet *packet, __u32 offset, void *to,
					__u32 length)
{
	return bpf_xdp_load_bytes(packet->ctx, offset, to, length) == 0;
}

static __always_inline bool packet_load_front(const struct packet *packet, __u32 offset, void *to,
					      __u32 length)
{
	const __u8 *from = packet->data + offset;

	if (from + length > packet->data_end)
		return packet_load(packet, offset, to, length);
	/* Without the promise clang copies byte by byte. Headers sit at multiples of four
	 * from a network header that the kernel aligns so (NET_IP_ALIGN). */
	fgw_copy(to, __builtin_assume_aligned(from, 4), length);
	return true;
}

static __always_inline bool packet_holds(const struct packet *packet, __u32 length)
{
	return length <= (__u64)(packet->data_end - packet->data) ||
	       length <= bpf_xdp_get_buff_len(packet->ctx);
}

/* --- changes: a packet that leaves its tunnel, and no other ----------------------------- */

/* Take `length` bytes away behind the Ethernet header, and write the front anew. */
static __always_inline bool xdp_take_out(struct xdp_md *ctx, __u32 length,
					 const struct eth_front *front)
{
	struct eth_front *frame;

	if (bpf_xdp_adjust_head(ctx, (int)length))
		return false;
	frame = (struct eth_front *)(long)ctx->data;
	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return false;
	*frame = *front;
	return true;
}

/* Put a mark in front of the frame, where TC finds it. */
static __always_inline bool xdp_mark(struct xdp_md *ctx, const struct fgw_stf_mark *mark)
{
	struct fgw_stf_mark *place;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*mark)))
		return false;
	place = (struct fgw_stf_mark *)(long)ctx->data_meta;
	if ((void *)(place + 1) > (void *)(long)ctx->data)
		return false;
	*place = *mark;
	return true;
}

#endif
