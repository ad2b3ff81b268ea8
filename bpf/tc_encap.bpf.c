/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TC ingress of stf0's hidden peer: what goes out through the tunnel. Nothing gets past
 * this: a packet leaves by the uplink or ends here.
 */
#include "lib/stf_out.h"
#include "lib/finish.h"

char fgw_license[] SEC("license") = "Dual BSD/GPL";

/* Somebody asks what would happen to this packet (faith/abi.h). */
static __always_inline bool tc_is_probe(const struct __sk_buff *skb)
{
	return skb->ingress_ifindex == FGW_PROBE_MAGIC;
}

SEC("tc")
int fgw_tc_encap(struct __sk_buff *skb)
{
	struct flow_claim claim = {};
	bool probing = tc_is_probe(skb);
	int reason = probing ? KNOWN_NOT : fgw_stf_known_tc(skb, &claim);

	if (reason == KNOWN_NOT)
		reason = fgw_stf_out(skb, probing, &claim);
	if (probing)
		return reason;
	reason_count((enum fgw_reason)reason);
	return reason == FGW_STF_OUT ? TC_ACT_REDIRECT : TC_ACT_SHOT;
}
