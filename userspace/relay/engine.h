/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Copy or splice? Pure. Copying wins on small messages (one page walk less), splicing
 * on bulk (nothing is touched). Each direction decides for itself from the sizes it
 * sees, slowly enough that a mixed stream does not flap between the two.
 */
#pragma once

#include "relay/buffer.h"

#include <cstddef>
#include <cstdint>

namespace faith::relay {

enum class Engine : std::uint8_t { Copy, Splice };

class EngineChoice {
public:
    /* One read, or one splice into a pipe, found this much waiting. */
    void saw(std::size_t bytes);
    Engine engine() const { return engine_; }

    static constexpr std::size_t large = 16 * 1024;
    static constexpr std::size_t small = 4 * 1024;
    static constexpr std::uint8_t bulk_after = 4;  /* large reads; a full one counts twice */
    static constexpr std::uint8_t quiet_after = 3; /* small ones in a row */

private:
    Engine engine_ = Engine::Copy;
    std::uint8_t score_ = 0; /* towards the other engine */
};

} // namespace faith::relay
