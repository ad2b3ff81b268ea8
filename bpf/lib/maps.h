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

struct fgw_targets_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, FGW_MAX_TARGETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct fgw_target_key);
	__type(value, struct fgw_target_val);
};

struct fgw_interfaces_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FGW_MAX_INTERFACES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct fgw_interface);
};

struct fgw_acl_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FGW_ACL_SLOTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct fgw_rule);
};

/* What the maps in fgw_acl_tables look like; user space makes them as long as they must be.
 * Sizes, not types: libbpf 1.1 cannot tell the size of a type behind a forward declaration,
 * which is what the compiler leaves of it here. INNER_MAP lets the lengths differ, MMAPABLE
 * lets a table be written by memcpy. */
struct fgw_acl_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(union fgw_acl_block));
};

struct fgw_acl_tables_map {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, struct fgw_acl_table);
};

struct fgw_acl_generation_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct fgw_hits_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FGW_ACL_SLOTS *FGW_HIT_STRIPES);
	__uint(map_flags, BPF_F_MMAPABLE); /* user space reads and clears without system calls */
	__type(key, __u32);
	__type(value, struct fgw_count);
};

struct fgw_rates_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FGW_RATE_ENTRIES);
	__type(key, struct fgw_rate_key);
	__type(value, struct fgw_rate);
};

struct fgw_full_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FGW_MAX_FULL_SOURCES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct fgw_source_key);
	__type(value, struct fgw_sessions);
};

struct fgw_expected_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FGW_MAX_EXPECTED);
	__type(key, struct fgw_expected_key);
	__type(value, struct fgw_expected);
};

struct fgw_services_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FGW_MAX_SERVICES);
	__uint(map_flags, BPF_F_NO_PREALLOC); /* mostly none */
	__type(key, __u32);
	__type(value, struct fgw_service);
};

struct fgw_service_socks_map {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, FGW_MAX_SERVICES);
	__type(key, __u32);
	__type(value, __u64); /* as fgw_socks */
};

struct fgw_service_data_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FGW_MAX_EXPECTED);
	__type(key, struct fgw_expected_key);
	__type(value, struct fgw_service_data);
};

struct fgw_events_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, FGW_EVENT_BYTES);
};

struct fgw_events_lost_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fgw_count);
};

struct fgw_stf_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FGW_MAX_TUNNELS * 3);
	__type(key, struct fgw_stf_key);
	__type(value, struct fgw_stf);
};

struct fgw_ip4_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FGW_MAX_LOCAL_IP4);
	__uint(map_flags, BPF_F_NO_PREALLOC); /* mostly a handful */
	__type(key, struct fgw_ip4_key);
	__type(value, struct fgw_ip4_val);
};

struct fgw_pmtu_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FGW_MAX_PMTU);
	__type(key, struct fgw_pmtu_key);
	__type(value, struct fgw_pmtu);
};

struct fgw_flows_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FGW_FLOW_SLOTS);
	__type(key, __u32);
	__type(value, struct fgw_flow);
};

struct fgw_stf_slow_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, FGW_SLOW_BYTES);
};

extern struct fgw_meta_map fgw_meta SEC(".maps");
extern struct fgw_config_map fgw_config SEC(".maps");
extern struct fgw_prefixes_map fgw_prefixes SEC(".maps");
extern struct fgw_ports_map fgw_ports SEC(".maps");
extern struct fgw_socks_map fgw_socks SEC(".maps");
extern struct fgw_reasons_map fgw_reasons SEC(".maps");
extern struct fgw_targets_map fgw_targets SEC(".maps");
extern struct fgw_interfaces_map fgw_interfaces SEC(".maps");
extern struct fgw_acl_map fgw_acl SEC(".maps");
extern struct fgw_acl_tables_map fgw_acl_tables SEC(".maps");
extern struct fgw_acl_generation_map fgw_acl_gen SEC(".maps");
extern struct fgw_hits_map fgw_hits SEC(".maps");
extern struct fgw_rates_map fgw_rates SEC(".maps");
extern struct fgw_full_map fgw_full SEC(".maps");
extern struct fgw_expected_map fgw_expected SEC(".maps");
extern struct fgw_services_map fgw_services SEC(".maps");
extern struct fgw_service_socks_map fgw_svc_socks SEC(".maps");
extern struct fgw_service_data_map fgw_svc_data SEC(".maps");
extern struct fgw_events_map fgw_events SEC(".maps");
extern struct fgw_events_lost_map fgw_events_lost SEC(".maps");
extern struct fgw_stf_map fgw_stf SEC(".maps");
extern struct fgw_ip4_map fgw_ip4 SEC(".maps");
extern struct fgw_pmtu_map fgw_pmtu SEC(".maps");
extern struct fgw_flows_map fgw_flows SEC(".maps");
extern struct fgw_stf_slow_map fgw_stf_slow SEC(".maps");

/* Null never happens, but the verifier asks; a program then captures nothing. */
static __always_inline const struct fgw_config *config_get(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&fgw_config, &key);
}

#endif
