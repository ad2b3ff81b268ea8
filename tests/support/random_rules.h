/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rule lists and packets for property tests. Addresses come from a small universe, so
 * that rules nest, overlap and repeat, and packets hit them and their edges.
 */
#pragma once

#include "acl/evaluate.h"
#include "acl/rule.h"
#include "tests/support/random.h"

#include <vector>

namespace faith::test {

acl::Rule random_rule(Random &random);
std::vector<acl::Rule> random_rules(Random &random, std::size_t most);
/* Exactly so many, in one of several shapes: wild; as people write them; each near one
 * before it; crowded into few addresses, so that halves make wholes; all about ports. */
std::vector<acl::Rule> random_list(Random &random, std::size_t size);
/* Aimed at a rule's first or last address or port, one beside it, or anywhere. */
acl::Packet random_packet(Random &random, const std::vector<acl::Rule> &rules);

std::string to_text(const std::vector<acl::Rule> &rules);

} // namespace faith::test
