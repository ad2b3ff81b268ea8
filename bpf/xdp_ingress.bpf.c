/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * XDP on each loaded interface and on each uplink. The guard: frame -> VLAN tags -> IPv6 ->
 * prefix -> extension headers -> verdict; the first packet of a connection -> rules and
 * limits. What passes is byte for byte what arrived. What is denied may become its own
 * answer. The tunnels: the IPv4 header in which a tunnel's packet comes is taken off
 * (lib/stf_in.h); the inner packet then meets the guard of stf0.
 */
#include "lib/ctx_xdp.h"
#include "lib/admit.h"
#include "lib/eth.h"
#include "lib/stf_fast.h"
#include "lib/stf_in.h"
#include "lib/stf_slow.h"
#include "lib/stf_tell.h"
#include "lib/finish.h"
#include "lib/reply.h"

char fgw_license[] SEC("license") = "Dual BSD/GPL";

/* Somebody asks what would happen to this frame (faith/abi.h). */
static __always_inline struct fgw_probe *xdp_probe(const struct xdp_md *ctx)
{
	struct fgw_probe *probe = (struct fgw_probe *)(long)ctx->data_meta;

	if ((void *)(probe + 1) > (void *)(long)ctx->data || probe->magic != FGW_PROBE_MAGIC)
		return NULL;
	return probe;
}

/* The frame may have moved since, as far as the verifier knows. */
static __always_inline int xdp_answer_probe(const struct xdp_md *ctx, enum fgw_reason reason,
					    const struct decision *decision)
{
	struct fgw_probe *probe = xdp_probe(ctx);

	if (!probe)
		return XDP_ABORTED;
	probe->reason = reason;
	probe->verdict = decision->verdict;
	probe->generation = decision->generation;
	fgw_copy(probe->target, decision->target, sizeof(probe->target));
	return xdp_verdict(reason);
}

static __always_inline bool xdp_can_reply(__u32 interface_index)
{
	const struct fgw_interface *interface =
		bpf_map_lookup_elem(&fgw_interfaces, &interface_index);

	return interface && interface->replies;
}

static __always_inline bool xdp_has_fast_path(void)
{
	const struct fgw_config *config = config_get();

	return config && config->fast_path;
}

/* What came out of a tunnel the whole way goes on to stf0, or where it is going. */
static __always_inline int xdp_from_tunnel(struct xdp_md *ctx, enum fgw_reason reason, bool fast,
					   const struct flow_claim *claim)
{
	if (reason == FGW_STF_IN) {
		if (fast && fgw_stf_fast_in(ctx, claim) == XDP_REDIRECT) {
			reason_count(FGW_STF_FAST_IN);
			return XDP_REDIRECT;
		}
		known_learn_in(ctx, claim);
	}
	if (reason == FGW_STF_FRAGMENT || reason == FGW_STF_ICMP4)
		reason = (enum fgw_reason)fgw_slow_path(ctx, reason);
	if (reason == FGW_STF_IN_ODD_ECN || reason == FGW_STF_IN_ECN)
		fgw_tell_marks(ctx, reason);
	reason_count(reason);
	return xdp_verdict(reason);
}

/* Untagged IPv4, which nobody asks about. */
static __always_inline int xdp_ip4(struct xdp_md *ctx)
{
	struct flow_claim claim = {};
	int known = fgw_stf_known_in(ctx, &claim);
	bool fast;

	if (known != KNOWN_NOT) {
		reason_count((enum fgw_reason)known);
		return known == FGW_STF_FAST_IN ? XDP_REDIRECT
						: xdp_verdict((enum fgw_reason)known);
	}
	fast = xdp_has_fast_path() && fast_is_ours(ctx);
	return xdp_from_tunnel(ctx, (enum fgw_reason)fgw_stf_in(ctx, false), fast, &claim);
}

/* What faith.h says of a packet to a prefix, its fixed header at `network`. An IPv6 header begins
 * at one of three places here, so inlined everything from here on would be walked three times
 * and once more for each way to read the headers in front. */
FGW_SUBPROGRAM int fgw_guard(struct xdp_md *ctx, struct guarded *seen, __u32 network)
{
	const struct packet packet = packet_from_xdp(ctx);
	struct cursor cursor;

	FGW_FORGET(network);
	if (!seen || network > ETH_MAX_HEADER)
		return FGW_DROP_TRUNCATED;
	cursor = cursor_at(&packet, network + (__u32)sizeof(seen->header));
	return faith_guard(&cursor, &seen->header, &seen->tcp);
}

static __always_inline enum fgw_reason xdp_guard(struct xdp_md *ctx, struct cursor *cursor,
						 struct guarded *seen)
{
	__u32 network = cursor->at;
	enum fgw_reason reason = guard_destination(cursor, seen);

	if (reason != FGW_PASS_TCP)
		return reason;
	seen->tcp = (struct faith_tcp){}; /* the verifier of Linux 6.1 hands out nothing unset */
	return (enum fgw_reason)fgw_guard(ctx, seen, network);
}

SEC("xdp.frags")
int fgw_xdp_ingress(struct xdp_md *ctx)
{
	struct packet packet = packet_from_xdp(ctx);
	struct cursor cursor = cursor_at(&packet, 0);
	struct decision decision = {.verdict = FGW_VERDICT_NO_RULE};
	enum fgw_reason reason = FGW_PASS_NOT_IP6;
	const bool probing = xdp_probe(ctx);
	struct guarded seen;
	enum fgw_l3 protocol = eth_parse(&cursor);
	struct flow_claim claim = {};
	bool denied = false;
	__u32 network = 0;

	/* A tag says that the packet is for another interface, on top of this one. */
	if (protocol == FGW_L3_IP4 && cursor.at == ETH_HEADER) {
		if (!probing)
			return xdp_ip4(ctx);
		reason = (enum fgw_reason)fgw_stf_in(ctx, true);
		return xdp_answer_probe(ctx, reason, &decision);
	}
	if (protocol == FGW_L3_IP6 && cursor.at == ETH_HEADER && !probing && xdp_has_fast_path()) {
		int known = fgw_stf_known_out(ctx, &claim);

		if (known != KNOWN_NOT) {
			reason_count((enum fgw_reason)known);
			return known == FGW_STF_FAST_OUT ? XDP_REDIRECT : XDP_PASS;
		}
		packet = packet_from_xdp(ctx);
	}
	if (protocol == FGW_L3_IP6) {
		network = cursor.at;
		reason = xdp_guard(ctx, &cursor, &seen);
	}
	if (reason == FGW_PASS_TCP && tcp_opens(&seen.tcp.header)) {
		const struct admission admission = {
			.hook = FGW_HOOK_XDP,
			.interface_index = ctx->ingress_ifindex,
			.answers = xdp_can_reply(ctx->ingress_ifindex),
			.probing = probing,
		};

		reason = admit(&seen, &admission, &decision);
		denied = reason != FGW_PASS_TCP;
	}
	if (probing)
		return xdp_answer_probe(ctx, reason, &decision);
	if (reason == FGW_PASS_NOT_PREFIX && xdp_has_fast_path() && network == ETH_HEADER &&
	    fgw_stf_fast_out(ctx, &claim) == XDP_REDIRECT) {
		reason_count(FGW_STF_FAST_OUT);
		return XDP_REDIRECT;
	}
	reason_count(reason);
	return denied ? fgw_reply(ctx, &seen, network, reason) : xdp_verdict(reason);
}
