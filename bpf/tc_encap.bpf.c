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
	const __u8 any[4] = {0, 0, 0, 0};
	const struct fgw_stf *stf = stf_find(skb->ifindex, any);
	bool probing = tc_is_probe(skb);
	enum fgw_reason reason = stf_out(skb, stf, probing);

	if (probing)
		return (int)reason;
	return tc_finish_to(reason, stf ? stf->uplink : 0);
}
