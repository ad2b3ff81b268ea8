/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/maps.h"
#include <linux/pkt_cls.h>

char fgw_license[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int fgw_tc_ingress(struct __sk_buff *ctx)
{
	(void)ctx;
	return TC_ACT_UNSPEC;
}
