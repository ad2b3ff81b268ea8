/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "layout.h"

#include <faith/abi.h>

#define PLACE_OF_STRUCT(type) {#type, 0, sizeof(struct type)},
#define PLACE_OF_FIELD(type, field)                                                                \
    {#type "." #field, offsetof(struct type, field), sizeof(((struct type *)0)->field)},

const struct abi_place abi_seen_by_c[] = {ABI_LAYOUT(PLACE_OF_STRUCT, PLACE_OF_FIELD)};
const size_t abi_places_seen_by_c = sizeof(abi_seen_by_c) / sizeof(abi_seen_by_c[0]);
