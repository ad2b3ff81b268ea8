/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables asked on the host, by the very code of the BPF programs (bpf/lib/acl_walk.h). */
#pragma once

#include "acl/evaluate.h"
#include "acl/tables.h"

#include <cstdint>

namespace faith::test {

/* The verdict word. */
std::uint32_t walk(const acl::Tables &tables, const acl::Packet &packet);

/* The same, and how many nodes were passed. */
struct Walked {
    std::uint32_t verdict = 0;
    std::size_t steps = 0;
};
Walked walk_counting(const acl::Tables &tables, const acl::Packet &packet);

} // namespace faith::test
