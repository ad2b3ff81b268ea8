/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet as TC sees it: a socket buffer, offsets from its network header. So devices
 * without an Ethernet header (tun, WireGuard) and VLAN tags that the kernel keeps beside
 * the packet need no code here.
 */
#ifndef FGW_LIB_CTX_SKB_H
#define FGW_LIB_CTX_SKB_H

#include "cursor.h"
#include "eth.h"
#include "ip4.h"

struct packet {
	struct __sk_buff *skb;
};

/* <linux/if_packet.h> has it too, with a struct that BPF has no use for. */
#define SKB_TO_OTHER_HOST 3 /* PACKET_OTHERHOST */

/* A frame to another station's address: a bridge port sees them, the IPv6 layer drops
 * them. The bridge itself shows us what it takes for this host. */
static __always_inline bool packet_is_to_other_host(const struct packet *packet)
{
	return packet->skb->pkt_type == SKB_TO_OTHER_HOST;
}

static __always_inline struct packet packet_from_skb(struct __sk_buff *skb)
{
	return (struct packet){.skb = skb};
}

/* The longest link-layer header in front of the network header, generously. */
#define SKB_MAX_LINK_HEADER 64

static __always_inline bool packet_load(const struct packet *packet, __u32 offset, void *to,
					__u32 length)
{
	struct __sk_buff *skb = packet->skb;
	__u32 wanted = offset + length + SKB_MAX_LINK_HEADER;

	if (bpf_skb_load_bytes_relative(skb, offset, to, length, BPF_HDR_START_NET) == 0)
		return true;
	/* The helper reads the linear part only, and a sender can leave nothing but the
	 * Ethernet header there (a packet socket's ring, a virtual machine's zero copy). Pull
	 * what is needed, as the IPv6 layer would do next. */
	if (wanted > skb->len)
		wanted = skb->len;
	if (bpf_skb_pull_data(skb, wanted))
		return false;
	return bpf_skb_load_bytes_relative(skb, offset, to, length, BPF_HDR_START_NET) == 0;
}

static __always_inline bool packet_load_front(const struct packet *packet, __u32 offset, void *to,
					      __u32 length)
{
	return packet_load(packet, offset, to, length);
}

/* The helper's own limit. */
#define SKB_MAX_OFFSET 0xffff

static __always_inline bool packet_holds(const struct packet *packet, __u32 length)
{
	struct __sk_buff *skb = packet->skb;
	__u32 linear = (__u32)((long)skb->data_end - (long)skb->data);
	__u32 beyond = skb->len - linear;
	__u32 last;
	__u8 byte;

	/* skb->len counts a link-layer header whose length nobody tells us, so ask about a
	 * byte: the packet is long enough if the linear part alone holds the byte that is
	 * `beyond` before the last one. Nothing is pulled: a joined packet may be 64 KiB. */
	if (length <= beyond)
		return true;
	last = length - beyond - 1;
	if (last > SKB_MAX_OFFSET)
		return false;
	return bpf_skb_load_bytes_relative(skb, last, &byte, sizeof(byte), BPF_HDR_START_NET) == 0;
}

/* --- changes: a packet that enters a tunnel, and no other ------------------------------- */

/* Make room behind the Ethernet header and put an IPv4 header there. The sizes of joined
 * segments stay as they are (FIXED_GSO): they fit stf0's MTU, and that fits the uplink. Nearly
 * always the front lies where it can be written in place, which no helper is as quick at. */
static __always_inline bool skb_put_in_ip4(struct __sk_buff *skb, const struct ip4_header *header)
{
	const __u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_FIXED_GSO;
	struct {
		__be16 type;
		struct ip4_header header;
	} __attribute__((packed)) front = {be16_to_host((__be16)FGW_L3_IP4), *header};
	__u8 *place;

	if (bpf_skb_adjust_room(skb, sizeof(*header), BPF_ADJ_ROOM_MAC, flags))
		return false;
	place = (__u8 *)(long)skb->data + ETH_ADDRESSES;
	if (place + sizeof(front) > (__u8 *)(long)skb->data_end)
		return !bpf_skb_store_bytes(skb, ETH_ADDRESSES, &front, sizeof(front), 0);
	fgw_copy(__builtin_assume_aligned(place, 2), &front, sizeof(front));
	return true;
}

#endif
