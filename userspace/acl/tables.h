/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Image -> the trie that the BPF programs walk (faith/abi.h, bpf/lib/acl_walk.h): source,
 * target and port as one key of 22 bytes, a node for each byte that decides something.
 *
 * Longest match is gone here: a value holds for every key that reaches it, what a shorter
 * prefix says was pushed down into it. Bytes on which nothing depends are skipped, so the
 * steps of a walk go with how the rules branch, not with how many there are, and 22 are
 * enough for any list.
 *
 * Worst case: at most two nodes and a few values for each entry of the image, whose limits
 * bound both: some 300 MB. A list as people write them takes 100 to 400 bytes a rule.
 */
#pragma once

#include "acl/image.h"

#include <cstdint>
#include <vector>

namespace faith::acl {

struct Tables {
    std::vector<fgw_acl_block> blocks; /* the head first; never empty */
};

Tables lay_out(const Image &image, std::uint32_t generation);

} // namespace faith::acl
