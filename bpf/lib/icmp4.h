/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP (RFC 792): the errors, and the packet that they quote. Pure. */
#ifndef FGW_LIB_ICMP4_H
#define FGW_LIB_ICMP4_H

#include "ip4.h"

enum icmp4_type {
	ICMP4_DESTINATION_UNREACHABLE = 3,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER_PROBLEM = 12,
	ICMP4_TYPE_ANY = 255, /* every other value may occur too */
};

struct icmp4_error {
	__u8 type; /* enum icmp4_type */
	__u8 code;
	__u16 checksum;
	__be32 body;
	struct ip4_header quoted; /* 8 bytes of its payload follow at least */
};
FGW_ASSERT_SIZE(struct icmp4_error, 28);

static __always_inline bool icmp4_is_error(const struct icmp4_error *message)
{
	enum icmp4_type type = (enum icmp4_type)message->type;

	return type == ICMP4_DESTINATION_UNREACHABLE || type == ICMP4_TIME_EXCEEDED ||
	       type == ICMP4_PARAMETER_PROBLEM;
}

/* With the cursor at an IPv4 header: read the error behind it, and stay. */
static __always_inline bool icmp4_peek_error(const struct cursor *cursor,
					     const struct ip4_header *outer,
					     struct icmp4_error *message)
{
	struct cursor behind = *cursor;

	return !ip4_is_fragment(outer) && cursor_skip(&behind, ip4_header_length(outer)) &&
	       cursor_peek(&behind, message, sizeof(*message)) && icmp4_is_error(message);
}

#endif
