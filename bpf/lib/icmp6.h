/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMPv6 (RFC 4443): the header of an error, and which errors TCP needs. Pure. */
#ifndef FGW_LIB_ICMP6_H
#define FGW_LIB_ICMP6_H

#include "compiler.h"
#include <faith/abi.h>

enum icmp6_type {
	ICMP6_DESTINATION_UNREACHABLE = 1,
	ICMP6_PACKET_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_TYPE_ANY = 255, /* every other value may occur too */
};

struct icmp6_header {
	__u8 type; /* enum icmp6_type */
	__u8 code;
	__be16 checksum;
	__be32 body; /* the MTU of a packet too big */
};
FGW_ASSERT_SIZE(struct icmp6_header, 8);

/* F16: path MTU discovery breaks without them. Parameter problem (4) is not among them. */
static __always_inline bool icmp6_is_for_tcp(const struct icmp6_header *header)
{
	enum icmp6_type type = (enum icmp6_type)header->type;

	return type == ICMP6_DESTINATION_UNREACHABLE || type == ICMP6_PACKET_TOO_BIG ||
	       type == ICMP6_TIME_EXCEEDED;
}

#endif
