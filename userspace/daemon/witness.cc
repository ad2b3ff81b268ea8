/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/witness.h"

#include "base/log.h"
#include "daemon/reason_text.h"

#include <chrono>
#include <memory>
#include <mutex>

namespace faith::daemon {

namespace {

/* So many per second, counted by whole seconds: a log needs no finer bucket. */
class RateLimit {
public:
    /* How many lines were left out before this one, or nothing if this one is too many. */
    std::optional<std::uint64_t> admit() {
        const std::lock_guard<std::mutex> hold(mutex_);
        const auto second =
            std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::steady_clock::now());
        if (second != second_) {
            second_ = second;
            used_ = 0;
        }
        if (used_ == witness_lines_per_second) {
            ++left_out_;
            return std::nullopt;
        }
        ++used_;
        return std::exchange(left_out_, 0);
    }

private:
    std::mutex mutex_;
    std::chrono::time_point<std::chrono::steady_clock, std::chrono::seconds> second_;
    std::uint32_t used_ = 0;
    std::uint64_t left_out_ = 0;
};

} // namespace

std::string describe(const Judgement &judgement) {
    const std::string port = ":" + std::to_string(judgement.request.port);
    std::string line = judgement.reason == FGW_ACL_PERMIT ? "translating from "
                                                          : "translation not permitted from ";
    line += to_string(judgement.request.client) + " to [" +
            to_string(judgement.request.destination) + "]" + port;
    if (judgement.target != Ip4{})
        line += " (" + to_string(judgement.target) + port + ")";
    line += std::string(": ") + reason_sentence(judgement.reason);
    if (judgement.rule != nullptr)
        line += " (" + acl::origin(*judgement.rule) + ")";
    return line;
}

std::function<void(const Judgement &)> make_witness(Wording wording) {
    const auto limit = std::make_shared<RateLimit>();
    return [limit, wording = std::move(wording)](const Judgement &judgement) {
        const std::optional<std::uint64_t> left_out = limit->admit();
        if (!left_out)
            return;
        if (*left_out > 0)
            log::info(std::to_string(*left_out) + " lines of this kind left out");
        log::info(wording(judgement));
    };
}

} // namespace faith::daemon
