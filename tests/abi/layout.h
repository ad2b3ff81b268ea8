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
    F(fgw_config, pad)                                                                             \
    S(fgw_prefix_key)                                                                              \
    F(fgw_prefix_key, prefix_len)                                                                  \
    F(fgw_prefix_key, addr)                                                                        \
    S(fgw_prefix_val)                                                                              \
    F(fgw_prefix_val, kind)                                                                        \
    F(fgw_prefix_val, layout)                                                                      \
    F(fgw_prefix_val, prefix_len)                                                                  \
    F(fgw_prefix_val, pad)                                                                         \
    S(fgw_port_word)                                                                               \
    F(fgw_port_word, bits)                                                                         \
    S(fgw_count)                                                                                   \
    F(fgw_count, packets)                                                                          \
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
    F(fgw_acl_segment, verdict)

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
