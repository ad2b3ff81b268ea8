/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The same guard at TC ingress: on lo, where clients on the gateway itself appear (F6),
 * and on every interface that has no guard at XDP, because a packet to a prefix is local
 * whichever way it came in. From the first line to the last no byte of the packet changes.
 */
#include "lib/ctx_skb.h"
#include "lib/admit.h"
#include "lib/eth.h"
#include "lib/finish.h"

char fgw_license[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int fgw_tc_ingress(struct __sk_buff *skb)
{
	const struct packet packet = packet_from_skb(skb);
	struct cursor cursor = cursor_at(&packet, 0);
	enum fgw_l3 protocol = (enum fgw_l3)be16_to_host((__be16)skb->protocol);
	const struct admission admission = {
		.hook = FGW_HOOK_TC,
		.interface_index = skb->ingress_ifindex,
	};
	struct decision decision;
	enum fgw_reason reason;
	struct guarded seen;

	if (packet_is_to_other_host(&packet))
		return tc_finish(FGW_PASS_OTHER_HOST);
	/* The kernel has taken the outermost tag off; others are still there. */
	if (vlan_parse(&cursor, protocol) != FGW_L3_IP6)
		return tc_finish(FGW_PASS_NOT_IP6);
	reason = guard_ip6(&cursor, &seen);
	if (reason == FGW_PASS_TCP && tcp_opens(&seen.tcp.header))
		reason = admit(&seen, &admission, &decision);
	return tc_finish(reason);
}
