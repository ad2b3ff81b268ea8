/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One run of a loaded program by BPF_PROG_TEST_RUN: a packet in, verdict and packet out. */
#pragma once

#include "base/result.h"
#include "faith/abi.h"
#include "packet.h"

#include <linux/bpf.h>

#include <cstdint>

namespace faith::test {

/* The kernel takes no shorter frame: its own Ethernet code reads that much. */
constexpr std::size_t shortest_frame = 14;

struct PacketRun {
    std::uint32_t verdict = 0;
    Bytes output;
    std::uint32_t nanoseconds = 0; /* per run, when repeated */
};
Result<PacketRun> run_on_packet(int program, const Bytes &input, int repeat = 1);
/* For XDP: as if it came in by that interface, on which XDP must be running. */
Result<PacketRun> run_on_frame(int program, const Bytes &input, std::uint32_t interface_index);

/* A question to the XDP program (struct fgw_probe). */
struct ProbeRun {
    std::uint32_t verdict = 0;
    fgw_probe answer{};
    Bytes frame; /* as it came back */
};
Result<ProbeRun> run_probe(int program, const Bytes &frame, std::uint32_t magic = FGW_PROBE_MAGIC);

struct LookupRun {
    std::uint32_t verdict = 0;
    std::uint64_t cookie = 0; /* of the chosen socket; 0: none */
    std::uint32_t nanoseconds = 0;
};
Result<LookupRun> run_on_lookup(int program, const bpf_sk_lookup &context, int repeat = 1);

} // namespace faith::test
