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

/* The compiler forgets what it knows of the value: it must not take a check away that it has
 * proven, but that an older verifier needs to see right before the use. */
#define FGW_FORGET(value) __asm__ volatile("" : "+r"(value))

/* What stands before it is in memory before what stands behind it: for whoever interrupts. */
#define FGW_BARRIER() __asm__ volatile("" : : : "memory")

/* A function of its own to the verifier: walked once, from any state, where an inlined one
 * is walked again for every state that its caller may be in. Weak, because more than one
 * program brings it along and the linker keeps one. Pointers come in as maybe null. */
#define FGW_SUBPROGRAM __attribute__((noinline, weak))

/* BPF has no memcpy to call: the length must be a constant, and small. */
#define fgw_copy(to, from, length) __builtin_memcpy(to, from, length)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define be16_to_host(value) __builtin_bswap16(value)
#define be64_to_host(value) __builtin_bswap64(value)
#define host_to_be16(value) __builtin_bswap16(value)
#define host_to_be32(value) __builtin_bswap32(value)
#define be32_to_host(value) __builtin_bswap32(value)
#else
#define be16_to_host(value) (value)
#define be32_to_host(value) (value)
#define be64_to_host(value) (value)
#define host_to_be16(value) (value)
#define host_to_be32(value) (value)
#endif

#endif
