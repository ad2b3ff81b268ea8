/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/event_loop.h"

#include "sys/timer_heap.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <deque>
#include <limits>
#include <mutex>
#include <vector>

namespace faith::sys {

namespace {

constexpr std::uint32_t no_slot = 0xffffffff;
constexpr std::uint64_t wake_data = ~std::uint64_t{0};

std::uint32_t epoll_bits(Interest interest) {
    std::uint32_t bits = 0;
    if (interest.read)
        bits |= EPOLLIN | EPOLLRDHUP;
    if (interest.write)
        bits |= EPOLLOUT;
    if (interest.urgent)
        bits |= EPOLLPRI;
    return bits;
}

Ready ready_of(std::uint32_t bits) {
    return Ready{.read = (bits & EPOLLIN) != 0,
                 .write = (bits & EPOLLOUT) != 0,
                 .error = (bits & (EPOLLERR | EPOLLHUP)) != 0,
                 .ended = (bits & EPOLLRDHUP) != 0,
                 .urgent = (bits & EPOLLPRI) != 0};
}

/*
 * Things with a callback, at addresses that never move: a callback may create the
 * next one while it runs. A slot given back while its callback runs is kept until the
 * callback has returned, or its captures would die under it.
 */
template <class Entry>
class Slots {
public:
    std::uint32_t take() {
        if (free_.empty()) {
            entries_.emplace_back();
            free_.reserve(entries_.size()); /* so that give_back never allocates */
            return static_cast<std::uint32_t>(entries_.size() - 1);
        }
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        return slot;
    }

    void give_back(std::uint32_t slot) {
        if (slot == running_) {
            running_gone_ = true;
            return;
        }
        entries_[slot].callback = nullptr;
        free_.push_back(slot);
    }

    template <class... Args>
    void call(std::uint32_t slot, Args... args) {
        running_ = slot;
        running_gone_ = false;
        entries_[slot].callback(args...);
        running_ = no_slot;
        if (running_gone_)
            give_back(slot);
    }

    Entry &operator[](std::uint32_t slot) { return entries_[slot]; }

private:
    std::deque<Entry> entries_;
    std::vector<std::uint32_t> free_;
    std::uint32_t running_ = no_slot;
    bool running_gone_ = false;
};

struct WatchEntry {
    std::function<void(Ready)> callback;
    int fd = -1;
    std::uint32_t generation = 0; /* grows when the slot is given back */
    Interest interest;
    bool in_epoll = false;
};

struct TimerEntry {
    std::function<void()> callback;
};

} // namespace

struct EventLoop::State {
    Clock &clock;
    UniqueFd epoll;
    UniqueFd wake;
    Millis now{};
    bool in_batch = false;
    Slots<WatchEntry> watches;
    Slots<TimerEntry> timers;
    TimerHeap heap;
    std::vector<std::function<void()>> deferred;
    std::vector<std::function<void()>> running; /* swapped with deferred or posted */

    std::mutex mutex; /* guards posted */
    std::vector<std::function<void()>> posted;
    std::atomic<bool> stopped{false};

    State(Clock &clock_, UniqueFd epoll_, UniqueFd wake_)
        : clock(clock_), epoll(std::move(epoll_)), wake(std::move(wake_)) {}

    int control(int operation, std::uint32_t slot) {
        const WatchEntry &entry = watches[slot];
        epoll_event event{};
        event.events = epoll_bits(entry.interest);
        event.data.u64 = std::uint64_t{entry.generation} << 32 | slot;
        return ::epoll_ctl(epoll.get(), operation, entry.fd, &event) < 0 ? errno : 0;
    }

    void leave_epoll(std::uint32_t slot) {
        if (std::exchange(watches[slot].in_epoll, false))
            (void)control(EPOLL_CTL_DEL, slot); /* fails only if the owner closed it first */
    }

    void unwatch(std::uint32_t slot) {
        WatchEntry &entry = watches[slot];
        ++entry.generation;
        entry.fd = -1;
        entry.in_epoll = false;
        watches.give_back(slot);
    }

    void wake_up() {
        const std::uint64_t one = 1;
        /* Fails only when the counter is at its limit, and then the loop is awake. */
        [[maybe_unused]] const ssize_t written = ::write(wake.get(), &one, sizeof one);
    }

    int timeout(Millis longest) const {
        if (!deferred.empty() || stopped.load(std::memory_order_relaxed))
            return 0;
        Millis wait = longest;
        if (!heap.empty())
            wait = std::min(wait, std::max(Millis{0}, heap.first_deadline() - clock.now()));
        if (wait < Millis{0} || wait == Millis::max())
            return -1;
        return static_cast<int>(
            std::min<Millis::rep>(wait.count(), std::numeric_limits<int>::max()));
    }

    void run_list(std::vector<std::function<void()>> &list) {
        running.swap(list);
        for (const std::function<void()> &callback : running)
            callback();
        running.clear();
    }

    void run_posted() {
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t got = ::read(wake.get(), &count, sizeof count);
        std::vector<std::function<void()>> list;
        {
            const std::lock_guard lock(mutex);
            list.swap(posted);
        }
        for (const std::function<void()> &callback : list)
            callback();
    }

    void dispatch(const epoll_event &event) {
        if (event.data.u64 == wake_data) {
            run_posted();
            return;
        }
        const std::uint32_t slot = static_cast<std::uint32_t>(event.data.u64);
        const std::uint32_t generation = static_cast<std::uint32_t>(event.data.u64 >> 32);
        const WatchEntry &entry = watches[slot];
        /* Unwatched, or muted, by an earlier event of this batch. */
        if (entry.generation != generation || !entry.in_epoll)
            return;
        watches.call(slot, ready_of(event.events));
    }

    void run_timers() {
        /* A callback that sets a timer to the present must not keep the batch from ending. */
        for (std::size_t left = heap.size(); left > 0; --left) {
            if (heap.empty() || heap.first_deadline() > now)
                return;
            timers.call(heap.take_first());
        }
    }
};

/* --- watches ----------------------------------------------------------------------------- */

Watch::Watch(Watch &&other) noexcept
    : loop_(std::exchange(other.loop_, nullptr)), slot_(other.slot_) {}

Watch &Watch::operator=(Watch &&other) noexcept {
    const Watch old(std::exchange(loop_, std::exchange(other.loop_, nullptr)),
                    std::exchange(slot_, other.slot_));
    return *this;
}

Watch::~Watch() {
    if (loop_ == nullptr)
        return;
    loop_->state_->leave_epoll(slot_);
    drop();
}

void Watch::drop() {
    if (EventLoop *loop = std::exchange(loop_, nullptr))
        loop->state_->unwatch(slot_);
}

void Watch::mute() {
    if (loop_ == nullptr)
        return;
    loop_->state_->leave_epoll(slot_);
    loop_->state_->watches[slot_].interest = Interest{};
}

Status Watch::want(Interest interest) {
    EventLoop::State &state = *loop_->state_;
    WatchEntry &entry = state.watches[slot_];
    if (entry.interest == interest)
        return Ok{};
    entry.interest = interest;
    const int operation = entry.in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (const int error = state.control(operation, slot_); error != 0)
        return system_error(error, "epoll_ctl");
    entry.in_epoll = true;
    return Ok{};
}

/* --- timers ------------------------------------------------------------------------------ */

Timer::Timer(Timer &&other) noexcept
    : loop_(std::exchange(other.loop_, nullptr)), slot_(other.slot_) {}

Timer &Timer::operator=(Timer &&other) noexcept {
    const Timer old(std::exchange(loop_, std::exchange(other.loop_, nullptr)),
                    std::exchange(slot_, other.slot_));
    return *this;
}

Timer::~Timer() {
    if (EventLoop *loop = std::exchange(loop_, nullptr)) {
        loop->state_->heap.cancel(slot_);
        loop->state_->timers.give_back(slot_);
    }
}

Timer::operator bool() const { return loop_ != nullptr && loop_->state_->heap.pending(slot_); }

void Timer::set(Millis deadline) { loop_->state_->heap.set(slot_, deadline); }

/* --- the loop ---------------------------------------------------------------------------- */

EventLoop::EventLoop(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventLoop::~EventLoop() = default;

Result<std::unique_ptr<EventLoop>> EventLoop::create(Clock &clock) {
    UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll)
        return system_error(errno, "epoll_create1");
    UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake)
        return system_error(errno, "eventfd");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = wake_data;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) < 0)
        return system_error(errno, "epoll_ctl");
    std::unique_ptr<State> state =
        std::make_unique<State>(clock, std::move(epoll), std::move(wake));
    return std::unique_ptr<EventLoop>(new EventLoop(std::move(state)));
}

Result<Watch> EventLoop::watch(int fd, Interest interest, std::function<void(Ready)> callback) {
    const std::uint32_t slot = state_->watches.take();
    WatchEntry &entry = state_->watches[slot];
    entry.callback = std::move(callback);
    entry.fd = fd;
    entry.interest = interest;
    if (const int error = state_->control(EPOLL_CTL_ADD, slot); error != 0) {
        state_->unwatch(slot);
        return system_error(error, "epoll_ctl");
    }
    entry.in_epoll = true;
    return Watch(this, slot);
}

Timer EventLoop::at(Millis deadline, std::function<void()> callback) {
    const std::uint32_t slot = state_->timers.take();
    state_->timers[slot].callback = std::move(callback);
    state_->heap.set(slot, deadline);
    return Timer(this, slot);
}

Timer EventLoop::after(Millis delay, std::function<void()> callback) {
    return at(now() + delay, std::move(callback));
}

void EventLoop::defer(std::function<void()> callback) {
    state_->deferred.push_back(std::move(callback));
}

void EventLoop::post(std::function<void()> callback) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->posted.push_back(std::move(callback));
    }
    state_->wake_up();
}

Status EventLoop::run() {
    while (!state_->stopped.exchange(false))
        TRY(turn(Millis::max()));
    return Ok{};
}

Status EventLoop::turn(Millis longest) {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(state_->epoll.get(), events.data(),
                                   static_cast<int>(events.size()), state_->timeout(longest));
    if (count < 0 && errno != EINTR)
        return system_error(errno, "epoll_wait");
    state_->now = state_->clock.now();
    state_->in_batch = true;
    for (int i = 0; i < count; ++i)
        state_->dispatch(events[static_cast<std::size_t>(i)]);
    state_->run_timers();
    state_->run_list(state_->deferred);
    state_->in_batch = false;
    return Ok{};
}

void EventLoop::stop() {
    state_->stopped.store(true);
    state_->wake_up();
}

/* Between batches the last reading may be old; inside one, all see the same time. */
Millis EventLoop::now() const { return state_->in_batch ? state_->now : state_->clock.now(); }

} // namespace faith::sys
