/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules as the tables of faith/abi.h, ready to be written in batches: keys and values
 * of a table stand in two arrays of one length. Plain values: no descriptor, no address,
 * the same bytes for the same rules and slots.
 */
#pragma once

#include "acl/rule.h"
#include "faith/abi.h"

#include <cstdint>
#include <vector>

namespace faith::acl {

/* Where the index of a rule is expected and no rule decides. */
inline constexpr std::uint32_t no_rule = 0xffffffff;

struct Image {
    std::vector<fgw_prefix_key> source_keys; /* by address, an outer prefix before its inner */
    std::vector<fgw_acl_class> source_values;
    std::vector<fgw_acl_dst_key> destination_keys; /* by class, a longer prefix before those
                                                      around it: reads as first match */
    std::vector<fgw_acl_leaf> destination_values;
    std::vector<fgw_acl_segment> segments;
    std::vector<std::uint32_t> slots; /* of each rule, by its index in the list */
    std::uint64_t hash = 0;           /* of all of the above */
};

/* What the tables say of a packet that a rule decides. */
std::uint32_t verdict_word(const Rule &rule, std::uint32_t slot);
/* One more than the highest slot in use. */
std::uint32_t slots_end(const Image &image);
std::uint64_t hash_of(const Image &image); /* without its hash */

} // namespace faith::acl
