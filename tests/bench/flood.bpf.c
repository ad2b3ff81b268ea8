/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Senders, run on live frames: they come back used, so each run writes the headers anew. The one of
 * SYNs is for tests/bench/flood_bench.cc: a new source port each
 * time, its complement in the low half of the sequence number, so that the checksum of the
 * first frame holds for all.
 */
#include "lib/compiler.h"

char fgw_license[] SEC("license") = "Dual BSD/GPL";

__u32 flood_interface; /* to whose peer the frames go */
__u8 flood_frame[74];  /* a SYN without options, or the headers of a frame with a tunnel's */
__u32 flood_flows;     /* so many: in two octets of the frame, at random */
__u32 flood_flow_at;

#define FLOOD_PORT 54     /* Ethernet and IPv6 before it */
#define FLOOD_SEQUENCE 60 /* its low half */

SEC("xdp")
int flood_sender(struct xdp_md *ctx) {
    __u8 *frame = (__u8 *)(long)ctx->data;
    __u16 port = (__u16)bpf_get_prandom_u32();

    if (frame + sizeof(flood_frame) > (__u8 *)(long)ctx->data_end)
        return XDP_DROP;
    __builtin_memcpy(frame, flood_frame, sizeof(flood_frame));
    *(__u16 *)(frame + FLOOD_PORT) = port;
    *(__u16 *)(frame + FLOOD_SEQUENCE) = (__u16)~port;
    return (int)bpf_redirect(flood_interface, 0);
}

/* The same frame each time, or one of so many, for tests/bench/frames.cc. */
SEC("xdp")
int flood_repeater(struct xdp_md *ctx) {
    __u8 *frame = (__u8 *)(long)ctx->data;
    __u8 *flow = frame + (flood_flow_at & 0x7f);

    if (frame + sizeof(flood_frame) > (__u8 *)(long)ctx->data_end)
        return XDP_DROP;
    __builtin_memcpy(frame, flood_frame, sizeof(flood_frame));
    if (flood_flows && flow + sizeof(__u16) <= (__u8 *)(long)ctx->data_end)
        *(__u16 *)flow = (__u16)(bpf_get_prandom_u32() % flood_flows);
    return (int)bpf_redirect(flood_interface, 0);
}

/* What redirecting alone takes: back to where the frame came from. */
SEC("xdp")
int flood_reflector(struct xdp_md *ctx) { return (int)bpf_redirect(ctx->ingress_ifindex, 0); }

/* At the other end, instead of the gateway; and at the sender's, for what comes back. */
SEC("xdp")
int flood_drop(struct xdp_md *ctx) {
    (void)ctx;
    return XDP_DROP;
}
