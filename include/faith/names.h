/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every name and number that the kernel shows to people: maps, programs, pins,
 * the TC filter and the route protocol. bpftool, tc and ip print these, scripts
 * match them, and unload finds its own things by them after every process died.
 * The kernel keeps 15 characters of a map or program name; tests/lint/names.py
 * checks the length.
 */
#ifndef FAITH_NAMES_H
#define FAITH_NAMES_H

/* Maps, defined once in bpf/maps.bpf.c. */
#define FGW_MAP_META "fgw_meta"
#define FGW_MAP_CONFIG "fgw_config"
#define FGW_MAP_PREFIXES "fgw_prefixes"
#define FGW_MAP_PORTS "fgw_ports"
#define FGW_MAP_SOCKS "fgw_socks"
#define FGW_MAP_REASONS "fgw_reasons"
#define FGW_MAP_TARGETS "fgw_targets"
#define FGW_MAP_INTERFACES "fgw_interfaces"
#define FGW_MAP_ACL "fgw_acl"
#define FGW_MAP_ACL_TABLES "fgw_acl_tables"
#define FGW_MAP_ACL_GENERATION "fgw_acl_gen"
#define FGW_MAP_HITS "fgw_hits"
#define FGW_MAP_RATES "fgw_rates"
#define FGW_MAP_FULL "fgw_full"
#define FGW_MAP_EXPECTED "fgw_expected"
#define FGW_MAP_SERVICES "fgw_services"
#define FGW_MAP_SERVICE_SOCKS "fgw_svc_socks"
#define FGW_MAP_SERVICE_DATA "fgw_svc_data"
#define FGW_MAP_EVENTS "fgw_events"
#define FGW_MAP_EVENTS_LOST "fgw_events_lost"
#define FGW_MAP_STF "fgw_stf"
#define FGW_MAP_IP4 "fgw_ip4"
#define FGW_MAP_PMTU "fgw_pmtu"
#define FGW_MAP_FLOWS "fgw_flows"
#define FGW_MAP_STF_SLOW "fgw_stf_slow"

/* Programs: "fgw_" and the name of the file in bpf/. */
#define FGW_PROG_XDP "fgw_xdp_ingress"
#define FGW_PROG_TC "fgw_tc_ingress"
#define FGW_PROG_DECAP "fgw_tc_decap"
#define FGW_PROG_ENCAP "fgw_tc_encap"
#define FGW_PROG_SK_LOOKUP "fgw_sk_lookup"

/* Pins: /sys/fs/bpf/FGW_PIN_DIRECTORY/<netns inode>/abi<N>/{maps,progs,links}. A pin name
 * must not hold a dot (bpffs refuses it), so links are named by ifindex. */
#define FGW_PIN_DIRECTORY "faith-gw"
#define FGW_PIN_XDP_LINK "xdp_if" /* + ifindex */
#define FGW_PIN_SK_LOOKUP_LINK "sk_lookup"

/* The guard's place in clsact ingress. Low, so that it runs before other people's
 * filters; handle and priority together with the program's name say it is ours. */
#define FGW_TC_PRIORITY 61
#define FGW_TC_HANDLE 0xfa17

/* What moves tunnel packets between stf0 and the uplink: before the guard, and before other
 * people's filters on an uplink. */
#define FGW_TC_STF_PRIORITY 60

/* The two devices of a tunnel: ifalias says that they are ours, and the peer is called like
 * the device with this behind it. */
#define FGW_STF_ALIAS "faith-gw tunnel"
#define FGW_STF_PEER_ALIAS "faith-gw tunnel, the hidden side"
#define FGW_STF_PEER_SUFFIX "-peer"

/* rtm_protocol of the routes we add, so that they can be found and removed again
 * by whoever comes after a crash. 250 is unassigned in rt_protos. */
#define FGW_ROUTE_PROTOCOL 250

#endif
