/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few words that differ between the two worlds the pure headers live in: BPF C,
 * and host C++ for the unit tests. A header that includes only this one, the contract
 * and UAPI headers builds in both.
 */
#ifndef FGW_LIB_COMPILER_H
#define FGW_LIB_COMPILER_H

#include <linux/types.h>

#ifdef __bpf__
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#else
#undef __always_inline /* glibc has one of its own */
#define __always_inline inline __attribute__((always_inline))
#endif

/* BPF has no memcpy to call: the length must be a constant, and small. */
#define fgw_copy(to, from, length) __builtin_memcpy(to, from, length)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define be16_to_host(value) __builtin_bswap16(value)
#else
#define be16_to_host(value) (value)
#endif

#endif
