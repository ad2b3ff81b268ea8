/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/event_ring.h"

#include <cstring>

namespace faith::datapath {

Result<Ring> open_event_ring(int ring, std::function<void(const fgw_event &)> told) {
    return Ring::open({.map = ring, .name = "events"},
                      [told = std::move(told)](std::span<const std::uint8_t> record) {
                          fgw_event event{};
                          if (record.size() != sizeof event)
                              return; // of another version; the pins' directory says so before
                          std::memcpy(&event, record.data(), sizeof event);
                          told(event);
                      });
}

} // namespace faith::datapath
