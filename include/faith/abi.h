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
#define FGW_MAX_TARGETS 8192	 /* IPv4 prefixes that no rule opens, own addresses included */
#define FGW_MAX_INTERFACES 1024	 /* with our XDP program */
#define FGW_RATE_ENTRIES 65536	 /* token buckets; beyond, the one idle longest is forgotten */
#define FGW_MAX_FULL_SOURCES 16384 /* client /64s with as many sessions as they may have */
#define FGW_MAX_EXPECTED 16384	 /* data connections that clients were told to make */
#define FGW_MAX_SERVICES 1024	 /* ports that other programs serve */
#define FGW_EVENT_BYTES 262144	 /* the ring of events: a power of two, whole pages */

/* fgw_meta[0]: which build made these maps. */
struct fgw_meta {
	__u32 abi;	 /* FGW_ABI_VERSION */
	__u32 pad;
	char build[56];	 /* version string of the loader, NUL-terminated */
};
FGW_ASSERT_SIZE(struct fgw_meta, 64);

/* fgw_config[0]: the switches every program reads. */
enum fgw_deny { /* what a client hears of a connection that is denied */
	FGW_DENY_RESET = 0,	 /* a TCP reset */
	FGW_DENY_SILENT = 1,	 /* nothing */
	FGW_DENY_PROHIBITED = 2, /* ICMPv6 administratively prohibited (RFC 4443 3.1), at a rate */
};

struct fgw_config {
	__u32 keepfaith; /* 0: capture nothing, let nothing to a prefix through (F9) */
	__u32 listeners; /* slots 0..listeners-1 of fgw_socks take new connections */
	__u32 all_ports; /* 0: only the ports set in fgw_ports */
	__u32 deny;	 /* enum fgw_deny */
	__u32 source_rate; /* new connections per second from one /64; 0: no limit */
	__u32 fast_path;   /* 1: a tunnel has one (FGW_STF_FAST) */
};
FGW_ASSERT_SIZE(struct fgw_config, 24);

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
	__u8 kind;	  /* enum fgw_prefix_kind */
	__u8 layout;	  /* enum fgw_layout */
	__u8 prefix_len;  /* bits; a lookup does not tell which length matched */
	__u8 global_only; /* 1: must not carry private IPv4 addresses (R23) */
};
FGW_ASSERT_SIZE(struct fgw_prefix_val, 4);

/* fgw_ports[port / 64]: bit (port % 64) set means the port is captured. */
struct fgw_port_word {
	__u64 bits;
};
FGW_ASSERT_SIZE(struct fgw_port_word, 8);

/* fgw_expected: where only some ports are captured, one more for one client: FTP told it to
 * make its data connection there. */
struct fgw_expected_key {
	__u8 client[16];
	__u8 destination[16];
	__u16 port; /* host byte order */
	__u16 pad;
};
FGW_ASSERT_SIZE(struct fgw_expected_key, 36);

struct fgw_expected {
	__u64 until_ns; /* CLOCK_MONOTONIC */
};
FGW_ASSERT_SIZE(struct fgw_expected, 8);

/* fgw_services, by port (host byte order): another program's listener takes the connections
 * to a prefix on this port, which is what the IN6P_FAITH socket option was (F19). The socket
 * is in fgw_svc_socks under the same key, and the kernel takes it out when it is closed; the
 * entry here stays, so that nobody else serves the port until it is captured again or
 * released. */
struct fgw_service {
	__u64 cookie;	  /* of the socket (SO_COOKIE) */
	__u32 pid;	  /* of its program, as whoever captured it saw it */
	__u32 pad;
	char program[16]; /* name of that process, NUL-terminated */
};
FGW_ASSERT_SIZE(struct fgw_service, 32);

/* fgw_svc_data: the same for one client and one more port: FTP told it to make its data
 * connection there, and the control connection is with that service. */
struct fgw_service_data {
	__u64 until_ns; /* CLOCK_MONOTONIC */
	__u32 service;	/* port of the service */
	__u32 pad;
};
FGW_ASSERT_SIZE(struct fgw_service_data, 16);

/* fgw_reasons[enum fgw_reason], one per CPU. */
struct fgw_count {
	__u64 packets;
};
FGW_ASSERT_SIZE(struct fgw_count, 8);

/* fgw_targets: what holds for an IPv4 address whatever the rules say, by longest match. An
 * entry says all that holds for it, what is said of the prefixes around it included. */
struct fgw_target_key {
	__u32 prefix_len; /* bits, host byte order */
	__u8 addr[4];	  /* network byte order */
};
FGW_ASSERT_SIZE(struct fgw_target_key, 8);

struct fgw_target_val {
	__u8 never;	 /* 1: no rule opens it (D20, D21) */
	__u8 own;	 /* 1: an address of the gateway */
	__u8 not_global; /* 1: private or shared space (R23) */
	__u8 pad;
};
FGW_ASSERT_SIZE(struct fgw_target_val, 4);

/* fgw_interfaces, by interface index: what the XDP program must know of where it runs. */
struct fgw_interface {
	__u32 replies;	/* 1: a frame sent back by XDP_TX arrives; 0: leave answers to the stack */
	__u32 forwards; /* 1: the fast path may take frames from here, and send them out here */
	__u8 mac[6];	/* its station address, for the fast path */
	__u8 pad[2];
};
FGW_ASSERT_SIZE(struct fgw_interface, 16);

/* --- tunnels: 6to4 (RFC 3056) and 6rd (RFC 5969) ----------------------------------------
 *
 * Both are one thing with other numbers: behind a prefix stand the last 32 - v4_mask_len
 * bits of a site's IPv4 address. 6to4 is 2002::/16 with all 32 of them. A tunnel is
 * written up to three times into fgw_stf, under what each direction knows of it:
 *
 *   {uplink, own IPv4 address}   what comes in, at XDP of the uplink
 *   {hidden peer, 0.0.0.0}       what goes out, at TC ingress of stf0's peer
 *   {stf0, 0.0.0.0}              what a route leads into the tunnel, at XDP of other interfaces:
 *                                only with a fast path
 *
 * Without its IPv4 address on the gateway a tunnel has neither: it claims nothing and
 * sends nothing (S3).
 */
#define FGW_MAX_TUNNELS 64
#define FGW_MAX_LOCAL_IP4 8192 /* IPv4 addresses of the gateway and their broadcasts */

struct fgw_stf_key {
	__u32 ifindex;	  /* host byte order */
	__u8 address[4];  /* network byte order */
};
FGW_ASSERT_SIZE(struct fgw_stf_key, 8);

enum fgw_stf_flag {
	FGW_STF_6TO4 = 1,	   /* the prefix is 2002::/16: relays of any address exist (R2) */
	FGW_STF_INPUT = 2,	   /* take packets in (LINK0 turned round, S7) */
	FGW_STF_INGRESS = 4,	   /* the outer source must be routed to the uplink (S16) */
	FGW_STF_PRIVATE_OUTER = 8, /* private IPv4 addresses outside: always so in 6rd (S18) */
	FGW_STF_PRIVATE_6TO4 = 16, /* and inside of 2002::/16: permit_rfc1918 */
	FGW_STF_RELAYS = 32,	   /* we are the border relay of the 6rd domain (R16) */
	FGW_STF_FAST = 64,	   /* fast_path: forwards at XDP, past the stack */
	FGW_STF_PMTU = 128,	   /* follow the path MTU of the IPv4 network: DF (R9) */
	FGW_STF_ECN_LOG = 256,	   /* tell of congestion marks that no path makes (S30) */
};

enum fgw_ecn {
	FGW_ECN_COPY = 0,	   /* out: copied; in: left alone (stf(4) without LINK1) */
	FGW_ECN_RFC6040 = 1,	   /* out: copied; in: joined (RFC 6040 4.1 normal mode, 4.2) */
	FGW_ECN_COMPATIBILITY = 2, /* out: none; in: joined (4.1 compatibility mode) */
};

struct fgw_stf {
	__u8 prefix[16];      /* network byte order, host bits zero */
	__u8 address[4];      /* own; network byte order */
	__u8 border_relay[4]; /* 6rd; network byte order; 0.0.0.0: none, or it is us */
	__u8 prefix_len;      /* bits; prefix_len + 32 - v4_mask_len <= 128 */
	__u8 v4_mask_len;     /* 0..32 leading bits that all sites share and none embeds */
	__u8 peer_len;	      /* 0..32 leading bits a peer must share with `address` (S9) */
	__u8 ttl;
	__u8 ecn; /* enum fgw_ecn */
	__u8 pad;
	__u16 mtu;	    /* of stf0 */
	__u32 flags;	    /* enum fgw_stf_flag */
	__u32 uplink;	    /* ifindex */
	__u32 device;	    /* ifindex of stf0 */
	__u32 peer;	    /* ifindex of its hidden peer */
	__u8 device_mac[6]; /* what the peer's frames are addressed to */
	__u8 peer_mac[6];
	__u16 mss; /* the longest TCP segment that either end is told; 0: left as it is */
	__u16 tail_pad;
};
FGW_ASSERT_SIZE(struct fgw_stf, 64);

/* fgw_ip4: what an IPv4 address is on the gateway, whichever interface has it. */
enum fgw_ip4_kind {
	FGW_IP4_OWN = 1,
	FGW_IP4_BROADCAST = 2, /* of a directly connected network (S16) */
	FGW_IP4_SITE = 4,      /* own, and 2002:V4ADDR::/48 is a site of ours */
};

struct fgw_ip4_key {
	__u8 address[4]; /* network byte order */
};
FGW_ASSERT_SIZE(struct fgw_ip4_key, 4);

struct fgw_ip4_val {
	__u32 kinds; /* enum fgw_ip4_kind */
};
FGW_ASSERT_SIZE(struct fgw_ip4_val, 4);

/* In front of a packet that XDP took out of a tunnel, until TC has moved it to stf0. */
#define FGW_STF_MARK 0x66677374U

struct fgw_stf_mark {
	__u32 mark; /* FGW_STF_MARK */
	__u32 peer; /* ifindex of the hidden peer */
	__u16 mss;  /* as in struct fgw_stf */
	__u8 outer_mark; /* congestion notification of the header that is gone */
	__u8 ecn;	 /* as in struct fgw_stf */
	__u8 far[4]; /* and its source; network byte order */
};
FGW_ASSERT_SIZE(struct fgw_stf_mark, 16);

/* fgw_pmtu: how long a packet the IPv4 network takes to a tunnel's far end, where that is
 * followed (FGW_STF_PMTU) and it has said so (RFC 4213 3.2.2). What is not heard again is
 * forgotten, first by time, then by age. */
#define FGW_MAX_PMTU 4096

struct fgw_pmtu_key {
	__u32 uplink; /* ifindex */
	__u8 destination[4]; /* network byte order */
};
FGW_ASSERT_SIZE(struct fgw_pmtu_key, 8);

struct fgw_pmtu {
	__u64 until_ns; /* CLOCK_MONOTONIC */
	__u32 mtu;	/* of IPv4 */
	__u32 pad;
};
FGW_ASSERT_SIZE(struct fgw_pmtu, 16);

/* fgw_flows: what was found out about the addresses of a packet, on the way into a tunnel or out of
 * one; it holds for the tick in which the programs asked maps and routing tables. So a change
 * counts from the next tick on. One table per CPU; private to the programs. */
#define FGW_FLOW_SLOTS 1024 /* a power of two */
#define FGW_FLOW_WORDS 14

enum fgw_way_kind {
	FGW_WAY_UNKNOWN = 0, /* nobody knows yet */
	FGW_WAY_SLOW = 1,    /* in: to stf0; out: by TC to the uplink; no look at the fast path */
	FGW_WAY_FAST = 2,    /* from interface to interface at XDP */
	FGW_WAY_KERNEL = 3,  /* no prefix and no fast tunnel takes it: as if there were no program */
};

struct fgw_way {
	__u32 kind;	      /* enum fgw_way_kind */
	__u32 ifindex;	      /* where it leaves: FAST, and out */
	__u32 peer;	      /* in, SLOW: of the hidden peer */
	__u32 mtu;	      /* the longest IPv6 packet: FAST, and out */
	__u8 destination[6];  /* of the frame that leaves; out, SLOW: the kernel finds them */
	__u8 source[6];
	__u8 own[4];	      /* outer addresses, out; network byte order */
	__u8 far[4];
	__u16 mss;	      /* as in struct fgw_stf, as are the next two */
	__u8 ecn;
	__u8 ttl;
	__u32 whole;	      /* out, SLOW: 1: DF */
	__u32 random;	      /* out: its upper half is the identification of the last outer header */
} __attribute__((aligned(8))); /* it is copied for every packet */
FGW_ASSERT_SIZE(struct fgw_way, 48);

struct fgw_flow {
	__u32 question[FGW_FLOW_WORDS]; /* bpf/lib/flow.h */
	__u64 tick;			/* bpf_jiffies64() */
	struct fgw_way way;
	__u32 number;			/* of the question: goes up with each one that is put here */
	__u32 busy;			/* 1: whom this one interrupted is at it */
};
FGW_ASSERT_SIZE(struct fgw_flow, 120);

/* fgw_stf_slow: a ring of packets that are for user space. What comes for a tunnel in fragments
 * goes there whole, IPv4 header and all, and nowhere else: without a reader the ring is soon
 * full, and what finds no room is dropped. A record is a struct fgw_slow_packet and the room
 * for a packet behind it, the shorter one where that is enough. */
#define FGW_SLOW_BYTES 1048576 /* a power of two, whole pages */
#define FGW_SLOW_SHORT_ROOM 2040
#define FGW_SLOW_LONG_ROOM 16376

struct fgw_slow_packet {
	__u32 ifindex; /* where it came in */
	__u16 length;  /* of the packet behind this; the rest of the room is garbage */
	__u16 mtu;     /* 0, or what an IPv6 packet may have at most that was going out */
};
FGW_ASSERT_SIZE(struct fgw_slow_packet, 8);

/* So many of them in a second are taken from one IPv4 address, and from all. */
#define FGW_FRAGMENTS_PER_SOURCE 8192
#define FGW_FRAGMENTS_PER_SECOND 16384
#define FGW_STF_ICMP4_PER_SECOND 1000
#define FGW_TOO_BIG_PER_SECOND 1000

/* --- access control ----------------------------------------------------------------------
 *
 * The list of rules, compiled twice: first to tables that people can read and tests can
 * check (userspace/acl/compile.h),
 *
 *   1. sources, longest match of the client's address     -> class; none: no rule, deny
 *   2. destinations, longest match of class and IPv4      -> leaf; none: no rule, deny
 *   3. segments[first_segment .. +segments), port inside  -> its verdict; none: the leaf's
 *
 * and these to one trie over source, target and port (userspace/acl/tables.h), which is
 * what the programs walk.
 */

/* Limits: past one, compiling fails and names a rule. */
#define FGW_MAX_RULES 131072
#define FGW_ACL_SLOTS 262144 /* two generations, so that a new rule never needs an old slot */
#define FGW_MAX_ACL_SOURCES 262144
#define FGW_MAX_ACL_DESTINATIONS 2097152
#define FGW_MAX_ACL_SEGMENTS 1048576

/* A verdict word: what to do, and which slot the deciding rule has, below FGW_ACL_SLOTS. A
 * rule keeps its slot over reloads as long as it means the same. */
#define FGW_ACL_NODE 0x80000000U /* no verdict yet: the rest is the block of a node */
#define FGW_VERDICT_PERMIT 0x40000000U
#define FGW_VERDICT_LIMIT 0x20000000U /* the rule says `limit`: fgw_acl has the number */
#define FGW_VERDICT_SLOT 0x1fffffffU
#define FGW_VERDICT_NO_RULE 0x1fffffffU /* the whole word: no rule matched, deny */

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
	__u32 segments;
	__u32 pad;
};
FGW_ASSERT_SIZE(struct fgw_acl_leaf, 16);

/* Segments: an array. Those of one leaf are sorted and disjoint; leaves may share them. */
struct fgw_acl_segment {
	__u16 first_port; /* host byte order, inclusive */
	__u16 last_port;  /* host byte order, inclusive */
	__u32 verdict;
};
FGW_ASSERT_SIZE(struct fgw_acl_segment, 8);

/* fgw_acl_tables[generation & 1]: an array of blocks, all of one generation. Block 0 is the
 * head, the others are nodes of the trie, each followed by its values if they are many: a
 * step that finds neither in the cache should at least find both on one page.
 *
 * The key is 22 bytes: source, target, port, in network byte order. A node decides by one
 * byte of it and tells whether the bytes that were skipped before it, within the source, the
 * target or the port, are the right ones. bpf/lib/acl_walk.h is the walk. */
#define FGW_ACL_BLOCK_BYTES 64
#define FGW_ACL_BLOCK_VALUES 16
#define FGW_ACL_TARGET_AT 16
#define FGW_ACL_PORT_AT 20
#define FGW_ACL_KEY_BYTES 22
#define FGW_ACL_NARROW_RUNS 8

struct fgw_acl_head {
	__u32 root; /* as any value */
	__u32 generation;
	__u32 blocks; /* this one included */
	__u32 rules;
	__u64 hash; /* of the image it was made of */
	__u8 pad[40];
};
FGW_ASSERT_SIZE(struct fgw_acl_head, FGW_ACL_BLOCK_BYTES);

/* The values of a byte make runs of equal ones; up to eight are in the node itself. */
struct fgw_acl_node {
	__u64 prefix[2]; /* what the bytes before `depth` must be, of the source, or in the first
			    word of the target or the port; host byte order, the rest zero */
	union {
		__u64 starts[4]; /* wide, by byte value: bit set where a run begins */
		__u32 values[FGW_ACL_NARROW_RUNS]; /* narrow, of each run; the last repeated */
	};
	__u32 miss;  /* the value when the bytes before are others */
	__u8 depth;  /* which byte of the key decides */
	__u8 narrow; /* 0: wide, the value of run R is values[R % 16], R / 16 blocks after the
			next one */
	__u8 pad[2];
	union {
		__u64 ranks;  /* wide, byte W from the lowest: runs before starts[W] */
		__u64 firsts; /* narrow, byte R from the lowest: where run R begins; else 0xff */
	};
};
FGW_ASSERT_SIZE(struct fgw_acl_node, FGW_ACL_BLOCK_BYTES);

union fgw_acl_block {
	struct fgw_acl_head head;
	struct fgw_acl_node node;
	__u32 values[FGW_ACL_BLOCK_VALUES]; /* verdicts, or FGW_ACL_NODE and a block */
};
FGW_ASSERT_SIZE(union fgw_acl_block, FGW_ACL_BLOCK_BYTES);

/* fgw_acl, by slot: the rules in force, for people with bpftool and for the number of a
 * `limit`. During a reload those of both generations are here. */
struct fgw_rule {
	__u32 line;		/* 0: no file, a default rule or --permit */
	__u32 limit_per_second; /* 0: none */
	__u8 source[16];	/* network byte order */
	__u8 target[4];		/* network byte order */
	__u8 source_len;	/* bits */
	__u8 target_len;	/* bits */
	__u8 permit;
	__u8 log;
	__u32 port_ranges; /* 0: every port */
	char file[28];	   /* name without its directory, NUL-terminated, cut if it must be */
};
FGW_ASSERT_SIZE(struct fgw_rule, 64);

/* fgw_hits[stripe * FGW_ACL_SLOTS + slot]: struct fgw_count. Permissions are counted when a
 * listener takes the connection, denials where they happen. CPUs count in stripes, not one
 * each: a per-CPU array of so many entries takes half a second to make. */
#define FGW_HIT_STRIPES 8 /* a power of two */

/* --- limits ------------------------------------------------------------------------------
 *
 * fgw_rates: token buckets, each one number (GCRA): when the bucket will be full again. */
enum fgw_rate_of {
	/* below FGW_ACL_SLOTS: the `limit` of the rule in that slot, for one source */
	FGW_RATE_SOURCE = 0x20000000,	/* new connections of one source, fgw_config.source_rate */
	FGW_RATE_NEWCOMERS = 0x20000001, /* sources of one network that get a bucket of their own */
	FGW_RATE_ICMP6 = 0x20000002,	/* errors to one source */
	FGW_RATE_ICMP6_ALL = 0x20000003, /* errors to everybody */
	FGW_RATE_EVENTS = 0x20000004,	/* events */
	FGW_RATE_FRAGMENTS = 0x20000005, /* fragments for tunnels from one source */
	FGW_RATE_FRAGMENTS_ALL = 0x20000006, /* and from everybody */
	FGW_RATE_ICMP4 = 0x20000007, /* ICMPv4 errors about tunnel packets */
	FGW_RATE_TOO_BIG = 0x20000008, /* packets too long for a tunnel's path */
	FGW_RATE_ECN = 0x20000009, /* events of odd congestion marks */
};

/* So many sources of one network may get a bucket in a second; those beyond share one. With
 * it, nobody can fill fgw_rates before the buckets in it are full again, when forgetting
 * them loses nothing. */
#define FGW_NEWCOMERS_OF_48 128
#define FGW_NEWCOMERS_OF_32 2048

#define FGW_ICMP6_PER_SOURCE 10 /* a second; RFC 4443 2.4 (f) */
#define FGW_ICMP6_PER_SECOND 1000

struct fgw_rate_key {
	__u8 source[8];	  /* network byte order, bits beyond prefix_len zero */
	__u32 of;	  /* enum fgw_rate_of */
	__u32 prefix_len; /* 64; less for a network that has too many sources */
};
FGW_ASSERT_SIZE(struct fgw_rate_key, 16);

struct fgw_rate {
	__u64 full_at_ns; /* CLOCK_MONOTONIC */
};
FGW_ASSERT_SIZE(struct fgw_rate, 8);

/* fgw_full: client /64s that have as many sessions as max_sessions_per_source allows. The
 * relay knows and says so; a SYN of theirs need not reach it to be refused. */
struct fgw_source_key {
	__u8 source[8]; /* network byte order */
};
FGW_ASSERT_SIZE(struct fgw_source_key, 8);

struct fgw_sessions {
	__u32 sessions;
};
FGW_ASSERT_SIZE(struct fgw_sessions, 4);

/* --- what happened, as it happens --------------------------------------------------------
 *
 * fgw_events: a ring of these, one for each connection that is denied; at most
 * FGW_EVENTS_PER_SECOND, the others are counted in fgw_events_lost. And one for each packet of a
 * tunnel whose congestion marks no path makes, but so many in a second that they never crowd out
 * the denials; those beyond are only in fgw_reasons. */
#define FGW_EVENTS_PER_SECOND 1000
#define FGW_ECN_EVENTS_PER_SECOND 10

enum fgw_hook {
	FGW_HOOK_XDP = 1,
	FGW_HOOK_TC = 2,
	FGW_HOOK_LOOKUP = 3,
};

struct fgw_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 reason;  /* enum fgw_reason */
	__u32 verdict; /* the verdict word; FGW_VERDICT_NO_RULE if no rule was asked or matched */
	__u8 source[16];
	__u8 destination[16];
	__u8 target[4];		/* zero if the destination embeds none; of a tunnel: its peer */
	__u16 source_port;	/* host byte order */
	__u16 destination_port; /* host byte order */
	__u32 interface_index; /* where it came in; of a tunnel: its device */
	__u32 generation;
	__u32 hook; /* enum fgw_hook */
	__u8 inner_mark; /* of a tunnel: the two bits of congestion notification, inside */
	__u8 outer_mark; /* and outside */
	__u8 pad[2];
};
FGW_ASSERT_SIZE(struct fgw_event, 72);

/* --- asking without doing ----------------------------------------------------------------
 *
 * A test run of the XDP program on a frame with this metadata in front counts nothing,
 * takes no token and tells no event: it writes the answer into the metadata. No frame from
 * a network has metadata when the first XDP program sees it. The sk_lookup program takes a
 * lookup for the protocol FGW_PROBE_TCP as one for TCP; in no packet is the number so big,
 * and of all the context it is what a test run lets one choose freely. */
#define FGW_PROBE_MAGIC 0x70726f62U
#define FGW_PROBE_TCP 0x8006U

struct fgw_probe {
	__u32 magic;
	__u32 reason;	  /* enum fgw_reason */
	__u32 verdict;	  /* the verdict word */
	__u32 generation; /* in force when it was judged */
	__u8 target[4];	  /* zero if the destination embeds none */
	__u32 pad;
};
FGW_ASSERT_SIZE(struct fgw_probe, 24);

#endif
