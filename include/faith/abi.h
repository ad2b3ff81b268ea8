/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the BPF programs and user space: keys, values and limits of
 * every map. Plain C that is also C++20, no function bodies, nothing but
 * <linux/types.h>. Each struct is followed by its size assert; tests/abi compares
 * the offsets seen by C and by C++. How to change it: README.md beside this file.
 */
#ifndef FAITH_ABI_H
#define FAITH_ABI_H

#include <linux/types.h>

#ifdef __cplusplus
#define FGW_ASSERT_SIZE(type, bytes) static_assert(sizeof(type) == (bytes))
#else
#define FGW_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#endif

#define FGW_ABI_VERSION 1

/* Limits. An operator meets them as a sentence from `check`, never as a map error. */
#define FGW_MAX_PREFIXES 64	 /* capture prefixes in a configuration */
#define FGW_MAX_PREFIX_RULES 4096 /* capture prefixes and exemptions together */
#define FGW_MAX_LISTENERS 64	 /* relay workers */
#define FGW_MAX_EXT_HEADERS 8	 /* IPv6 extension headers followed in one packet */
#define FGW_PORT_WORDS 1024	 /* 65,536 ports, one bit each */

/* fgw_meta[0]: which build made these maps. */
struct fgw_meta {
	__u32 abi;	 /* FGW_ABI_VERSION */
	__u32 pad;
	char build[56];	 /* version string of the loader, NUL-terminated */
};
FGW_ASSERT_SIZE(struct fgw_meta, 64);

/* fgw_config[0]: the switches every program reads. */
struct fgw_config {
	__u32 keepfaith; /* 0: capture nothing, let nothing to a prefix through (F9) */
	__u32 listeners; /* slots 0..listeners-1 of fgw_socks take new connections */
	__u32 all_ports; /* 0: only the ports set in fgw_ports */
	__u32 pad;
};
FGW_ASSERT_SIZE(struct fgw_config, 16);

/* fgw_prefixes: longest match decides (F2). */
enum fgw_prefix_kind {
	FGW_PREFIX_CAPTURE = 1, /* an operator's prefix */
	FGW_PREFIX_EXEMPT = 2,	/* a longer route or an own address inside one (F2, F3) */
};

enum fgw_layout {
	FGW_LAYOUT_FAITH = 0,	/* IPv4 in the last 32 bits, whatever the length (D19) */
	FGW_LAYOUT_RFC6052 = 1, /* by prefix length, bits 64-71 zero (R21) */
};

struct fgw_prefix_key {
	__u32 prefix_len; /* bits, host byte order, as the kernel's LPM trie wants it */
	__u8 addr[16];	  /* network byte order */
};
FGW_ASSERT_SIZE(struct fgw_prefix_key, 20);

struct fgw_prefix_val {
	__u8 kind;	 /* enum fgw_prefix_kind */
	__u8 layout;	 /* enum fgw_layout */
	__u8 prefix_len; /* bits; a lookup does not tell which length matched */
	__u8 pad;
};
FGW_ASSERT_SIZE(struct fgw_prefix_val, 4);

/* fgw_ports[port / 64]: bit (port % 64) set means the port is captured. */
struct fgw_port_word {
	__u64 bits;
};
FGW_ASSERT_SIZE(struct fgw_port_word, 8);

/* fgw_reasons[enum fgw_reason], one per CPU. */
struct fgw_count {
	__u64 packets;
};
FGW_ASSERT_SIZE(struct fgw_count, 8);

/* --- access control ----------------------------------------------------------------------
 *
 * The list of rules, compiled: first match in two lookups and, where ports matter, a
 * search (userspace/acl/compile.h).
 *
 *   1. sources, longest match of the client's address     -> class; none: no rule, deny
 *   2. destinations, longest match of class and IPv4      -> leaf; none: no rule, deny
 *   3. segments[first_segment .. +segments), port inside  -> its verdict; none: the leaf's
 */

/* Limits: past one, compiling fails and names a rule. What the kernel takes for an entry
 * of the two LPM tries, its inner node included, is at most 128 bytes on 6.1 and 160 on
 * kernels that allocate them from the BPF allocator: full tables are 32 and 256 MiB (40 and
 * 320), twice that while a reload holds both generations. A segment takes 8 bytes. */
#define FGW_MAX_RULES 200000		 /* and hit slots */
#define FGW_MAX_ACL_SOURCES 262144
#define FGW_MAX_ACL_DESTINATIONS 2097152
#define FGW_MAX_ACL_SEGMENTS 1048576

/* A verdict word: the bit says permit, the rest which hit slot the deciding rule has,
 * below FGW_MAX_RULES. A rule keeps its slot over reloads as long as it means the same. */
#define FGW_VERDICT_PERMIT 0x80000000U
#define FGW_VERDICT_SLOT 0x7fffffffU
#define FGW_VERDICT_NO_RULE 0x7fffffffU /* the whole word: no rule matched, deny */

/* Sources: struct fgw_prefix_key -> struct fgw_acl_class. */
struct fgw_acl_class {
	__u32 class_id; /* from 1; host byte order */
};
FGW_ASSERT_SIZE(struct fgw_acl_class, 4);

/* Destinations: struct fgw_acl_dst_key -> struct fgw_acl_leaf. */
#define FGW_ACL_CLASS_BITS 32

struct fgw_acl_dst_key {
	__u32 prefix_len;  /* FGW_ACL_CLASS_BITS and the bits of the IPv4 prefix; host byte order */
	__u8 class_id[4];  /* network byte order, and first: the longest match compares it whole */
	__u8 addr[4];	   /* network byte order */
};
FGW_ASSERT_SIZE(struct fgw_acl_dst_key, 12);

struct fgw_acl_leaf {
	__u32 verdict;	     /* outside all segments */
	__u32 first_segment; /* index; 0 if there are none */
	__u32 segments;	     /* at most FGW_ACL_LEAF_SEGMENTS */
	__u32 pad;
};
FGW_ASSERT_SIZE(struct fgw_acl_leaf, 16);

/* Segments: an array. Those of one leaf are sorted and disjoint; leaves may share them. */
#define FGW_ACL_LEAF_SEGMENTS 65536 /* one for each port; 17 steps of a binary search */

struct fgw_acl_segment {
	__u16 first_port; /* host byte order, inclusive */
	__u16 last_port;  /* host byte order, inclusive */
	__u32 verdict;
};
FGW_ASSERT_SIZE(struct fgw_acl_segment, 8);

#endif
