/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/ring.h"

#include "datapath/object.h"

#include <bpf/libbpf.h>

#include <cerrno>

namespace faith::datapath {

struct Ring::State {
    Of of;
    Told told;
    int left = 0; /* records of this turn */
    ring_buffer *ring = nullptr;

    State(const Of &which, Told callback) : of(which), told(std::move(callback)) {}
    State(const State &) = delete;
    State &operator=(const State &) = delete;
    ~State() { ring_buffer__free(ring); }

    /* libbpf counts the record as read, whatever this returns. */
    static int tell(void *context, void *data, std::size_t size) {
        State &state = *static_cast<State *>(context);
        state.told({static_cast<const std::uint8_t *>(data), size});
        return --state.left > 0 ? 0 : -EAGAIN;
    }
    Status outcome(int number) const {
        if (number < 0 && number != -EINTR && number != -EAGAIN)
            return system_error(-number, std::string("read the ring of ") + of.name);
        return Ok{};
    }
};

Ring::Ring(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ring::Ring(Ring &&) noexcept = default;
Ring &Ring::operator=(Ring &&) noexcept = default;
Ring::~Ring() = default;

Result<Ring> Ring::open(const Of &of, Told told) {
    const LibbpfWords said;
    auto state = std::make_unique<State>(of, std::move(told));
    state->ring = ring_buffer__new(of.map, State::tell, state.get(), nullptr);
    if (state->ring == nullptr)
        return system_error(errno, std::string("open the ring of ") + of.name);
    return Ring(std::move(state));
}

int Ring::fd() const { return ring_buffer__epoll_fd(state_->ring); }

Status Ring::consume() const {
    state_->left = state_->of.at_once;
    return state_->outcome(ring_buffer__consume(state_->ring));
}

Status Ring::wait(sys::Millis longest) const {
    state_->left = state_->of.at_once;
    return state_->outcome(ring_buffer__poll(state_->ring, static_cast<int>(longest.count())));
}

} // namespace faith::datapath
