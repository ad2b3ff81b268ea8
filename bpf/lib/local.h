/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an IPv4 address is on this gateway: the map behind the question of stf.h. */
#ifndef FGW_LIB_LOCAL_H
#define FGW_LIB_LOCAL_H

#include "maps.h"

static __always_inline __u32 ip4_local_kinds(const __u8 *address)
{
	const struct fgw_ip4_val *found = bpf_map_lookup_elem(&fgw_ip4, address);

	return found ? found->kinds : 0;
}

/* The tunnel of an interface, by the direction's key (include/faith/abi.h). */
static __always_inline const struct fgw_stf *stf_find(__u32 ifindex, const __u8 *address)
{
	struct fgw_stf_key key = {.ifindex = ifindex};

	fgw_copy(key.address, address, sizeof(key.address));
	return bpf_map_lookup_elem(&fgw_stf, &key);
}

#endif
