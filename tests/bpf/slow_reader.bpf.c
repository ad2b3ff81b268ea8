/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every program does with the rules, slowly: reads the generation, takes its time,
 * then reads the table that the generation names. For tests/bpf/acl_publisher_test.cc.
 */
#include "lib/maps.h"

char fgw_license[] SEC("license") = "Dual BSD/GPL";

/* Those of the gateway under test: the loader puts them in place of these. */
struct fgw_acl_tables_map fgw_acl_tables SEC(".maps");
struct fgw_acl_generation_map fgw_acl_gen SEC(".maps");

__u64 slow_for_ns;
__u64 slow_runs;
__u64 slow_mixed; /* runs that saw the table of another generation, or none */

static long slow_wait(__u32 turn, const __u64 *until) {
    (void)turn;
    return bpf_ktime_get_ns() >= *until;
}

SEC("tc")
int slow_reader(struct __sk_buff *skb) {
    __u32 zero = 0;
    const __u32 *word = bpf_map_lookup_elem(&fgw_acl_gen, &zero);
    __u32 generation = word ? *(const volatile __u32 *)word : 0;
    __u32 slot = generation & 1;
    __u64 until = bpf_ktime_get_ns() + slow_for_ns;
    const union fgw_acl_block *head = NULL;
    void *table;

    (void)skb;
    bpf_loop(1 << 20, slow_wait, &until, 0);
    table = bpf_map_lookup_elem(&fgw_acl_tables, &slot);
    if (table)
        head = bpf_map_lookup_elem(table, &zero);
    if (!head || head->head.generation != generation)
        __sync_fetch_and_add(&slow_mixed, 1);
    __sync_fetch_and_add(&slow_runs, 1);
    return 0;
}
