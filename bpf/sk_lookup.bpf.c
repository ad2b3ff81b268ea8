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

static __always_inline struct fgw_expected_key lookup_expected_key(const struct attempt *attempt)
{
	struct fgw_expected_key key = {.port = attempt->destination_port};

	fgw_copy(key.client, attempt->source, sizeof(key.client));
	fgw_copy(key.destination, attempt->destination, sizeof(key.destination));
	return key;
}

/* The service that a program captured and this connection belongs to; 0: none. */
static __always_inline __u32 lookup_service(const struct attempt *attempt,
					    const struct fgw_expected_key *key)
{
	const struct fgw_service_data *told = bpf_map_lookup_elem(&fgw_svc_data, key);
	__u32 port = attempt->destination_port;

	if (told && bpf_ktime_get_ns() < told->until_ns)
		return told->service;
	return bpf_map_lookup_elem(&fgw_services, &port) ? port : 0;
}

/* Among the captured ports, or told to this client a moment ago. */
static __always_inline bool lookup_takes_port(const struct attempt *attempt,
					      const struct fgw_expected_key *key)
{
	__u32 index = attempt->destination_port / 64;
	const struct fgw_port_word *word = bpf_map_lookup_elem(&fgw_ports, &index);
	const struct fgw_expected *expected;

	if (word && steer_port_is_captured(word, attempt->destination_port))
		return true;
	expected = bpf_map_lookup_elem(&fgw_expected, key);
	return expected && bpf_ktime_get_ns() < expected->until_ns;
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
static __always_inline enum fgw_reason lookup_give(struct bpf_sk_lookup *ctx,
						   const struct steer_tuple *tuple, __u32 service,
						   __u32 listeners)
{
	if (service)
		return service_assign(ctx, service) ? FGW_SERVICE_STEERED : FGW_SERVICE_GONE;
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
	const struct fgw_expected_key key = lookup_expected_key(&attempt);
	struct decision decision;
	enum fgw_reason reason;
	__u32 service;

	if (ctx->protocol != FGW_L4_TCP && !lookup_probing(ctx))
		return FGW_LOOKUP_NOT_TCP;
	if (!config || !config->keepfaith)
		return FGW_LOOKUP_OFF;
	service = lookup_service(&attempt, &key);
	if (!service && !config->all_ports && !lookup_takes_port(&attempt, &key))
		return FGW_PORT_NOT_CAPTURED;
	reason = lookup_decide(ctx, &attempt, &decision);
	if (reason != FGW_ACL_PERMIT)
		return reason;
	reason = lookup_give(ctx, tuple, service, config->listeners);
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
