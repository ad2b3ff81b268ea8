/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What may go through a tunnel of 6to4 or 6rd: stf(4)'s checks, those that RFC 3964, 5969
 * and 6324 add, and how an address embeds another one. One set of rules for both; the
 * numbers are in struct fgw_stf. Pure.
 *
 * The same order in both directions: each address by itself (destination before source,
 * as stf(4) did), then one against the other. Every check has a reason of its own.
 */
#ifndef FGW_LIB_STF_H
#define FGW_LIB_STF_H

#include "ip4.h"
#include "ip6.h"
#include <faith/reasons.h>

/* What an IPv4 address is on this gateway: bits of enum fgw_ip4_kind. Asked of the map
 * (lib/local.h), or of the table of a test. */
static __u32 ip4_local_kinds(const __u8 *address);

/* --- addresses -------------------------------------------------------------------------- */

struct stf_bits {
	__u64 high;
	__u64 low;
};

static __always_inline struct stf_bits stf_read(const __u8 *address)
{
	__u64 words[2];
	struct stf_bits bits;

	fgw_copy(words, address, sizeof(words));
	bits.high = be64_to_host(words[0]);
	bits.low = be64_to_host(words[1]);
	return bits;
}

static __always_inline bool stf_is_6to4(const struct stf_bits *address)
{
	return address->high >> 48 == 0x2002;
}

static __always_inline __u32 stf_6to4_ip4(const struct stf_bits *address)
{
	return (__u32)(address->high >> 16);
}

static __always_inline bool stf_in_prefix(const struct fgw_stf *stf, const struct stf_bits *address)
{
	struct stf_bits prefix = stf_read(stf->prefix);
	__u64 high = address->high ^ prefix.high;
	__u64 low = address->low ^ prefix.low;
	__u32 length = stf->prefix_len;

	if (length == 0)
		return true;
	if (length <= 64)
		return high >> ((64 - length) & 63) == 0;
	return high == 0 && low >> ((128 - length) & 63) == 0;
}

/* The IPv4 address of the site that an address in the prefix belongs to: our own leading
 * bits, which all sites share, and behind them what stands behind the prefix (RFC 5969 4). */
static __always_inline __u32 stf_extract(const struct fgw_stf *stf, const struct stf_bits *address)
{
	__u32 length = stf->prefix_len;
	__u32 embedded_bits = (__u32)(0xffffffffull >> (stf->v4_mask_len & 63));
	__u64 window = address->high;

	if (length >= 64)
		window = address->low << ((length - 64) & 63);
	else if (length > 0)
		window = window << length | address->low >> ((64 - length) & 63);
	return (ip4_address(stf->address) & ~embedded_bits) |
	       ((__u32)((window >> 32) >> (stf->v4_mask_len & 63)) & embedded_bits);
}

/* --- one address by itself -------------------------------------------------------------- */

enum stf_judgement {
	STF_GOOD,
	STF_BAD,
	STF_PRIVATE, /* an operator may permit these */
};

/* RFC 3964 5.3.1; all of 240/4, where stf(4) had 255/8 only. */
static __always_inline enum stf_judgement stf_judge_ip4(__u32 address)
{
	__u32 first = address >> 24;

	if (first == 0 || first == 127 || first >= 224 || address >> 16 == 0xa9fe)
		return STF_BAD;
	if (first == 10 || address >> 20 == 0xac1 || address >> 16 == 0xc0a8)
		return STF_PRIVATE;
	return STF_GOOD;
}

static __always_inline bool stf_is_broadcast(const __u8 *address)
{
	return ip4_local_kinds(address) & FGW_IP4_BROADCAST;
}

static __always_inline enum stf_judgement stf_judge_outer(const struct fgw_stf *stf,
							  const __u8 *address)
{
	enum stf_judgement judgement = stf_judge_ip4(ip4_address(address));

	if (judgement == STF_PRIVATE && stf->flags & FGW_STF_PRIVATE_OUTER)
		judgement = STF_GOOD;
	if (judgement == STF_GOOD && stf_is_broadcast(address))
		return STF_BAD;
	return judgement;
}

/* `judged` is an outer address that was found good, the one that should be embedded: what is
 * equal to it need not be looked up again. 0.0.0.0, which is never good: there is none. */
static __always_inline enum stf_judgement stf_judge_embedded(__u32 address, bool may_be_private,
							     __u32 judged)
{
	enum stf_judgement judgement = stf_judge_ip4(address);
	__u32 bytes = be32_to_host(address);

	if (judgement == STF_PRIVATE && may_be_private)
		judgement = STF_GOOD;
	if (judgement == STF_GOOD && address != judged && stf_is_broadcast((const __u8 *)&bytes))
		return STF_BAD;
	return judgement;
}

/* RFC 3964 5.3.2: 0::/16 with ::, ::1, compatible and mapped addresses, link-local and
 * site-local ones, multicast; and what a bad IPv4 address makes. */
static __always_inline enum stf_judgement
stf_judge_inner(const struct fgw_stf *stf, const struct stf_bits *address, __u32 judged)
{
	__u64 high = address->high;

	if (high >> 48 == 0 || high >> 56 == 0xff || high >> 55 == 0x1fd)
		return STF_BAD;
	if (stf_is_6to4(address))
		return stf_judge_embedded(stf_6to4_ip4(address), stf->flags & FGW_STF_PRIVATE_6TO4,
					  judged);
	if (stf_in_prefix(stf, address))
		return stf_judge_embedded(stf_extract(stf, address), true, judged);
	return STF_GOOD;
}

/* RFC 6324 3.3: an address of another tunnel that leads back to us. ISATAP's is told by its
 * interface identifier (RFC 5214 6.1), 6to4's by its prefix, unless that is a site of ours. */
static __always_inline bool stf_hides_own(const struct fgw_stf *stf, const struct stf_bits *address)
{
	__u32 hidden, kinds;

	if (((address->low >> 32) & ~0x02000000ull) == 0x5efe)
		hidden = (__u32)address->low;
	else if (!(stf->flags & FGW_STF_6TO4) && stf_is_6to4(address))
		hidden = stf_6to4_ip4(address);
	else
		return false;
	hidden = be32_to_host(hidden);
	kinds = ip4_local_kinds((const __u8 *)&hidden);
	return (kinds & FGW_IP4_OWN) && !(stf_is_6to4(address) && kinds & FGW_IP4_SITE);
}

/* --- in --------------------------------------------------------------------------------- */

static __always_inline bool stf_is_peer(const struct fgw_stf *stf, __u32 source)
{
	__u64 differing = source ^ ip4_address(stf->address);

	return differing >> (32 - (stf->peer_len & 63)) == 0;
}

/* Whether its addresses agree with each other, each being good by itself. Native IPv6 to our
 * 6to4 site comes by a relay whose IPv4 address nobody can verify (RFC 3964 5.2); in 6rd it
 * must be the border relay's. */
static __always_inline enum fgw_reason stf_check_in_pair(const struct fgw_stf *stf, __u32 source4,
							 const struct stf_bits *source,
							 const struct stf_bits *destination)
{
	bool is_6to4 = stf->flags & FGW_STF_6TO4, relays = stf->flags & FGW_STF_RELAYS;
	bool source_inside = stf_in_prefix(stf, source);
	bool inside = stf_in_prefix(stf, destination);
	__u32 relay = ip4_address(stf->border_relay);
	__u32 to;

	/* RFC 5969 9.2 lets a site take whatever the border relay sends. */
	if (source_inside && stf_extract(stf, source) != source4 && (!relay || source4 != relay))
		return FGW_STF_IN_SPOOFED;
	if (!source_inside && !inside && (is_6to4 || relays))
		return FGW_STF_IN_NEITHER;
	if (!source_inside && !is_6to4 && (!relay || source4 != relay))
		return FGW_STF_IN_NOT_RELAY;
	if (!inside)
		return is_6to4 || relays ? FGW_STF_IN : FGW_STF_IN_DST_OTHER;
	to = stf_extract(stf, destination);
	/* A site that asks whether the border relay is alive sends itself a packet (RFC 5969 8). */
	if (to != ip4_address(stf->address) && !(relays && to == source4))
		return FGW_STF_IN_DST_OTHER;
	return FGW_STF_IN;
}

/* A packet that a tunnel has claimed. FGW_STF_IN, or why not. */
static __always_inline enum fgw_reason stf_check_in(const struct fgw_stf *stf,
						    const struct ip4_header *outer,
						    const struct ip6_header *inner)
{
	__u32 from = ip4_address(outer->source), to = ip4_address(outer->destination);
	struct stf_bits source = stf_read(inner->source);
	struct stf_bits destination = stf_read(inner->destination);
	enum stf_judgement judgement;
	enum fgw_reason reason;

	judgement = stf_judge_outer(stf, outer->destination);
	if (judgement)
		return judgement == STF_BAD ? FGW_STF_IN_DST4 : FGW_STF_IN_DST4_PRIVATE;
	judgement = stf_judge_outer(stf, outer->source);
	if (judgement)
		return judgement == STF_BAD ? FGW_STF_IN_SRC4 : FGW_STF_IN_SRC4_PRIVATE;
	judgement = stf_judge_inner(stf, &destination, to);
	if (judgement)
		return judgement == STF_BAD ? FGW_STF_IN_DST6 : FGW_STF_IN_DST6_PRIVATE;
	judgement = stf_judge_inner(stf, &source, from);
	if (judgement)
		return judgement == STF_BAD ? FGW_STF_IN_SRC6 : FGW_STF_IN_SRC6_PRIVATE;
	reason = stf_check_in_pair(stf, from, &source, &destination);
	if (reason == FGW_STF_IN && stf_hides_own(stf, &destination))
		return FGW_STF_IN_OWN;
	return reason;
}

/* Whether a packet that passed is for this site. What is not is about to be relayed. */
static __always_inline bool stf_is_for_site(const struct fgw_stf *stf,
					    const struct ip6_header *inner)
{
	struct stf_bits destination = stf_read(inner->destination);

	return stf_in_prefix(stf, &destination) &&
	       stf_extract(stf, &destination) == ip4_address(stf->address);
}

/* --- out -------------------------------------------------------------------------------- */

/* The outer destination for an inner destination or next hop: what it embeds, or the border
 * relay (S23, S33). Zero: neither. */
static __always_inline __u32 stf_next_hop(const struct fgw_stf *stf, const __u8 *address)
{
	struct stf_bits bits = stf_read(address);

	return stf_in_prefix(stf, &bits) ? stf_extract(stf, &bits) : ip4_address(stf->border_relay);
}

static __always_inline enum fgw_reason stf_check_out_pair(const struct fgw_stf *stf, __u32 to,
							  const struct stf_bits *source,
							  const struct stf_bits *destination)
{
	bool relays = stf->flags & FGW_STF_RELAYS;
	bool inside = stf_in_prefix(stf, destination);
	__u32 own = ip4_address(stf->address), bytes = be32_to_host(to), from;

	/* Any address of ours, not only the tunnel's: what came in by another tunnel would come
	 * back to us, whatever the prefix that it was embedded by (RFC 6324 3.1). */
	if (to == own || ip4_local_kinds((const __u8 *)&bytes) & FGW_IP4_OWN)
		return FGW_STF_OUT_DST_OWN;
	if (stf_in_prefix(stf, source)) {
		from = stf_extract(stf, source);
		/* The answer to RFC 5969 8, see above. */
		return from == own || (relays && from == to) ? FGW_STF_OUT : FGW_STF_OUT_SRC_OTHER;
	}
	if (!inside)
		return FGW_STF_OUT_NEITHER;
	/* RFC 3964 5.1: a relay sends native addresses to 6to4 sites, a border relay to 6rd
	 * sites; a 6rd site has none that another would take. */
	return stf->flags & FGW_STF_6TO4 || relays ? FGW_STF_OUT : FGW_STF_OUT_SRC_OTHER;
}

/* A packet on its way into the tunnel, its outer destination 0.0.0.0 when it has none.
 * FGW_STF_OUT, or why not. BSD checked none of this (S26). */
static __always_inline enum fgw_reason stf_check_out(const struct fgw_stf *stf,
						     const struct ip4_header *outer,
						     const struct ip6_header *inner)
{
	__u32 to = ip4_address(outer->destination);
	struct stf_bits source = stf_read(inner->source);
	struct stf_bits destination = stf_read(inner->destination);
	enum stf_judgement judgement;
	enum fgw_reason reason;

	judgement = stf_judge_inner(stf, &destination, 0);
	if (judgement)
		return judgement == STF_BAD ? FGW_STF_OUT_DST6 : FGW_STF_OUT_DST6_PRIVATE;
	judgement = stf_judge_inner(stf, &source, 0);
	if (judgement)
		return judgement == STF_BAD ? FGW_STF_OUT_SRC6 : FGW_STF_OUT_SRC6_PRIVATE;
	if (!to)
		return FGW_STF_OUT_NO_HOP;
	judgement = stf_judge_outer(stf, outer->destination);
	if (judgement)
		return judgement == STF_BAD ? FGW_STF_OUT_DST4 : FGW_STF_OUT_DST4_PRIVATE;
	judgement = stf_judge_outer(stf, outer->source);
	if (judgement)
		return judgement == STF_BAD ? FGW_STF_OUT_SRC4 : FGW_STF_OUT_SRC4_PRIVATE;
	reason = stf_check_out_pair(stf, to, &source, &destination);
	if (reason == FGW_STF_OUT && stf_hides_own(stf, &source))
		return FGW_STF_OUT_OWN;
	return reason;
}

#endif
