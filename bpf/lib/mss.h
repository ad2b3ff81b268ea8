/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The longest segment that a TCP announces in its SYN, lowered to what fits a tunnel (RFC 9293
 * 3.7.1), at TC, for packets that enter a tunnel or leave one. The checksum is changed by the
 * difference; where the device still owes it, the helper knows. A SYN behind extension headers
 * is left as it is.
 */
#ifndef FGW_LIB_MSS_H
#define FGW_LIB_MSS_H

#include "ctx_skb.h"
#include "ip6.h"
#include "tcp_options.h"

#define MSS_TCP_AT	(ETH_HEADER + sizeof(struct ip6_header))
#define MSS_OPTIONS_AT	(MSS_TCP_AT + sizeof(struct tcp_header))
#define MSS_CHECKSUM_AT (MSS_TCP_AT + offsetof(struct tcp_header, checksum))

/* The options of a SYN, zeros behind them. */
static __always_inline bool mss_load_options(struct __sk_buff *skb, __u8 *options)
{
	struct tcp_header tcp;
	__u8 next_header;
	__u32 length;

	if (bpf_skb_load_bytes(skb, ETH_HEADER + offsetof(struct ip6_header, next_header),
			       &next_header, sizeof(next_header)) ||
	    next_header != FGW_L4_TCP || bpf_skb_load_bytes(skb, MSS_TCP_AT, &tcp, sizeof(tcp)) ||
	    !(be16_to_host(tcp.offset_flags) & TCP_SYN))
		return false;
	length = tcp_header_length(&tcp) - sizeof(tcp);
	/* Each limit by itself: of both in one comparison 6.1 learns nothing. */
	FGW_FORGET(length);
	if (length > TCP_MAX_OPTIONS)
		return false;
	FGW_FORGET(length);
	return length >= TCP_MSS_BYTES && !bpf_skb_load_bytes(skb, MSS_OPTIONS_AT, options, length);
}

/* Whatever happens, the packet goes on. */
FGW_SUBPROGRAM int fgw_clamp_mss(struct __sk_buff *skb, __u32 most)
{
	__u8 options[TCP_MAX_OPTIONS] = {};
	__be16 value, lower = (__be16)host_to_be16((__u16)most);
	__u16 from, to;
	int at;

	if (!mss_load_options(skb, options))
		return 0;
	at = tcp_find_mss(options);
	if (at < 0 || bpf_skb_load_bytes(skb, MSS_OPTIONS_AT + (__u32)at, &value, sizeof(value)) ||
	    be16_to_host(value) <= most)
		return 0;
	from = value;
	to = lower;
	/* The words that are summed begin at even places; this one may lie across two. */
	if (at & 1) {
		from = __builtin_bswap16(from);
		to = __builtin_bswap16(to);
	}
	if (!bpf_l4_csum_replace(skb, MSS_CHECKSUM_AT, from, to, sizeof(value)))
		bpf_skb_store_bytes(skb, MSS_OPTIONS_AT + (__u32)at, &lower, sizeof(lower), 0);
	return 0;
}

#endif
