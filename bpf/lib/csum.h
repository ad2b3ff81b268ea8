/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The Internet checksum (RFC 1071). Byte order does not matter to it: words are summed as
 * they lie in memory, and the result is stored the same way. Pure. */
#ifndef FGW_LIB_CSUM_H
#define FGW_LIB_CSUM_H

#include "compiler.h"

/* Add 32-bit words to a sum; 2^32 of them fit. */
static __always_inline __u64 csum_add(__u64 sum, const __u32 *words, __u32 count)
{
	for (__u32 i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

/* What a checksum field holds for this sum. Three folds: 64 bits to 33, to 18, to 17; the
 * fourth takes the last carry. */
static __always_inline __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

#endif
