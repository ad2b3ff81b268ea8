/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many programs of a local service may run, and how many may start in a second. A burst
 * of a second's worth is taken at once. Pure but for the clock.
 */
#pragma once

#include "sys/clock.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace faith::daemon {

class LocalLimits {
public:
    enum class Verdict { Run, TooMany, TooFast };

    /* 0: no limit. */
    LocalLimits(const sys::Clock &clock, std::uint32_t most, std::uint32_t rate);
    /* One more wants to start. */
    Verdict admit(std::size_t running);

private:
    const sys::Clock *clock_;
    std::uint32_t most_;
    std::uint32_t rate_;
    std::uint64_t credit_; /* thousandths of a start */
    sys::Millis filled_;
};

/* For a line of the log that an attacker could repeat: at once, then every ten seconds. */
class Damper {
public:
    static constexpr sys::Millis pause{10'000};

    explicit Damper(const sys::Clock &clock) : clock_(&clock) {}
    /* How many lines were left out since the last one, or nothing: this one is, too. */
    std::optional<std::uint64_t> tell();

private:
    const sys::Clock *clock_;
    std::optional<sys::Millis> told_;
    std::uint64_t left_out_ = 0;
};

} // namespace faith::daemon
