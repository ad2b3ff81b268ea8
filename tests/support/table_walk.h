/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables asked on the host, by the very code of the BPF programs (bpf/lib/acl_walk.h). */
#pragma once

#include "acl/evaluate.h"
#include "acl/tables.h"

#include <cstdint>

namespace faith::test {

/* The verdict word. */
std::uint32_t walk(const acl::Tables &tables, const acl::Packet &packet);

} // namespace faith::test
