/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv6: the fixed header, the end that it announces, and the walk along the extension
 * headers (RFC 8200 4) to the upper layer. Pure; judges nothing.
 */
#ifndef FGW_LIB_IP6_H
#define FGW_LIB_IP6_H

#include "cursor.h"
#include "l4.h"
#include <faith/abi.h>

struct ip6_header {
	__u8 version_class; /* version in the high nibble */
	__u8 class_flow[3];
	__be16 payload_length;
	__u8 next_header;
	__u8 hop_limit;
	__u8 source[16];
	__u8 destination[16];
};
FGW_ASSERT_SIZE(struct ip6_header, 40);

/* The first bytes of every extension header. */
struct ip6_extension {
	__u8 next_header;
	__u8 length;	     /* in a unit that depends on the header; fragment: reserved */
	__be16 offset_flags; /* fragment only */
};
FGW_ASSERT_SIZE(struct ip6_extension, 4);

#define IP6_FRAGMENT_OFFSET 0xfff8
#define IP6_FRAGMENT_MORE   0x0001

enum ip6_fragment {
	IP6_WHOLE, /* atomic fragments included (RFC 6946) */
	IP6_FIRST_FRAGMENT,
	IP6_LATER_FRAGMENT,
};

/* Where a walk ended: at the header of `protocol`, or behind the fragment header of a
 * later fragment, where no header need follow. */
struct ip6_chain {
	enum fgw_l4 protocol;
	enum ip6_fragment fragment;
};

enum ip6_walk {
	IP6_WALK_ARRIVED,
	IP6_WALK_SHORT,	   /* a header lies outside of the packet */
	IP6_WALK_TOO_LONG, /* more than FGW_MAX_EXT_HEADERS of them */
};

static __always_inline bool ip6_parse(struct cursor *cursor, struct ip6_header *header)
{
	return cursor_read_front(cursor, header, sizeof(*header)) &&
	       header->version_class >> 4 == 6;
}

/* With the cursor behind the fixed header, end the reading where the header says the
 * packet ends; false when that lies outside of the packet. What follows (padding) is not
 * the packet's. */
static __always_inline bool ip6_bound(struct cursor *cursor, const struct ip6_header *header)
{
	/* Zero stands for more than the field can say: a jumbogram (RFC 2675), or TCP segments
	 * that the kernel joined beyond 64 KiB ("BIG TCP", with a jumbo option or, in newer
	 * kernels, without). All headers we follow are within its first 64 KiB. Without a
	 * branch, because the verifier would walk the chain once more for the constant. */
	__u32 payload = ((be16_to_host(header->payload_length) - 1u) & 0xffff) + 1;

	cursor->end = cursor->at + payload;
	return packet_holds(cursor->packet, cursor->end);
}

/* One bit for each extension header; all numbers are below 64. ESP is not among them:
 * nothing behind it can be read. */
#define IP6_EXTENSIONS                                                                             \
	(1ull << FGW_L4_HOP_BY_HOP | 1ull << FGW_L4_ROUTING | 1ull << FGW_L4_FRAGMENT |            \
	 1ull << FGW_L4_AUTHENTICATION | 1ull << FGW_L4_DESTINATION)

static __always_inline bool ip6_is_extension(enum fgw_l4 protocol)
{
	return protocol < 64 && (IP6_EXTENSIONS >> protocol) & 1;
}

static __always_inline __u32 ip6_extension_length(enum fgw_l4 protocol, __u8 length)
{
	/* RFC 8200 counts eight bytes and leaves out the first, RFC 4302 four and leaves out
	 * two; a fragment header has one length. */
	if (protocol == FGW_L4_FRAGMENT)
		return 8;
	if (protocol == FGW_L4_AUTHENTICATION)
		return (length + 2u) * 4;
	return (length + 1u) * 8;
}

static __always_inline enum ip6_fragment ip6_fragment_kind(__u16 offset_flags)
{
	if (offset_flags & IP6_FRAGMENT_OFFSET)
		return IP6_LATER_FRAGMENT;
	return offset_flags & IP6_FRAGMENT_MORE ? IP6_FIRST_FRAGMENT : IP6_WHOLE;
}

/* Behind a first fragment's header another one may follow; first it remains. */
static __always_inline enum ip6_walk
ip6_walk(struct cursor *cursor, const struct ip6_header *header, struct ip6_chain *chain)
{
	chain->protocol = (enum fgw_l4)header->next_header;
	chain->fragment = IP6_WHOLE;

	for (int headers = 0; headers < FGW_MAX_EXT_HEADERS; headers++) {
		enum fgw_l4 protocol = chain->protocol;
		struct ip6_extension extension;
		enum ip6_fragment fragment;

		if (!ip6_is_extension(protocol))
			return IP6_WALK_ARRIVED;
		if (!cursor_peek(cursor, &extension, sizeof(extension)) ||
		    !cursor_skip(cursor, ip6_extension_length(protocol, extension.length)))
			return IP6_WALK_SHORT;
		chain->protocol = (enum fgw_l4)extension.next_header;
		if (protocol != FGW_L4_FRAGMENT)
			continue;
		fragment = ip6_fragment_kind(be16_to_host(extension.offset_flags));
		if (fragment != IP6_WHOLE)
			chain->fragment = fragment;
		if (fragment == IP6_LATER_FRAGMENT)
			return IP6_WALK_ARRIVED;
	}
	return ip6_is_extension(chain->protocol) ? IP6_WALK_TOO_LONG : IP6_WALK_ARRIVED;
}

#endif
