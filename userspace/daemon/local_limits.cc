/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/local_limits.h"

#include <algorithm>
#include <utility>

namespace faith::daemon {

namespace {

constexpr std::uint64_t one_start = 1000; /* so that a millisecond earns rate thousandths */

} // namespace

LocalLimits::LocalLimits(const sys::Clock &clock, std::uint32_t most, std::uint32_t rate)
    : clock_(&clock), most_(most), rate_(rate), credit_(rate * one_start), filled_(clock.now()) {}

LocalLimits::Verdict LocalLimits::admit(std::size_t running) {
    if (most_ != 0 && running >= most_)
        return Verdict::TooMany;
    if (rate_ == 0)
        return Verdict::Run;
    /* Longer than a second fills it anyway, and must not overflow. */
    const sys::Millis passed = std::min(clock_->now() - filled_, sys::Millis(1000));
    filled_ = clock_->now();
    credit_ =
        std::min(credit_ + static_cast<std::uint64_t>(passed.count()) * rate_, rate_ * one_start);
    if (credit_ < one_start)
        return Verdict::TooFast;
    credit_ -= one_start;
    return Verdict::Run;
}

std::optional<std::uint64_t> Damper::tell() {
    const sys::Millis now = clock_->now();
    if (told_ && now - *told_ < pause) {
        ++left_out_;
        return std::nullopt;
    }
    told_ = now;
    return std::exchange(left_out_, 0);
}

} // namespace faith::daemon
