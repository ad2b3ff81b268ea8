/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv4: the header with its options, the end that it announces, its checksum, and the
 * header that we write ourselves. Pure; judges nothing.
 */
#ifndef FGW_LIB_IP4_H
#define FGW_LIB_IP4_H

#include "csum.h"
#include "cursor.h"
#include "l4.h"
#include <faith/abi.h>

struct ip4_header {
	__u8 version_words; /* version in the high nibble, length in 32-bit words in the low */
	__u8 service;	    /* DSCP and ECN */
	__be16 total_length;
	__be16 identification;
	__be16 offset_flags;
	__u8 ttl;
	__u8 protocol; /* enum fgw_l4 */
	__u16 checksum;
	__u8 source[4];
	__u8 destination[4];
};
FGW_ASSERT_SIZE(struct ip4_header, 20);

#define IP4_DONT_FRAGMENT 0x4000
#define IP4_FRAGMENT	  0x3fff /* more fragments, or an offset */
#define IP4_MAX_LENGTH	  0xffff
#define IP4_MAX_WORDS	  15

static __always_inline __u32 ip4_address(const __u8 *bytes)
{
	__u32 word;

	fgw_copy(&word, bytes, sizeof(word));
	return be32_to_host(word);
}

static __always_inline __u32 ip4_header_length(const struct ip4_header *header)
{
	return (header->version_words & 0xfu) * 4;
}

static __always_inline bool ip4_is_fragment(const struct ip4_header *header)
{
	return be16_to_host(header->offset_flags) & IP4_FRAGMENT;
}

/* Read the part that every header has, and stay at its beginning. */
static __always_inline bool ip4_peek(const struct cursor *cursor, struct ip4_header *header)
{
	return packet_load_front(cursor->packet, cursor->at, header, sizeof(*header)) &&
	       header->version_words >> 4 == 4;
}

/* With the cursor at the header, end the reading where the header says the packet ends;
 * false when that lies outside of the packet, or when the lengths contradict each other. */
static __always_inline bool ip4_bound(struct cursor *cursor, const struct ip4_header *header)
{
	__u32 length = ip4_header_length(header);
	__u32 total = be16_to_host(header->total_length);

	if (length < sizeof(*header) || total < length)
		return false;
	cursor->end = cursor->at + total;
	return packet_holds(cursor->packet, cursor->end);
}

/* After ip4_bound(), which says that the options are there. */
static __always_inline bool ip4_checksum_is_right(const struct cursor *cursor,
						  const struct ip4_header *header)
{
	__u32 words[5];
	__u64 sum;

	fgw_copy(words, header, sizeof(words));
	sum = csum_add(0, words, 5);
	for (__u32 i = 5; i < IP4_MAX_WORDS; i++) {
		__u32 option;

		if (i >= (header->version_words & 0xfu))
			break;
		if (!packet_load_front(cursor->packet, cursor->at + i * 4, &option, sizeof(option)))
			return false;
		sum = csum_add(sum, &option, 1);
	}
	return csum_fold(sum) == 0;
}

/* Of a header without options: 0 when the one that it carries is right. */
static __always_inline __u16 ip4_front_checksum(const struct ip4_header *header)
{
	__u32 words[5];

	fgw_copy(words, header, sizeof(words));
	return csum_fold(csum_add(0, words, 5));
}

static __always_inline void ip4_set_checksum(struct ip4_header *header)
{
	header->checksum = 0;
	header->checksum = ip4_front_checksum(header);
}

#endif
