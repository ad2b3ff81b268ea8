/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an IPv6 header announces as next: upper layers, and the extension headers that
 * share their numbers. Its own type: the numbers mean nothing as an enum fgw_l3. Pure.
 */
#ifndef FGW_LIB_L4_H
#define FGW_LIB_L4_H

#include "compiler.h"
#include <faith/abi.h>

enum fgw_l4 {
	FGW_L4_HOP_BY_HOP = 0,
	FGW_L4_ICMP4 = 1,
	FGW_L4_TCP = 6,
	FGW_L4_UDP = 17,
	FGW_L4_IP6 = 41, /* IPv6 in IPv4 */
	FGW_L4_ROUTING = 43,
	FGW_L4_FRAGMENT = 44,
	FGW_L4_AUTHENTICATION = 51,
	FGW_L4_ICMP6 = 58,
	FGW_L4_DESTINATION = 60,
	FGW_L4_ANY = 255, /* every other value may occur too */
};

/* Everything of a TCP header that is not an option. */
struct tcp_header {
	__be16 source_port;
	__be16 destination_port;
	__be32 sequence;
	__be32 acknowledgement;
	__be16 offset_flags;
	__be16 window;
	__be16 checksum;
	__be16 urgent;
};
FGW_ASSERT_SIZE(struct tcp_header, 20);

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

static __always_inline __u32 tcp_header_length(const struct tcp_header *header)
{
	return (__u32)(be16_to_host(header->offset_flags) >> 12) * 4;
}

/* Whether it asks for a connection: the flags are the low byte. */
static __always_inline bool tcp_opens(const struct tcp_header *header)
{
	return (be16_to_host(header->offset_flags) & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

#endif
