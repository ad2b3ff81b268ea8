/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The options of a TCP header (RFC 9293 3.2): where one of them is. Pure. */
#ifndef FGW_LIB_TCP_OPTIONS_H
#define FGW_LIB_TCP_OPTIONS_H

#include "compiler.h"
#include <faith/abi.h>

enum tcp_option {
	TCP_OPTION_END = 0,
	TCP_OPTION_NONE = 1, /* one byte, padding */
	TCP_OPTION_MSS = 2,
};

#define TCP_MAX_OPTIONS 40
#define TCP_MSS_BYTES	4 /* kind, length, value */

/* The place of the MSS option's value; negative: there is none. What is beyond the options must
 * be zero. A step for each byte, with the place a constant: walking from option to option, the
 * verifier would follow every length of every option. */
static __always_inline int tcp_find_mss(const __u8 *options)
{
	__u32 inside = 0; /* bytes of an option that are still to be skipped */

	for (int at = 0; at + TCP_MSS_BYTES <= TCP_MAX_OPTIONS; at++) {
		__u8 kind = options[at], length = options[at + 1];

		if (inside) {
			inside--;
			continue;
		}
		if (kind == TCP_OPTION_END)
			break;
		if (kind == TCP_OPTION_NONE)
			continue;
		if (kind == TCP_OPTION_MSS && length == TCP_MSS_BYTES)
			return at + 2;
		if (length < 2)
			break;
		inside = length - 1u;
	}
	return -1;
}

#endif
