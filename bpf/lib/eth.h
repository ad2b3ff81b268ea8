/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ethernet and its VLAN tags: what is inside the frame, and where it begins. Pure. */
#ifndef FGW_LIB_ETH_H
#define FGW_LIB_ETH_H

#include "cursor.h"
#include <faith/abi.h>

/* What a frame carries. Its own type: the numbers mean nothing as an enum fgw_l4. */
enum fgw_l3 {
	FGW_L3_NONE = 0, /* the frame ends before it says */
	FGW_L3_IP4 = 0x0800,
	FGW_L3_VLAN = 0x8100,
	FGW_L3_IP6 = 0x86dd,
	FGW_L3_QINQ = 0x88a8,
	FGW_L3_ANY = 0xffff, /* every other value may occur too */
};

#define ETH_ADDRESSES  12 /* bytes before the type */
#define ETH_HEADER     14 /* without a tag */
#define ETH_MAX_TAGS   2  /* 802.1ad outside, 802.1Q inside */
#define ETH_MAX_HEADER (ETH_HEADER + ETH_MAX_TAGS * 4)

/* The first bytes of a frame that was inside of another packet. */
struct eth_front {
	__u8 destination[6];
	__u8 source[6];
	__be16 type;
	__u8 inner[2]; /* version, traffic class and four bits of the flow label */
};
FGW_ASSERT_SIZE(struct eth_front, 16);

static __always_inline enum fgw_l3 eth_read_type(struct cursor *cursor)
{
	__be16 type;

	if (!cursor_read_front(cursor, &type, sizeof(type)))
		return FGW_L3_NONE;
	return (enum fgw_l3)be16_to_host(type);
}

/* With the cursor behind a type that says `protocol`, go behind the tags. */
static __always_inline enum fgw_l3 vlan_parse(struct cursor *cursor, enum fgw_l3 protocol)
{
	__u16 control; /* priority and VLAN number, nobody's business here */

	for (int tags = 0; tags < ETH_MAX_TAGS; tags++) {
		if (protocol != FGW_L3_VLAN && protocol != FGW_L3_QINQ)
			break;
		if (!cursor_skip(cursor, sizeof(control)))
			return FGW_L3_NONE;
		protocol = eth_read_type(cursor);
	}
	return protocol;
}

static __always_inline enum fgw_l3 eth_parse(struct cursor *cursor)
{
	if (!cursor_skip(cursor, ETH_ADDRESSES))
		return FGW_L3_NONE;
	return vlan_parse(cursor, eth_read_type(cursor));
}

#endif
