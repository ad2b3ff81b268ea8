/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the tunnels' programs leave to user space (bpf/lib/stf_slow.h). Fragments are put
 * together here, and the whole packet goes the way of any other, through the XDP program and in
 * on the tunnel's device: no rule of tunnels is in this file, the program judges. Errors go on
 * to daemon/tunnel_errors.h.
 */
#pragma once

#include "base/result.h"
#include "daemon/tunnel_errors.h"
#include "datapath/ring.h"
#include "faith/reasons.h"
#include "slowpath/reassembly.h"
#include "sys/event_loop.h"
#include "sys/fd.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace faith::daemon {

class SlowPath {
public:
    struct Kernel { /* all borrowed */
        int xdp_program = -1;
        int ring = -1;
        TunnelErrors::PathMtus path_mtus;
    };
    /* The loop outlives it. */
    static Result<std::unique_ptr<SlowPath>> start(sys::EventLoop &loop, Kernel kernel);

    void set_tunnels(std::vector<TunnelErrors::OnUplink> tunnels) {
        errors_->set_tunnels(std::move(tunnels));
    }
    /* What is counted here and not in the kernel, by enum fgw_reason. */
    ReasonCounts reasons() const;

private:
    SlowPath(sys::EventLoop &loop, Kernel kernel) : loop_(loop), kernel_(kernel) {}
    Status open();
    void on_record(std::span<const std::uint8_t> record);
    void on_fragment(std::uint32_t interface_index, std::span<const std::uint8_t> fragment);
    void bring_in(std::uint32_t interface_index, std::span<const std::uint8_t> packet);
    void clean_later();

    sys::EventLoop &loop_;
    Kernel kernel_;
    slowpath::Reassembly reassembly_;
    std::optional<TunnelErrors> errors_;
    std::uint64_t not_sent_ = 0;
    sys::UniqueFd sender_;
    std::optional<datapath::Ring> ring_;
    sys::Watch watch_;
    sys::Timer cleaning_;
};

} // namespace faith::daemon
