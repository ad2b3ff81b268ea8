/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom a connection to a prefix meets: a listener of ours, or nobody. The kernel asks
 * here before it looks at any other listener, so from the prefix match on no path ends in
 * "let the kernel look": a wildcard sshd never answers for an IPv4 host (F11), and
 * without a listener, or without a rule that permits it, the client gets a reset at once
 * (F14). A port that another program captured is that program's, alive or gone. Most of what is
 * denied never comes here: the guards have seen its first packet.
 */
#include "lib/event.h"
#include "lib/finish.h"
#include "lib/l4.h"
#include "lib/steer.h"

char fgw_license[] SEC("license") = "Dual BSD/GPL";

#define AF_INET6 10 /* <linux/socket.h> leaves it to the C library */

/* Somebody asks what would happen (faith/abi.h). */
static __always_inline bool lookup_probing(const struct bpf_sk_lookup *ctx)
{
	return ctx->protocol == FGW_PROBE_TCP;
}

/* Whether a listener took it: the one the connection belongs to, or, when that slot is
 * empty (a worker ended), the next one. */
static __always_inline bool lookup_assign(struct bpf_sk_lookup *ctx, __u32 first, __u32 listeners)
{
	for (__u32 i = 0; i < FGW_MAX_LISTENERS && i < listeners; i++) {
		__u32 slot = first + i < listeners ? first + i : first + i - listeners;
		struct bpf_sock *listener = bpf_map_lookup_elem(&fgw_socks, &slot);
		long refused;

		if (!listener)
			continue;
		/* REPLACE: another program before us may have chosen a socket of its own. */
		refused = lookup_probing(ctx)
				  ? 0
				  : bpf_sk_assign(ctx, listener, BPF_SK_LOOKUP_F_REPLACE);
		bpf_sk_release(listener);
		if (!refused)
			return true;
	}
	return false;
}

/* The same for a service: its program's listener and no other. */
static __always_inline bool service_assign(struct bpf_sk_lookup *ctx, __u32 service)
{
	struct bpf_sock *listener = bpf_map_lookup_elem(&fgw_svc_socks, &service);
	long refused;

	if (!listener)
		return false;
	refused = lookup_probing(ctx) ? 0 : bpf_sk_assign(ctx, listener, BPF_SK_LOOKUP_F_REPLACE);
	bpf_sk_release(listener);
	return !refused;
}

/* Which connection it is; the words are in network byte order. */
static __always_inline struct attempt lookup_attempt(const struct steer_tuple *tuple,
						     const struct fgw_prefix_val *prefix)
{
	struct attempt attempt = {
		.source_port = be16_to_host((__be16)tuple->words[8]),
		.destination_port = (__u16)tuple->words[9],
		.prefix = *prefix,
	};

	fgw_copy(attempt.source, tuple->words, 16);
	fgw_copy(attempt.destination, tuple->words + 4, 16);
	return attempt;
}

/* Whose a port is; below zero: not a service's. */
enum lookup_port {
	LOOKUP_PORT_RELAY = -1,
	LOOKUP_PORT_NOBODY = -2,
};

static __always_inline bool lookup_captures(const struct fgw_config *config, __u16 port)
{
	__u32 index = port / 64;
	const struct fgw_port_word *word;

	if (config->all_ports)
		return true;
	word = bpf_map_lookup_elem(&fgw_ports, &index);
	return word && steer_port_is_captured(word, port);
}

/* The port of the service that captured it, or an enum lookup_port. What was told to this
 * client a moment ago goes before what holds for everybody. On its own for the verifier: all
 * these ways end here, and the search for a listener is walked once. */
FGW_SUBPROGRAM int fgw_whose_port(const struct attempt *attempt)
{
	const struct fgw_config *config = config_get();
	struct fgw_expected_key key = {};
	const struct fgw_service_data *told;
	const struct fgw_expected *expected;
	__u32 port;

	if (!config || !attempt)
		return LOOKUP_PORT_NOBODY;
	port = key.port = attempt->destination_port;
	fgw_copy(key.client, attempt->source, sizeof(key.client));
	fgw_copy(key.destination, attempt->destination, sizeof(key.destination));
	told = bpf_map_lookup_elem(&fgw_svc_data, &key);
	if (told && bpf_ktime_get_ns() < told->until_ns)
		return (__u16)told->service;
	if (bpf_map_lookup_elem(&fgw_services, &port))
		return (int)port;
	if (lookup_captures(config, key.port))
		return LOOKUP_PORT_RELAY;
	expected = bpf_map_lookup_elem(&fgw_expected, &key);
	return expected && bpf_ktime_get_ns() < expected->until_ns ? LOOKUP_PORT_RELAY
								   : LOOKUP_PORT_NOBODY;
}

/* Nothing of it was decided by a guard, or it was left to us to refuse: so count it here. */
static __always_inline enum fgw_reason lookup_decide(const struct bpf_sk_lookup *ctx,
						     const struct attempt *attempt,
						     struct decision *decision)
{
	fgw_decide(attempt, decision);
	if (decision->reason == FGW_ACL_PERMIT || lookup_probing(ctx))
		return decision->reason;
	if (decision->reason == FGW_ACL_DENY)
		acl_count_hit(decision->verdict);
	event_tell(attempt, decision, FGW_HOOK_LOOKUP, ctx->ingress_ifindex);
	return decision->reason;
}

/* Whoever serves the port, or why nobody does. */
static __always_inline enum fgw_reason
lookup_give(struct bpf_sk_lookup *ctx, const struct steer_tuple *tuple, int whose, __u32 listeners)
{
	if (whose >= 0)
		return service_assign(ctx, (__u32)whose) ? FGW_SERVICE_STEERED : FGW_SERVICE_GONE;
	return lookup_assign(ctx, steer_slot(tuple, listeners), listeners) ? FGW_STEERED
									   : FGW_NO_LISTENER;
}

static __always_inline bool lookup_given(enum fgw_reason reason)
{
	return reason == FGW_STEERED || reason == FGW_SERVICE_STEERED;
}

static __always_inline enum fgw_reason lookup_steer(struct bpf_sk_lookup *ctx,
						    const struct steer_tuple *tuple,
						    const struct fgw_prefix_val *prefix)
{
	const struct fgw_config *config = config_get();
	const struct attempt attempt = lookup_attempt(tuple, prefix);
	struct decision decision;
	enum fgw_reason reason;
	int whose;

	if (ctx->protocol != FGW_L4_TCP && !lookup_probing(ctx))
		return FGW_LOOKUP_NOT_TCP;
	if (!config || !config->keepfaith)
		return FGW_LOOKUP_OFF;
	whose = fgw_whose_port(&attempt);
	if (whose == LOOKUP_PORT_NOBODY)
		return FGW_PORT_NOT_CAPTURED;
	reason = lookup_decide(ctx, &attempt, &decision);
	if (reason != FGW_ACL_PERMIT)
		return reason;
	reason = lookup_give(ctx, tuple, whose, config->listeners);
	if (lookup_given(reason) && !lookup_probing(ctx))
		acl_count_hit(decision.verdict);
	return reason;
}

SEC("sk_lookup")
int fgw_sk_lookup(struct bpf_sk_lookup *ctx)
{
	struct steer_tuple tuple;
	struct fgw_prefix_val prefix;
	enum fgw_reason reason;

	if (ctx->family != AF_INET6)
		return SK_PASS;
	tuple = (struct steer_tuple){
		.words = {
			ctx->remote_ip6[0], ctx->remote_ip6[1], ctx->remote_ip6[2],
			ctx->remote_ip6[3], ctx->local_ip6[0], ctx->local_ip6[1], ctx->local_ip6[2],
			ctx->local_ip6[3], ctx->remote_port, ctx->local_port, /* host byte order */
		}};
	if (prefix_match(tuple.words + 4, &prefix) != PREFIX_CAPTURE)
		return SK_PASS;
	reason = lookup_steer(ctx, &tuple, &prefix);
	if (!lookup_probing(ctx))
		reason_count(reason);
	return lookup_given(reason) ? SK_PASS : SK_DROP;
}
