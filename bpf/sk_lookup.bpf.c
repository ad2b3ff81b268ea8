/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom a connection to a prefix meets: a listener of ours, or nobody. The kernel asks
 * here before it looks at any other listener, so from the prefix match on no path ends in
 * "let the kernel look": a wildcard sshd never answers for an IPv4 host (F11), and
 * without a listener the client gets a reset at once (F14).
 */
#include "lib/l4.h"
#include "lib/prefix.h"
#include "lib/steer.h"
#include "lib/finish.h"

char fgw_license[] SEC("license") = "Dual BSD/GPL";

#define AF_INET6 10 /* <linux/socket.h> leaves it to the C library */

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
		refused = bpf_sk_assign(ctx, listener, BPF_SK_LOOKUP_F_REPLACE);
		bpf_sk_release(listener);
		if (!refused)
			return true;
	}
	return false;
}

static __always_inline enum fgw_reason lookup_steer(struct bpf_sk_lookup *ctx)
{
	const struct fgw_config *config = config_get();
	const struct fgw_port_word *word;
	struct steer_tuple tuple;
	__u16 port = (__u16)ctx->local_port; /* host byte order, unlike the remote one */
	__u32 index = port / 64;

	if (ctx->protocol != FGW_L4_TCP)
		return FGW_LOOKUP_NOT_TCP;
	if (!config || !config->keepfaith)
		return FGW_LOOKUP_OFF;
	if (!config->all_ports) {
		word = bpf_map_lookup_elem(&fgw_ports, &index);
		if (!word || !steer_port_is_captured(word, port))
			return FGW_PORT_NOT_CAPTURED;
	}
	tuple = (struct steer_tuple){.words = {
					     ctx->remote_ip6[0],
					     ctx->remote_ip6[1],
					     ctx->remote_ip6[2],
					     ctx->remote_ip6[3],
					     ctx->local_ip6[0],
					     ctx->local_ip6[1],
					     ctx->local_ip6[2],
					     ctx->local_ip6[3],
					     ctx->remote_port,
					     port,
				     }};
	if (!lookup_assign(ctx, steer_slot(&tuple, config->listeners), config->listeners))
		return FGW_NO_LISTENER;
	return FGW_STEERED;
}

SEC("sk_lookup")
int fgw_sk_lookup(struct bpf_sk_lookup *ctx)
{
	__u32 local[4];

	if (ctx->family != AF_INET6)
		return SK_PASS;
	local[0] = ctx->local_ip6[0];
	local[1] = ctx->local_ip6[1];
	local[2] = ctx->local_ip6[2];
	local[3] = ctx->local_ip6[3];
	if (prefix_match(local) != PREFIX_CAPTURE)
		return SK_PASS;
	return lookup_finish(lookup_steer(ctx));
}
