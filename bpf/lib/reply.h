/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The answer to a first packet that is denied, made of the packet itself and sent back
 * where it came from (XDP_TX): a reset as the kernel would send it, or ICMPv6
 * administratively prohibited. Only XDP: at TC a checksum may still be owed by the device,
 * and no program can pay or waive it.
 */
#ifndef FGW_LIB_REPLY_H
#define FGW_LIB_REPLY_H

#include "ctx_xdp.h"
#include "decide.h"
#include "guard.h"
#include <linux/pkt_cls.h>

#define REPLY_HOP_LIMIT	    64
#define REPLY_MIN_LINK	    14 /* Ethernet */
#define REPLY_MAX_LINK	    22 /* and two tags */
#define REPLY_MAX_QUOTED    512
#define REPLY_MAX_QUOTED_AT (REPLY_MAX_LINK + 48) /* IPv6 and ICMPv6 in front of it */
#define ICMP6_PROHIBITED    1 /* code of type 1: communication administratively prohibited */

/* RFC 8200 8.1, in front of what is summed. */
struct reply_pseudo_header {
	__u8 source[16];
	__u8 destination[16];
	__be32 length;
	__be32 next_header;
};

struct reply_reset {
	struct reply_pseudo_header pseudo;
	struct tcp_header tcp;
};
FGW_ASSERT_SIZE(struct reply_reset, 60);

struct reply_error {
	struct reply_pseudo_header pseudo;
	struct icmp6_header icmp6;
};
FGW_ASSERT_SIZE(struct reply_error, 48);

static __always_inline __be16 reply_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__be16)~sum;
}

static __always_inline struct ip6_header reply_header(const struct guarded *seen, __u16 payload,
						      enum fgw_l4 protocol)
{
	struct ip6_header header = {
		.version_class = 0x60,
		.payload_length = host_to_be16(payload),
		.next_header = (__u8)protocol,
		.hop_limit = REPLY_HOP_LIMIT,
	};

	fgw_copy(header.source, seen->header.destination, 16);
	fgw_copy(header.destination, seen->header.source, 16);
	return header;
}

static __always_inline struct reply_pseudo_header reply_pseudo(const struct ip6_header *header)
{
	struct reply_pseudo_header pseudo = {
		.length = host_to_be32(be16_to_host(header->payload_length)),
		.next_header = host_to_be32(header->next_header),
	};

	fgw_copy(pseudo.source, header->source, 16);
	fgw_copy(pseudo.destination, header->destination, 16);
	return pseudo;
}

/* Ethernet and tags of the answer: back to the station the frame came from. False for a
 * frame that went to more than one. */
static __always_inline bool reply_link(struct xdp_md *ctx, __u32 network, __u8 *link)
{
	__u8 station[6];

	FGW_FORGET(network);
	if (network < REPLY_MIN_LINK || network > REPLY_MAX_LINK ||
	    bpf_xdp_load_bytes(ctx, 0, link, network) || link[0] & 1)
		return false;
	fgw_copy(station, link, 6);
	fgw_copy(link, link + 6, 6);
	fgw_copy(link + 6, station, 6);
	return true;
}

/* The link's header in front, which may have moved, and what is behind it. */
static __always_inline int reply_send(struct xdp_md *ctx, __u32 network, __u8 *link, void *headers,
				      __u32 length)
{
	FGW_FORGET(network);
	if (network < REPLY_MIN_LINK || network > REPLY_MAX_LINK ||
	    bpf_xdp_store_bytes(ctx, 0, link, network) ||
	    bpf_xdp_store_bytes(ctx, network, headers, length))
		return XDP_DROP;
	return XDP_TX;
}

static __always_inline bool reply_tcp_has(const struct faith_tcp *tcp, __u16 flag)
{
	return be16_to_host(tcp->header.offset_flags) & flag;
}

/* Whether the stack would answer it: a whole packet, its header whole too, and no reset,
 * which nobody answers. */
static __always_inline bool reply_is_due(const struct faith_tcp *tcp)
{
	__u32 header = tcp_header_length(&tcp->header);

	return tcp->whole && header >= sizeof(tcp->header) && header <= tcp->length &&
	       !reply_tcp_has(tcp, TCP_RST);
}

/* RFC 9293 3.5.2: nothing was acknowledged, so sequence 0 and an ACK of all that came: the
 * SYN, the payload, and a FIN if there was one. */
static __always_inline struct tcp_header reply_reset_header(const struct faith_tcp *tcp)
{
	__u32 payload = tcp->length - tcp_header_length(&tcp->header);
	__u32 came = 1 + payload + (reply_tcp_has(tcp, TCP_FIN) ? 1 : 0);

	return (struct tcp_header){
		.source_port = tcp->header.destination_port,
		.destination_port = tcp->header.source_port,
		.acknowledgement = host_to_be32(be32_to_host(tcp->header.sequence) + came),
		.offset_flags = host_to_be16(5 << 12 | TCP_ACK | TCP_RST),
	};
}

static __always_inline int reply_with_reset(struct xdp_md *ctx, const struct guarded *seen,
					    __u32 network)
{
	struct {
		struct ip6_header ip6;
		struct tcp_header tcp;
	} headers = {
		.ip6 = reply_header(seen, sizeof(struct tcp_header), FGW_L4_TCP),
		.tcp = reply_reset_header(&seen->tcp),
	};
	struct reply_reset summed = {.pseudo = reply_pseudo(&headers.ip6), .tcp = headers.tcp};
	long spare = (long)bpf_xdp_get_buff_len(ctx) - (long)(network + sizeof(headers));
	__u8 link[REPLY_MAX_LINK] = {};

	headers.tcp.checksum =
		reply_fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)&summed, sizeof(summed), 0));
	if (!reply_link(ctx, network, link) || bpf_xdp_adjust_tail(ctx, (int)-spare))
		return XDP_DROP;
	return reply_send(ctx, network, link, &headers, sizeof(headers));
}

/* The sum over the quoted packet, whole words to the end of the frame. */
static __always_inline bool reply_sum_quoted(const struct xdp_md *ctx, __u32 offset, __u64 *sum)
{
	const __u8 *end = (__u8 *)(long)ctx->data_end;
	const __u8 *from;

	FGW_FORGET(offset);
	if (offset > REPLY_MAX_QUOTED_AT)
		return false;
	from = (__u8 *)(long)ctx->data + offset;
	for (int i = 0; i < REPLY_MAX_QUOTED / 4; i++, from += 4) {
		if (from + 4 > end)
			break;
		*sum += *(const __u32 *)from;
	}
	return from == end;
}

/* The frame grows in front by two headers, and ends where the quoted packet does. */
static __always_inline int reply_with_error(struct xdp_md *ctx, const struct guarded *seen,
					    __u32 network)
{
	struct {
		struct ip6_header ip6;
		struct icmp6_header icmp6;
	} headers = {};
	__u32 whole = (__u32)bpf_xdp_get_buff_len(ctx) - network;
	__u32 quoted = whole > REPLY_MAX_QUOTED ? REPLY_MAX_QUOTED : whole & ~3u;
	__u8 link[REPLY_MAX_LINK] = {};
	struct reply_error summed;
	__u64 sum;

	headers.ip6 = reply_header(seen, (__u16)(sizeof(headers.icmp6) + quoted), FGW_L4_ICMP6);
	headers.icmp6.type = ICMP6_DESTINATION_UNREACHABLE;
	headers.icmp6.code = ICMP6_PROHIBITED;
	summed = (struct reply_error){.pseudo = reply_pseudo(&headers.ip6), .icmp6 = headers.icmp6};
	sum = (__u64)bpf_csum_diff(NULL, 0, (__be32 *)&summed, sizeof(summed), 0);
	if (!reply_link(ctx, network, link) || bpf_xdp_adjust_tail(ctx, -(int)(whole - quoted)) ||
	    bpf_xdp_adjust_head(ctx, -(int)sizeof(headers)) ||
	    !reply_sum_quoted(ctx, network + sizeof(headers), &sum))
		return XDP_DROP;
	headers.icmp6.checksum = reply_fold(sum);
	return reply_send(ctx, network, link, &headers, sizeof(headers));
}

/* What the client of a denied connection hears; the packet is used up for it. */
FGW_SUBPROGRAM int fgw_reply(struct xdp_md *ctx, const struct guarded *seen, __u32 network,
			     __u32 reason)
{
	const struct fgw_config *config = config_get();

	if (!config || !seen || reason == FGW_RATE_LIMIT || !reply_is_due(&seen->tcp))
		return XDP_DROP;
	if (config->deny == FGW_DENY_RESET)
		return reply_with_reset(ctx, seen, network);
	if (config->deny == FGW_DENY_PROHIBITED &&
	    rate_allows(seen->header.source, FGW_RATE_ICMP6, FGW_ICMP6_PER_SOURCE) &&
	    rate_allows_anybody(FGW_RATE_ICMP6_ALL, FGW_ICMP6_PER_SECOND))
		return reply_with_error(ctx, seen, network);
	return XDP_DROP;
}

#endif
