/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/buffer.h"

#include <algorithm>
#include <utility>

namespace faith::relay {

std::unique_ptr<Buffer> BufferPool::get(std::span<const std::byte> content) {
    std::unique_ptr<Buffer> buffer;
    if (idle_.empty()) {
        buffer = std::make_unique_for_overwrite<Buffer>();
    } else {
        buffer = std::move(idle_.back());
        idle_.pop_back();
    }
    std::copy(content.begin(), content.end(), buffer->data.begin());
    buffer->begin = 0;
    buffer->end = content.size();
    ++in_use_;
    return buffer;
}

void BufferPool::put(std::unique_ptr<Buffer> buffer) {
    if (buffer == nullptr)
        return;
    --in_use_;
    if (idle_.size() < most_idle)
        idle_.push_back(std::move(buffer));
}

} // namespace faith::relay
