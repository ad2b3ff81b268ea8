/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps as every program sees them. maps.bpf.c holds the only definition of each;
 * `bpftool gen object` resolves these declarations against it.
 *
 * Array keys are plain __u32: the kernel takes no enum as the BTF key of an array.
 */
#ifndef FGW_LIB_MAPS_H
#define FGW_LIB_MAPS_H

#include "compiler.h"
#include <faith/abi.h>
#include <faith/reasons.h>

struct fgw_meta_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fgw_meta);
};

struct fgw_config_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fgw_config);
};

struct fgw_prefixes_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, FGW_MAX_PREFIX_RULES);
	__uint(map_flags, BPF_F_NO_PREALLOC); /* the only way the kernel makes a trie */
	__type(key, struct fgw_prefix_key);
	__type(value, struct fgw_prefix_val);
};

struct fgw_ports_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FGW_PORT_WORDS);
	__type(key, __u32);
	__type(value, struct fgw_port_word);
};

struct fgw_socks_map {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, FGW_MAX_LISTENERS);
	__type(key, __u32);
	__type(value, __u64); /* 8 bytes, so that user space reads back the socket's cookie */
};

struct fgw_reasons_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FGW_REASON_MAX);
	__type(key, __u32);
	__type(value, struct fgw_count);
};

extern struct fgw_meta_map fgw_meta SEC(".maps");
extern struct fgw_config_map fgw_config SEC(".maps");
extern struct fgw_prefixes_map fgw_prefixes SEC(".maps");
extern struct fgw_ports_map fgw_ports SEC(".maps");
extern struct fgw_socks_map fgw_socks SEC(".maps");
extern struct fgw_reasons_map fgw_reasons SEC(".maps");

/* Null never happens, but the verifier asks; a program then captures nothing. */
static __always_inline const struct fgw_config *config_get(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&fgw_config, &key);
}

#endif
