/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One thread, one epoll, level-triggered. Interest is a function of the owner's
 * state: after each step it says what it wants now, and a system call is made only
 * if that changed. epoll carries slot and generation, never a pointer, so a Watch
 * destroyed inside a batch is not called by a later event of the same batch.
 * Only stop(), post() may be called from another thread.
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
    bool operator==(const Interest &) const = default;
};

struct Ready {
    bool read = false;  /* readable, end of file included */
    bool write = false;
    bool error = false; /* EPOLLERR or EPOLLHUP: ask the socket for its error */
};

class EventLoop;

/* A registration; unregisters when destroyed, also for events already fetched. */
class Watch {
public:
    Watch() = default;
    Watch(Watch &&) noexcept;
    Watch &operator=(Watch &&) noexcept;
    ~Watch();
    Status want(Interest interest); /* no system call when unchanged */
    explicit operator bool() const { return loop_ != nullptr; }

private:
    friend class EventLoop;
    EventLoop *loop_ = nullptr;
    std::uint32_t slot_ = 0;
};

/* A pending call; cancelled when destroyed. */
class Timer {
public:
    Timer() = default;
    Timer(Timer &&) noexcept;
    Timer &operator=(Timer &&) noexcept;
    ~Timer();
    explicit operator bool() const { return loop_ != nullptr; }

private:
    friend class EventLoop;
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

    Status run();                   /* until stop() */
    Status turn(Millis longest);    /* one batch, for tests */
    void stop();                    /* from any thread */
    Millis now() const;             /* read once per batch */

private:
    friend class Watch;
    friend class Timer;
    struct State;
    explicit EventLoop(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace faith::sys
