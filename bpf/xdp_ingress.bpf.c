/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guard at XDP, on each loaded interface: frame -> VLAN tags -> IPv6 -> prefix ->
 * extension headers -> verdict. From the first line to the last nothing is written to the
 * packet: what passes is byte for byte what arrived.
 */
#include "lib/ctx_xdp.h"
#include "lib/eth.h"
#include "lib/guard.h"
#include "lib/finish.h"

char fgw_license[] SEC("license") = "Dual BSD/GPL";

SEC("xdp.frags")
int fgw_xdp_ingress(struct xdp_md *ctx)
{
	const struct packet packet = packet_from_xdp(ctx);
	struct cursor cursor = cursor_at(&packet, 0);

	if (eth_parse(&cursor) != FGW_L3_IP6)
		return xdp_finish(FGW_PASS_NOT_IP6);
	return xdp_finish(guard_ip6(&cursor));
}
