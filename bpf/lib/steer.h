/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which listener takes a connection, and which ports are captured. Pure. */
#ifndef FGW_LIB_STEER_H
#define FGW_LIB_STEER_H

#include "compiler.h"
#include <faith/abi.h>

struct steer_tuple {
	__u32 words[10]; /* remote address, local address, remote port, local port */
};

/* The same connection must reach the same listener each time it is looked up: the ACK of
 * a SYN cookie is valid only there. So no counter and no random number, just a mix of the
 * 4-tuple; the multiplier is 2^32 divided by the golden ratio. */
static __always_inline __u32 steer_hash(const struct steer_tuple *tuple)
{
	__u32 hash = 0;

	for (int i = 0; i < 10; i++) {
		hash = (hash ^ tuple->words[i]) * 0x9e3779b1u;
		hash ^= hash >> 15;
	}
	return hash;
}

/* Listener 0..listeners-1; the high bits decide, they are mixed best. */
static __always_inline __u32 steer_slot(const struct steer_tuple *tuple, __u32 listeners)
{
	return (__u32)(((__u64)steer_hash(tuple) * listeners) >> 32);
}

static __always_inline bool steer_port_is_captured(const struct fgw_port_word *word, __u16 port)
{
	return (word->bits >> (port % 64)) & 1;
}

#endif
