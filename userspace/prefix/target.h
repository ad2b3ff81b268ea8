/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv4 targets that no rule can open (D20, D21) and those that 64:ff9b::/96 must not
 * carry (R23). Nested encodings do not arise here: the target is an IPv4 address, and
 * IPv4 cannot embed another one.
 */
#pragma once

#include "base/addr.h"

#include <span>

namespace faith::prefix {

/* 0/8, 127/8, 169.254/16, 224/4, 240/4. */
std::span<const Prefix4> built_in_never();

/* Private and shared space: 10/8, 100.64/10, 172.16/12, 192.0.0/24, 192.168/16,
 * 198.18/15. The documentation ranges of RFC 5737 are not in it although RFC 6052
 * counts them as non-global: no network behind a gateway has them, so carrying them
 * opens nothing, and every example uses them. */
std::span<const Prefix4> not_global();

bool any_contains(std::span<const Prefix4> list, Ip4 address);

} // namespace faith::prefix
