/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which IPv4 address an address in a prefix stands for (D19, RFC 6052 2.2). Pure. */
#ifndef FGW_LIB_TARGET_H
#define FGW_LIB_TARGET_H

#include "compiler.h"
#include <faith/abi.h>

#define TARGET_OCTET_8 8 /* bits 64 to 71, which RFC 6052 keeps zero */

static __always_inline void target_pick(__u8 *target, const __u8 *address, int a, int b, int c,
					int d)
{
	target[0] = address[a];
	target[1] = address[b];
	target[2] = address[c];
	target[3] = address[d];
}

/* False when the address embeds none: bits that must be zero are not. */
static __always_inline bool target_extract(const struct fgw_prefix_val *prefix, const __u8 *address,
					   __u8 *target)
{
	/* With a /96 both layouts are the same, and octet 8 is the prefix's own. */
	if (prefix->layout == FGW_LAYOUT_FAITH || prefix->prefix_len == 96) {
		target_pick(target, address, 12, 13, 14, 15);
		return true;
	}
	switch (prefix->prefix_len) {
	case 32:
		target_pick(target, address, 4, 5, 6, 7);
		break;
	case 40:
		target_pick(target, address, 5, 6, 7, 9);
		break;
	case 48:
		target_pick(target, address, 6, 7, 9, 10);
		break;
	case 56:
		target_pick(target, address, 7, 9, 10, 11);
		break;
	default: /* 64: user space lets no other length in */
		target_pick(target, address, 9, 10, 11, 12);
		break;
	}
	return address[TARGET_OCTET_8] == 0;
}

#endif
