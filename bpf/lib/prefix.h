/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether an address is in a prefix: one longest match, the same for every program. */
#ifndef FGW_LIB_PREFIX_H
#define FGW_LIB_PREFIX_H

#include "maps.h"

enum prefix_match {
	PREFIX_NONE,
	PREFIX_EXEMPT,
	PREFIX_CAPTURE,
};

/* What was matched is copied out: a captured address needs to be read by its layout. */
static __always_inline enum prefix_match prefix_match(const void *address,
						      struct fgw_prefix_val *matched)
{
	struct fgw_prefix_key key = {.prefix_len = 128};
	const struct fgw_prefix_val *found;

	fgw_copy(key.addr, address, sizeof(key.addr));
	found = bpf_map_lookup_elem(&fgw_prefixes, &key);
	if (!found)
		return PREFIX_NONE;
	*matched = *found;
	return found->kind == FGW_PREFIX_CAPTURE ? PREFIX_CAPTURE : PREFIX_EXEMPT;
}

#endif
