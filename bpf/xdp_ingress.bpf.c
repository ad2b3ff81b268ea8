/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/maps.h"
#include <linux/pkt_cls.h>

char fgw_license[] SEC("license") = "Dual BSD/GPL";

SEC("xdp.frags")
int fgw_xdp_ingress(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}
