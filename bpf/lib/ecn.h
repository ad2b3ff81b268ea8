/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Explicit congestion notification across a tunnel (RFC 6040): what the outer header gets,
 * and what becomes of inner and outer mark at the other end. Pure.
 */
#ifndef FGW_LIB_ECN_H
#define FGW_LIB_ECN_H

#include "compiler.h"
#include <faith/abi.h>

/* The two bits as they lie in the header (RFC 3168 5). */
enum ecn {
	ECN_NONE = 0, /* Not-ECT */
	ECN_ECT1 = 1,
	ECN_ECT0 = 2,
	ECN_CE = 3, /* congestion experienced */
};
#define ECN_BITS 3

struct ecn_joined {
	__u8 mark; /* enum ecn, what the inner header gets */
	bool drop; /* the sender would take the mark for nothing: loss is all it understands */
	bool odd;  /* no path makes this of a mark: (!) and (!!!) in figure 4 */
};

/* The outer DSCP and ECN for an inner traffic class: DSCP always goes out (S29). */
static __always_inline __u8 ecn_outer_class(__u8 mode, __u8 inner)
{
	return mode == FGW_ECN_COMPATIBILITY ? inner & (__u8)~ECN_BITS : inner;
}

/* RFC 6040 4.2: the more severe mark wins, CE before ECT(1) before ECT(0), but nothing is
 * marked for a sender that does not know marks. */
static __always_inline struct ecn_joined ecn_join(__u8 inner, __u8 outer)
{
	struct ecn_joined joined = {.mark = inner, .drop = false, .odd = false};

	if (inner == ECN_NONE) {
		joined.drop = outer == ECN_CE;
		joined.odd = outer != ECN_NONE;
	} else if (outer == ECN_CE) {
		joined.mark = ECN_CE;
	} else if (outer == ECN_ECT1) {
		joined.odd = inner == ECN_CE;
		if (inner == ECN_ECT0)
			joined.mark = ECN_ECT1;
	} else if (outer == ECN_ECT0) {
		joined.odd = inner == ECN_ECT1;
	}
	return joined;
}

static __always_inline struct ecn_joined ecn_decapsulate(__u8 mode, __u8 inner, __u8 outer)
{
	struct ecn_joined untouched = {
		.mark = (__u8)(inner & ECN_BITS), .drop = false, .odd = false};

	if (mode == FGW_ECN_COPY)
		return untouched;
	return ecn_join(inner & ECN_BITS, outer & ECN_BITS);
}

#endif
