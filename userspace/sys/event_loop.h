/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One thread, one epoll, level-triggered. Interest is a function of the owner's
 * state: after each step it says what it wants now, and a system call is made only
 * if that changed. epoll carries slot and generation, never a pointer, so a Watch
 * destroyed inside a batch is not called by a later event of the same batch.
 * Only stop(), post() may be called from another thread. The loop outlives its
 * watches and timers. A callback may destroy any watch or timer, its own included.
 */
#pragma once

#include "base/result.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace faith::sys {

/* Bits of what to wait for, and of what has happened. */
struct Interest {
    bool read = false;
    bool write = false;
    bool urgent = false; /* EPOLLPRI */
    bool operator==(const Interest &) const = default;
};

struct Ready {
    bool read = false; /* readable, end of file included */
    bool write = false;
    bool error = false; /* EPOLLERR or EPOLLHUP: ask the socket for its error */
    bool ended = false; /* the peer sends no more; what it sent may still wait to be read */
    /* An urgent byte has come and is not read yet; bytes before it may still be missing. Said
     * until it is read. */
    bool urgent = false;
};

class EventLoop;

/* A registration; unregisters when destroyed, also for events already fetched. */
class Watch {
public:
    Watch() = default;
    Watch(Watch &&other) noexcept;
    Watch &operator=(Watch &&other) noexcept;
    ~Watch();
    Status want(Interest interest); /* no system call when unchanged */

    /* epoll reports EPOLLHUP and EPOLLERR whatever the interest. A socket that is shut
     * both ways but not finished with would wake the loop for ever: mute it. The next
     * want() of anything brings it back. */
    void mute();

    /* Unregisters without a system call, for a descriptor that its owner closes in the
     * same breath: close() takes it out of epoll. */
    void drop();

    explicit operator bool() const { return loop_ != nullptr; }

private:
    friend class EventLoop;
    Watch(EventLoop *loop, std::uint32_t slot) : loop_(loop), slot_(slot) {}
    EventLoop *loop_ = nullptr;
    std::uint32_t slot_ = 0;
};

/* A call to come; cancelled when destroyed. */
class Timer {
public:
    Timer() = default;
    Timer(Timer &&other) noexcept;
    Timer &operator=(Timer &&other) noexcept;
    ~Timer();
    explicit operator bool() const; /* pending */

    /* Moves the deadline, or arms it anew after it has fired, its own callback
     * included; keeps the callback, allocates nothing. Not for an empty Timer. */
    void set(Millis deadline);

private:
    friend class EventLoop;
    Timer(EventLoop *loop, std::uint32_t slot) : loop_(loop), slot_(slot) {}
    EventLoop *loop_ = nullptr;
    std::uint32_t slot_ = 0;
};

class EventLoop {
public:
    static Result<std::unique_ptr<EventLoop>> create(Clock &clock);
    ~EventLoop();

    /* The descriptor stays the caller's and must outlive the Watch. */
    Result<Watch> watch(int fd, Interest interest, std::function<void(Ready)> callback);
    Timer at(Millis deadline, std::function<void()> callback); /* on the clock's scale */
    Timer after(Millis delay, std::function<void()> callback);
    void defer(std::function<void()> callback); /* after the current batch */
    void post(std::function<void()> callback);  /* from any thread */

    Status run();                /* until stop() */
    Status turn(Millis longest); /* one batch, for tests */
    void stop();                 /* from any thread; before run() it makes run() return */
    Millis now() const;          /* read once per batch */

private:
    friend class Watch;
    friend class Timer;
    struct State;
    explicit EventLoop(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace faith::sys
