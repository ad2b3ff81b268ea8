/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet as plain memory, for host programs: offsets from its first byte. */
#ifndef FGW_LIB_CTX_MEM_H
#define FGW_LIB_CTX_MEM_H

#include "cursor.h"

struct packet {
	const __u8 *data;
	__u32 length;
};

static inline bool packet_load(const struct packet *packet, __u32 offset, void *to, __u32 length)
{
	if (offset > packet->length || length > packet->length - offset)
		return false;
	fgw_copy(to, packet->data + offset, length);
	return true;
}

static inline bool packet_load_front(const struct packet *packet, __u32 offset, void *to,
				     __u32 length)
{
	return packet_load(packet, offset, to, length);
}

static inline bool packet_holds(const struct packet *packet, __u32 length)
{
	return length <= packet->length;
}

#endif
