/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What may reach a prefix through the kernel's own stack: TCP, and the ICMPv6 errors
 * that TCP needs (F15, F16). The route of a prefix makes each of its addresses one of
 * ours, so the stack would answer whatever else arrives (L2): it is consumed here, in
 * silence. Pure.
 */
#ifndef FGW_LIB_FAITH_H
#define FGW_LIB_FAITH_H

#include "icmp6.h"
#include "ip6.h"
#include "l4.h"
#include <faith/reasons.h>

/* What the guard saw of a TCP packet that it lets through. */
struct faith_tcp {
	struct tcp_header header;
	__u32 length; /* bytes of header, options and payload */
	bool whole;   /* and no first fragment */
};

/* A later fragment shows no upper layer. Whatever it belongs to, its first fragment has
 * shown all headers and was judged by them, and without it nothing is reassembled. */
static __always_inline enum fgw_reason faith_guard_later_fragment(enum fgw_l4 protocol)
{
	if (protocol == FGW_L4_TCP || protocol == FGW_L4_ICMP6 || ip6_is_extension(protocol))
		return FGW_PASS_FRAGMENT;
	return protocol == FGW_L4_UDP ? FGW_DROP_UDP : FGW_DROP_PROTOCOL;
}

static __always_inline enum fgw_reason faith_guard_upper_layer(const struct cursor *cursor,
							       enum fgw_l4 protocol,
							       enum fgw_reason when_short,
							       struct faith_tcp *tcp)
{
	struct icmp6_header icmp6;

	switch (protocol) {
	case FGW_L4_TCP:
		tcp->length = cursor->end - cursor->at;
		return cursor_peek(cursor, &tcp->header, sizeof(tcp->header)) ? FGW_PASS_TCP
									      : when_short;
	case FGW_L4_ICMP6:
		if (!cursor_peek(cursor, &icmp6, sizeof(icmp6)))
			return when_short;
		return icmp6_is_for_tcp(&icmp6) ? FGW_PASS_ICMP6_ERROR : FGW_DROP_ICMP6;
	case FGW_L4_UDP:
		return FGW_DROP_UDP;
	default:
		return FGW_DROP_PROTOCOL;
	}
}

/* TCP right behind the fixed header, as nearly always: read in place, without the walk. */
static __always_inline enum fgw_reason faith_guard_plain_tcp(struct cursor *cursor,
							     struct faith_tcp *tcp)
{
	tcp->length = cursor->end - cursor->at;
	return cursor_holds(cursor, sizeof(tcp->header)) &&
			       packet_load_front(cursor->packet, cursor->at, &tcp->header,
						 sizeof(tcp->header))
		       ? FGW_PASS_TCP
		       : FGW_DROP_TRUNCATED;
}

/* Judge a packet to a captured address; the cursor is behind its fixed header. For
 * FGW_PASS_TCP it tells what it saw. */
static __always_inline enum fgw_reason
faith_guard(struct cursor *cursor, const struct ip6_header *header, struct faith_tcp *tcp)
{
	enum fgw_reason when_short = FGW_DROP_TRUNCATED;
	struct ip6_chain chain;
	enum ip6_walk walk;

	if (!ip6_bound(cursor, header))
		return FGW_DROP_TRUNCATED;
	tcp->whole = true;
	if (header->next_header == FGW_L4_TCP)
		return faith_guard_plain_tcp(cursor, tcp);
	walk = ip6_walk(cursor, header, &chain);
	if (walk == IP6_WALK_TOO_LONG)
		return FGW_DROP_EXT_CHAIN;
	/* RFC 7112: a first fragment that hides headers in the next one hides them from us. */
	if (chain.fragment == IP6_FIRST_FRAGMENT) {
		when_short = FGW_DROP_FRAGMENT;
		tcp->whole = false;
	}
	if (walk == IP6_WALK_SHORT)
		return when_short;
	if (chain.fragment == IP6_LATER_FRAGMENT)
		return faith_guard_later_fragment(chain.protocol);
	return faith_guard_upper_layer(cursor, chain.protocol, when_short, tcp);
}

#endif
