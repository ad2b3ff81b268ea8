/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Telling user space of what happened, as far as somebody keeps up: of connections that were denied
 * here, of odd marks in tunnels in stf_tell.h. */
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

/* Empty but for its time and its verdict; NULL when there is no room. */
static __always_inline struct fgw_event *event_reserve(enum fgw_hook hook)
{
	struct fgw_event *event = bpf_ringbuf_reserve(&fgw_events, sizeof(*event), 0);

	if (event)
		*event = (struct fgw_event){.time_ns = bpf_ktime_get_ns(),
					    .verdict = FGW_VERDICT_NO_RULE,
					    .hook = hook};
	return event;
}

static __always_inline void event_tell(const struct attempt *attempt,
				       const struct decision *decision, enum fgw_hook hook,
				       __u32 interface_index)
{
	struct fgw_event *event = NULL;

	if (rate_allows_anybody(FGW_RATE_EVENTS, FGW_EVENTS_PER_SECOND))
		event = event_reserve(hook);
	if (!event) {
		event_count_lost();
		return;
	}
	event->reason = decision->reason;
	event->verdict = decision->verdict;
	fgw_copy(event->source, attempt->source, sizeof(event->source));
	fgw_copy(event->destination, attempt->destination, sizeof(event->destination));
	fgw_copy(event->target, decision->target, sizeof(event->target));
	event->source_port = attempt->source_port;
	event->destination_port = attempt->destination_port;
	event->interface_index = interface_index;
	event->generation = decision->generation;
	bpf_ringbuf_submit(event, 0);
}

#endif
