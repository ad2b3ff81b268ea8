/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every struct of the contract with its fields, once, so that C and C++ can each say
 * where they see them. S(struct), F(struct, field).
 */
#ifndef TESTS_ABI_LAYOUT_H
#define TESTS_ABI_LAYOUT_H

#include <stddef.h>

#define ABI_LAYOUT(S, F)                                                                           \
    S(fgw_meta)                                                                                    \
    F(fgw_meta, abi)                                                                               \
    F(fgw_meta, pad)                                                                               \
    F(fgw_meta, build)                                                                             \
    S(fgw_config)                                                                                  \
    F(fgw_config, keepfaith)                                                                       \
    F(fgw_config, listeners)                                                                       \
    F(fgw_config, all_ports)                                                                       \
    F(fgw_config, deny)                                                                            \
    F(fgw_config, source_rate)                                                                     \
    F(fgw_config, fast_path)                                                                       \
    S(fgw_prefix_key)                                                                              \
    F(fgw_prefix_key, prefix_len)                                                                  \
    F(fgw_prefix_key, addr)                                                                        \
    S(fgw_prefix_val)                                                                              \
    F(fgw_prefix_val, kind)                                                                        \
    F(fgw_prefix_val, layout)                                                                      \
    F(fgw_prefix_val, prefix_len)                                                                  \
    F(fgw_prefix_val, global_only)                                                                 \
    S(fgw_port_word)                                                                               \
    F(fgw_port_word, bits)                                                                         \
    S(fgw_expected_key)                                                                            \
    F(fgw_expected_key, client)                                                                    \
    F(fgw_expected_key, destination)                                                               \
    F(fgw_expected_key, port)                                                                      \
    F(fgw_expected_key, pad)                                                                       \
    S(fgw_expected)                                                                                \
    F(fgw_expected, until_ns)                                                                      \
    S(fgw_service)                                                                                 \
    F(fgw_service, cookie)                                                                         \
    F(fgw_service, pid)                                                                            \
    F(fgw_service, pad)                                                                            \
    F(fgw_service, program)                                                                        \
    S(fgw_service_data)                                                                            \
    F(fgw_service_data, until_ns)                                                                  \
    F(fgw_service_data, service)                                                                   \
    F(fgw_service_data, pad)                                                                       \
    S(fgw_count)                                                                                   \
    F(fgw_count, packets)                                                                          \
    S(fgw_stf_key)                                                                                 \
    F(fgw_stf_key, ifindex)                                                                        \
    F(fgw_stf_key, address)                                                                        \
    S(fgw_stf)                                                                                     \
    F(fgw_stf, prefix)                                                                             \
    F(fgw_stf, address)                                                                            \
    F(fgw_stf, border_relay)                                                                       \
    F(fgw_stf, prefix_len)                                                                         \
    F(fgw_stf, v4_mask_len)                                                                        \
    F(fgw_stf, peer_len)                                                                           \
    F(fgw_stf, ttl)                                                                                \
    F(fgw_stf, ecn)                                                                                \
    F(fgw_stf, pad)                                                                                \
    F(fgw_stf, mtu)                                                                                \
    F(fgw_stf, flags)                                                                              \
    F(fgw_stf, uplink)                                                                             \
    F(fgw_stf, device)                                                                             \
    F(fgw_stf, peer)                                                                               \
    F(fgw_stf, device_mac)                                                                         \
    F(fgw_stf, peer_mac)                                                                           \
    F(fgw_stf, mss)                                                                                \
    F(fgw_stf, tail_pad)                                                                           \
    S(fgw_ip4_key)                                                                                 \
    F(fgw_ip4_key, address)                                                                        \
    S(fgw_ip4_val)                                                                                 \
    F(fgw_ip4_val, kinds)                                                                          \
    S(fgw_pmtu_key)                                                                                \
    F(fgw_pmtu_key, uplink)                                                                        \
    F(fgw_pmtu_key, destination)                                                                   \
    S(fgw_pmtu)                                                                                    \
    F(fgw_pmtu, until_ns)                                                                          \
    F(fgw_pmtu, mtu)                                                                               \
    F(fgw_pmtu, pad)                                                                               \
    S(fgw_way)                                                                                     \
    F(fgw_way, kind)                                                                               \
    F(fgw_way, ifindex)                                                                            \
    F(fgw_way, peer)                                                                               \
    F(fgw_way, mtu)                                                                                \
    F(fgw_way, destination)                                                                        \
    F(fgw_way, source)                                                                             \
    F(fgw_way, own)                                                                                \
    F(fgw_way, far)                                                                                \
    F(fgw_way, mss)                                                                                \
    F(fgw_way, ecn)                                                                                \
    F(fgw_way, ttl)                                                                                \
    F(fgw_way, whole)                                                                              \
    F(fgw_way, random)                                                                             \
    S(fgw_flow)                                                                                    \
    F(fgw_flow, question)                                                                          \
    F(fgw_flow, tick)                                                                              \
    F(fgw_flow, way)                                                                               \
    F(fgw_flow, number)                                                                            \
    F(fgw_flow, busy)                                                                              \
    S(fgw_slow_packet)                                                                             \
    F(fgw_slow_packet, ifindex)                                                                    \
    F(fgw_slow_packet, length)                                                                     \
    F(fgw_slow_packet, mtu)                                                                        \
    S(fgw_stf_mark)                                                                                \
    F(fgw_stf_mark, mark)                                                                          \
    F(fgw_stf_mark, peer)                                                                          \
    F(fgw_stf_mark, mss)                                                                           \
    F(fgw_stf_mark, outer_mark)                                                                    \
    F(fgw_stf_mark, ecn)                                                                           \
    F(fgw_stf_mark, far)                                                                           \
    S(fgw_acl_class)                                                                               \
    F(fgw_acl_class, class_id)                                                                     \
    S(fgw_acl_dst_key)                                                                             \
    F(fgw_acl_dst_key, prefix_len)                                                                 \
    F(fgw_acl_dst_key, class_id)                                                                   \
    F(fgw_acl_dst_key, addr)                                                                       \
    S(fgw_acl_leaf)                                                                                \
    F(fgw_acl_leaf, verdict)                                                                       \
    F(fgw_acl_leaf, first_segment)                                                                 \
    F(fgw_acl_leaf, segments)                                                                      \
    F(fgw_acl_leaf, pad)                                                                           \
    S(fgw_acl_segment)                                                                             \
    F(fgw_acl_segment, first_port)                                                                 \
    F(fgw_acl_segment, last_port)                                                                  \
    F(fgw_acl_segment, verdict)                                                                    \
    S(fgw_target_key)                                                                              \
    F(fgw_target_key, prefix_len)                                                                  \
    F(fgw_target_key, addr)                                                                        \
    S(fgw_target_val)                                                                              \
    F(fgw_target_val, never)                                                                       \
    F(fgw_target_val, own)                                                                         \
    F(fgw_target_val, not_global)                                                                  \
    F(fgw_target_val, pad)                                                                         \
    S(fgw_interface)                                                                               \
    F(fgw_interface, replies)                                                                      \
    F(fgw_interface, forwards)                                                                     \
    F(fgw_interface, mac)                                                                          \
    F(fgw_interface, pad)                                                                          \
    S(fgw_acl_head)                                                                                \
    F(fgw_acl_head, root)                                                                          \
    F(fgw_acl_head, generation)                                                                    \
    F(fgw_acl_head, blocks)                                                                        \
    F(fgw_acl_head, rules)                                                                         \
    F(fgw_acl_head, hash)                                                                          \
    F(fgw_acl_head, pad)                                                                           \
    S(fgw_acl_node)                                                                                \
    F(fgw_acl_node, prefix)                                                                        \
    F(fgw_acl_node, starts)                                                                        \
    F(fgw_acl_node, values)                                                                        \
    F(fgw_acl_node, miss)                                                                          \
    F(fgw_acl_node, depth)                                                                         \
    F(fgw_acl_node, narrow)                                                                        \
    F(fgw_acl_node, pad)                                                                           \
    F(fgw_acl_node, ranks)                                                                         \
    F(fgw_acl_node, firsts)                                                                        \
    S(fgw_rule)                                                                                    \
    F(fgw_rule, line)                                                                              \
    F(fgw_rule, limit_per_second)                                                                  \
    F(fgw_rule, source)                                                                            \
    F(fgw_rule, target)                                                                            \
    F(fgw_rule, source_len)                                                                        \
    F(fgw_rule, target_len)                                                                        \
    F(fgw_rule, permit)                                                                            \
    F(fgw_rule, log)                                                                               \
    F(fgw_rule, port_ranges)                                                                       \
    F(fgw_rule, file)                                                                              \
    S(fgw_rate_key)                                                                                \
    F(fgw_rate_key, source)                                                                        \
    F(fgw_rate_key, of)                                                                            \
    F(fgw_rate_key, prefix_len)                                                                    \
    S(fgw_rate)                                                                                    \
    F(fgw_rate, full_at_ns)                                                                        \
    S(fgw_source_key)                                                                              \
    F(fgw_source_key, source)                                                                      \
    S(fgw_sessions)                                                                                \
    F(fgw_sessions, sessions)                                                                      \
    S(fgw_event)                                                                                   \
    F(fgw_event, time_ns)                                                                          \
    F(fgw_event, reason)                                                                           \
    F(fgw_event, verdict)                                                                          \
    F(fgw_event, source)                                                                           \
    F(fgw_event, destination)                                                                      \
    F(fgw_event, target)                                                                           \
    F(fgw_event, source_port)                                                                      \
    F(fgw_event, destination_port)                                                                 \
    F(fgw_event, interface_index)                                                                  \
    F(fgw_event, generation)                                                                       \
    F(fgw_event, hook)                                                                             \
    F(fgw_event, inner_mark)                                                                       \
    F(fgw_event, outer_mark)                                                                       \
    F(fgw_event, pad)                                                                              \
    S(fgw_probe)                                                                                   \
    F(fgw_probe, magic)                                                                            \
    F(fgw_probe, reason)                                                                           \
    F(fgw_probe, verdict)                                                                          \
    F(fgw_probe, generation)                                                                       \
    F(fgw_probe, target)                                                                           \
    F(fgw_probe, pad)

struct abi_place {
    const char *name; /* "fgw_meta", "fgw_meta.build" */
    size_t offset;    /* 0 for a struct */
    size_t size;
};

#ifdef __cplusplus
extern "C" {
#endif
extern const struct abi_place abi_seen_by_c[];
extern const size_t abi_places_seen_by_c;
#ifdef __cplusplus
}
#endif

#endif
