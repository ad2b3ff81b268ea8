/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The only definition of every map. Types and limits are in lib/maps.h, keys and
 * values in the contract (include/faith/abi.h), who writes them in README.md.
 */
#include "lib/maps.h"

struct fgw_meta_map fgw_meta SEC(".maps");
struct fgw_config_map fgw_config SEC(".maps");
struct fgw_prefixes_map fgw_prefixes SEC(".maps");
struct fgw_ports_map fgw_ports SEC(".maps");
struct fgw_socks_map fgw_socks SEC(".maps");
struct fgw_reasons_map fgw_reasons SEC(".maps");
struct fgw_targets_map fgw_targets SEC(".maps");
struct fgw_interfaces_map fgw_interfaces SEC(".maps");
struct fgw_acl_map fgw_acl SEC(".maps");
struct fgw_acl_tables_map fgw_acl_tables SEC(".maps");
struct fgw_acl_generation_map fgw_acl_gen SEC(".maps");
struct fgw_hits_map fgw_hits SEC(".maps");
struct fgw_rates_map fgw_rates SEC(".maps");
struct fgw_full_map fgw_full SEC(".maps");
struct fgw_expected_map fgw_expected SEC(".maps");
struct fgw_services_map fgw_services SEC(".maps");
struct fgw_service_socks_map fgw_svc_socks SEC(".maps");
struct fgw_service_data_map fgw_svc_data SEC(".maps");
struct fgw_events_map fgw_events SEC(".maps");
struct fgw_events_lost_map fgw_events_lost SEC(".maps");
struct fgw_stf_map fgw_stf SEC(".maps");
struct fgw_ip4_map fgw_ip4 SEC(".maps");
struct fgw_pmtu_map fgw_pmtu SEC(".maps");
struct fgw_flows_map fgw_flows SEC(".maps");
struct fgw_stf_slow_map fgw_stf_slow SEC(".maps");

char fgw_license[] SEC("license") = "Dual BSD/GPL";
