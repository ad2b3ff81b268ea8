/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asks the programs in the kernel what they would do with the first packet of a connection, or
 * with a packet of a tunnel, by test runs that leave no trace (faith/abi.h, "asking without
 * doing").
 */
#pragma once

#include "base/addr.h"
#include "base/result.h"
#include "datapath/pins.h"
#include "faith/abi.h"
#include "sys/fd.h"

#include <cstdint>
#include <vector>

namespace faith::datapath {

struct Attempt {
    Ip6 source;
    Ip6 destination;
    std::uint16_t source_port = 49152;
    std::uint16_t destination_port = 0; /* host byte order, as the other */
};

/* A TCP SYN as a guard sees it, in an Ethernet frame. Checksums are zero: no program of ours
 * looks at them. Pure. */
std::vector<std::uint8_t> syn_frame(const Attempt &attempt);

using Frame = std::vector<std::uint8_t>;

class Probe {
public:
    static Result<Probe> open(const Pins &pins); /* the programs that are pinned there */
    Probe(sys::UniqueFd xdp, sys::UniqueFd lookup, sys::UniqueFd encap = {})
        : xdp_(std::move(xdp)), lookup_(std::move(lookup)), encap_(std::move(encap)) {}

    Result<fgw_probe> ask_guard(const Attempt &attempt) const;
    Result<bool> finds_listener(const Attempt &attempt) const;
    /* A frame that comes in by an uplink. */
    Result<fgw_probe> ask_uplink(std::uint32_t interface_index, const Frame &frame) const;
    /* A frame that the kernel sends through the device with this hidden peer. */
    struct WayOut {
        std::uint32_t reason = 0; /* enum fgw_reason */
        Frame frame;              /* what would leave, with its outer header */
    };
    Result<WayOut> ask_way_out(std::uint32_t peer_index, const Frame &frame) const;

private:
    sys::UniqueFd xdp_;
    sys::UniqueFd lookup_;
    sys::UniqueFd encap_;
};

} // namespace faith::datapath
