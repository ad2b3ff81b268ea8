/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reading position in a packet, and the three questions the parsers ask of a packet.
 * Who answers them is chosen by the one ctx_*.h that a file includes:
 *
 *   ctx_xdp.h   a frame, offsets from its first byte
 *   ctx_skb.h   a socket buffer at TC, offsets from its network header
 *   ctx_mem.h   plain memory: host unit tests and user space
 *
 * Invariant: nothing at or beyond `end` is ever read, and nothing is ever written.
 */
#ifndef FGW_LIB_CURSOR_H
#define FGW_LIB_CURSOR_H

#include "compiler.h"

struct packet;

/* Copy bytes out of the packet; false when it does not hold all of them. */
static bool packet_load(const struct packet *packet, __u32 offset, void *to, __u32 length);
/* The same for the headers in front, whose offset is one of a few constants: faster where
 * the hook can. With a variable offset the verifier follows every value of it. */
static bool packet_load_front(const struct packet *packet, __u32 offset, void *to, __u32 length);
/* Whether the packet is at least this long. */
static bool packet_holds(const struct packet *packet, __u32 length);

#define CURSOR_UNBOUNDED 0xffffffff /* no header has said yet where the packet ends */

struct cursor {
	const struct packet *packet;
	__u32 at;
	__u32 end;
};

static __always_inline struct cursor cursor_at(const struct packet *packet, __u32 offset)
{
	struct cursor cursor = {packet, offset, CURSOR_UNBOUNDED};

	return cursor;
}

/* Whether this much lies between the cursor and the end. Written so that it cannot wrap. */
static __always_inline bool cursor_holds(const struct cursor *cursor, __u32 length)
{
	return cursor->at <= cursor->end && length <= cursor->end - cursor->at;
}

static __always_inline bool cursor_skip(struct cursor *cursor, __u32 length)
{
	if (!cursor_holds(cursor, length))
		return false;
	cursor->at += length;
	return true;
}

/* Copy what is at the cursor, and stay. */
static __always_inline bool cursor_peek(const struct cursor *cursor, void *to, __u32 length)
{
	return cursor_holds(cursor, length) && packet_load(cursor->packet, cursor->at, to, length);
}

/* Copy a header in front, and go behind it. */
static __always_inline bool cursor_read_front(struct cursor *cursor, void *to, __u32 length)
{
	if (!packet_load_front(cursor->packet, cursor->at, to, length))
		return false;
	return cursor_skip(cursor, length);
}

#endif
