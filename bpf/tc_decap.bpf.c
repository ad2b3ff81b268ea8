/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TC ingress of an uplink: what XDP took out of a tunnel, and marked, goes to the hidden
 * peer and thereby comes in on stf0. It has been counted. XDP could not do this itself: a
 * frame redirected into a veth pair at XDP loses what its sender left to be done about its
 * checksum, and TCP breaks. For the same reason a SYN's segment length is lowered here.
 */
#include "lib/ctx_skb.h"
#include "lib/finish.h"
#include "lib/mss.h"

char fgw_license[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int fgw_tc_decap(struct __sk_buff *skb)
{
	const struct fgw_stf_mark *mark = (const struct fgw_stf_mark *)(long)skb->data_meta;
	__u32 peer, mss;

	if ((const void *)(mark + 1) > (const void *)(long)skb->data || mark->mark != FGW_STF_MARK)
		return TC_ACT_UNSPEC;
	peer = mark->peer;
	mss = mark->mss;
	if (mss)
		fgw_clamp_mss(skb, mss);
	return (int)bpf_redirect(peer, 0);
}
