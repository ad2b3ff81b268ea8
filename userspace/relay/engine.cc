/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/engine.h"

namespace faith::relay {

void EngineChoice::saw(std::size_t bytes) {
    const bool against = engine_ == Engine::Copy ? bytes <= small : bytes >= large;
    const bool towards = engine_ == Engine::Copy ? bytes >= large : bytes <= small;
    if (against)
        score_ = 0;
    if (towards)
        ++score_;
    if (engine_ == Engine::Copy && bytes >= read_bytes)
        ++score_;
    const std::uint8_t enough = engine_ == Engine::Copy ? bulk_after : quiet_after;
    if (score_ >= enough) {
        engine_ = engine_ == Engine::Copy ? Engine::Splice : Engine::Copy;
        score_ = 0;
    }
}

} // namespace faith::relay
