/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * So many in a second, for each client /64. A token bucket holds one second's worth and is
 * one number, the time at which it will be full again (GCRA), changed by compare and swap:
 * no lock, and right on any number of CPUs.
 *
 * Buckets are forgotten when the map is full, the one idle longest first. A bucket idle for
 * a second is full, so forgetting it gives nothing away; and the sources of one network get
 * new buckets at a bounded rate, so that nobody can push others out any faster. What a
 * network has beyond that shares one bucket.
 */
#ifndef FGW_LIB_RATE_H
#define FGW_LIB_RATE_H

#include "maps.h"

#define RATE_SECOND 1000000000ull
#define RATE_TRIES  4 /* others take from the same bucket: then it is as good as empty */

static __always_inline bool rate_take(struct fgw_rate *rate, __u64 now, __u32 per_second)
{
	__u64 cost = RATE_SECOND / per_second;

	for (int i = 0; i < RATE_TRIES; i++) {
		__u64 before = *(volatile __u64 *)&rate->full_at_ns;
		__u64 after = (before > now ? before : now) + cost;

		if (after > now + RATE_SECOND)
			return false;
		if (__sync_val_compare_and_swap(&rate->full_at_ns, before, after) == before)
			return true;
	}
	return false;
}

static __always_inline bool rate_would_take(const struct fgw_rate *rate, __u64 now,
					    __u32 per_second)
{
	return rate->full_at_ns + RATE_SECOND / per_second <= now + RATE_SECOND;
}

/* The bucket of that key, made full when there is none. */
static __always_inline struct fgw_rate *rate_bucket(const struct fgw_rate_key *key)
{
	struct fgw_rate *rate = bpf_map_lookup_elem(&fgw_rates, key);
	const struct fgw_rate full = {};

	if (rate)
		return rate;
	/* Another CPU may be faster; either way there is one afterwards. */
	bpf_map_update_elem(&fgw_rates, key, &full, BPF_NOEXIST);
	return bpf_map_lookup_elem(&fgw_rates, key);
}

/* Cut the key to a shorter prefix: eight bytes less those beyond it. */
static __always_inline void rate_widen(struct fgw_rate_key *key, __u32 prefix_len)
{
	key->prefix_len = prefix_len;
	key->source[6] = 0;
	key->source[7] = 0;
	if (prefix_len == 32) {
		key->source[4] = 0;
		key->source[5] = 0;
	}
}

static __always_inline struct fgw_rate *rate_newcomers(const struct fgw_rate_key *source,
						       __u32 prefix_len)
{
	struct fgw_rate_key network = *source;

	network.of = FGW_RATE_NEWCOMERS;
	rate_widen(&network, prefix_len);
	return rate_bucket(&network);
}

/* The key of the bucket that a source without one shall have: its own, or that of a network
 * of its that has too many. The /48 takes from the /32 only what it had room for, so that one
 * /48 cannot use up what its neighbours need; and it gets a bucket only where the /32 still
 * has room, so that nobody makes them without end. */
static __always_inline void rate_assign(struct fgw_rate_key *key, __u64 now)
{
	struct fgw_rate *wide = rate_newcomers(key, 32);
	struct fgw_rate *narrow;

	if (!wide || !rate_would_take(wide, now, FGW_NEWCOMERS_OF_32)) {
		rate_widen(key, 32);
		return;
	}
	narrow = rate_newcomers(key, 48);
	if (!narrow || !rate_take(narrow, now, FGW_NEWCOMERS_OF_48))
		rate_widen(key, 48);
	else if (!rate_take(wide, now, FGW_NEWCOMERS_OF_32))
		rate_widen(key, 32);
}

/* One more of that kind from this client? `per_second` is not zero. */
static __always_inline bool rate_allows(const __u8 *client, __u32 of, __u32 per_second)
{
	struct fgw_rate_key key = {.of = of, .prefix_len = 64};
	__u64 now = bpf_ktime_get_ns();
	struct fgw_rate *rate;

	fgw_copy(key.source, client, sizeof(key.source));
	rate = bpf_map_lookup_elem(&fgw_rates, &key);
	if (!rate) {
		rate_assign(&key, now);
		rate = rate_bucket(&key);
	}
	/* No room for a bucket at all: let it through rather than close the gateway. */
	return !rate || rate_take(rate, now, per_second);
}

/* One more of that kind from or to anybody? */
static __always_inline bool rate_allows_anybody(__u32 of, __u32 per_second)
{
	const struct fgw_rate_key key = {.of = of};
	struct fgw_rate *rate = rate_bucket(&key);

	return rate && rate_take(rate, bpf_ktime_get_ns(), per_second);
}

#endif
