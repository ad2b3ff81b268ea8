/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/event_ring.h"

#include "datapath/object.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>

namespace faith::datapath {

namespace {

int tell(void *context, void *data, std::size_t size) {
    fgw_event event{};
    if (size != sizeof event)
        return 0; // of another version; the pins' directory says so before
    std::memcpy(&event, data, sizeof event);
    (*static_cast<const EventRing::Told *>(context))(event);
    return 0;
}

Status outcome(int number) {
    if (number < 0 && number != -EINTR)
        return system_error(-number, "read the ring of events");
    return Ok{};
}

} // namespace

void EventRing::Free::operator()(ring_buffer *ring) const { ring_buffer__free(ring); }

Result<EventRing> EventRing::open(int ring, Told told) {
    const LibbpfWords said;
    auto kept = std::make_unique<Told>(std::move(told));
    ring_buffer *opened = ring_buffer__new(ring, tell, kept.get(), nullptr);
    if (opened == nullptr)
        return system_error(errno, "open the ring of events");
    return EventRing(std::move(kept), opened);
}

int EventRing::fd() const { return ring_buffer__epoll_fd(ring_.get()); }

Status EventRing::consume() const { return outcome(ring_buffer__consume(ring_.get())); }

Status EventRing::wait(sys::Millis longest) const {
    return outcome(ring_buffer__poll(ring_.get(), static_cast<int>(longest.count())));
}

} // namespace faith::datapath
