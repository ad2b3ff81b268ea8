/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/maps.h"
#include <linux/pkt_cls.h>

char fgw_license[] SEC("license") = "Dual BSD/GPL";

SEC("sk_lookup")
int fgw_sk_lookup(struct bpf_sk_lookup *ctx)
{
	(void)ctx;
	return SK_PASS;
}
