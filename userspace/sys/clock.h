/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Monotonic time in milliseconds, real or set by a test. */
#pragma once

#include <chrono>

namespace faith::sys {

using Millis = std::chrono::milliseconds;

class Clock {
public:
    virtual ~Clock() = default;
    virtual Millis now() const = 0; /* since an arbitrary start, never backwards */
};

class MonotonicClock final : public Clock {
public:
    Millis now() const override {
        return std::chrono::duration_cast<Millis>(
            std::chrono::steady_clock::now().time_since_epoch());
    }
};

class FakeClock final : public Clock {
public:
    Millis now() const override { return now_; }
    void advance(Millis by) { now_ += by; }

private:
    Millis now_{1000};
};

} // namespace faith::sys
