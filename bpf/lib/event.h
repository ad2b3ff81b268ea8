/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Telling user space of a connection that was denied, as far as somebody keeps up. */
#ifndef FGW_LIB_EVENT_H
#define FGW_LIB_EVENT_H

#include "decide.h"

static __always_inline void event_count_lost(void)
{
	__u32 zero = 0;
	struct fgw_count *lost = bpf_map_lookup_elem(&fgw_events_lost, &zero);

	if (lost)
		lost->packets++;
}

static __always_inline void event_tell(const struct attempt *attempt,
				       const struct decision *decision, enum fgw_hook hook,
				       __u32 interface_index)
{
	struct fgw_event *event;

	if (!rate_allows_anybody(FGW_RATE_EVENTS, FGW_EVENTS_PER_SECOND)) {
		event_count_lost();
		return;
	}
	event = bpf_ringbuf_reserve(&fgw_events, sizeof(*event), 0);
	if (!event) {
		event_count_lost();
		return;
	}
	event->time_ns = bpf_ktime_get_ns();
	event->reason = decision->reason;
	event->verdict = decision->verdict;
	fgw_copy(event->source, attempt->source, sizeof(event->source));
	fgw_copy(event->destination, attempt->destination, sizeof(event->destination));
	fgw_copy(event->target, decision->target, sizeof(event->target));
	event->source_port = attempt->source_port;
	event->destination_port = attempt->destination_port;
	event->interface_index = interface_index;
	event->generation = decision->generation;
	event->hook = hook;
	event->pad = 0;
	bpf_ringbuf_submit(event, 0);
}

#endif
