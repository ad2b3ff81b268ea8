/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The network namespace of the calling thread: its inode names pins and sockets. */
#pragma once

#include "base/result.h"

#include <cstdint>

namespace faith::sys {

Result<std::uint64_t> netns_inode();

} // namespace faith::sys
