/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/probe.h"

#include "faith/names.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace faith::datapath {

namespace {

constexpr std::uint16_t ethertype_ip6 = 0x86dd;
constexpr std::uint8_t tcp_header_bytes = 20;
constexpr std::uint8_t syn = 0x02;

class FrameWriter {
public:
    void byte(unsigned value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
    void word(unsigned value) {
        byte(value >> 8 & 0xff);
        byte(value & 0xff);
    }
    void zeros(std::size_t count) { bytes_.insert(bytes_.end(), count, 0); }
    void address(const Ip6 &address) {
        bytes_.insert(bytes_.end(), address.bytes.begin(), address.bytes.end());
    }
    std::vector<std::uint8_t> take() { return std::move(bytes_); }

private:
    std::vector<std::uint8_t> bytes_;
};

Result<sys::UniqueFd> open_program(const Pins &pins, const char *name) {
    sys::UniqueFd program(bpf_obj_get(pins.path("progs", name).c_str()));
    if (!program && errno == ENOENT)
        return Error{.kind = Errc::NotLoaded, .sys_errno = ENOENT, .text = "not loaded"};
    if (!program)
        return system_error(errno, std::string("open the pinned program ") + name);
    return program;
}

} // namespace

std::vector<std::uint8_t> syn_frame(const Attempt &attempt) {
    FrameWriter frame;
    frame.zeros(12); // stations
    frame.word(ethertype_ip6);
    frame.word(0x6000); // version 6
    frame.word(0);
    frame.word(tcp_header_bytes);
    frame.byte(IPPROTO_TCP);
    frame.byte(64); // hop limit
    frame.address(attempt.source);
    frame.address(attempt.destination);
    frame.word(attempt.source_port);
    frame.word(attempt.destination_port);
    frame.zeros(8); // sequence and acknowledgment numbers
    frame.byte(tcp_header_bytes / 4 << 4);
    frame.byte(syn);
    frame.word(0xffff); // window
    frame.zeros(4);     // checksum, urgent pointer
    return frame.take();
}

Result<Probe> Probe::open(const Pins &pins) {
    TRY_ASSIGN(sys::UniqueFd xdp, open_program(pins, FGW_PROG_XDP));
    TRY_ASSIGN(sys::UniqueFd lookup, open_program(pins, FGW_PROG_SK_LOOKUP));
    Result<sys::UniqueFd> encap = open_program(pins, FGW_PROG_ENCAP);
    if (!encap && encap.error().kind == Errc::NotLoaded)
        return Probe(std::move(xdp), std::move(lookup)); // no tunnels
    if (!encap)
        return encap.error();
    return Probe(std::move(xdp), std::move(lookup), *std::move(encap));
}

Result<fgw_probe> Probe::ask_guard(const Attempt &attempt) const {
    return ask_uplink(0, syn_frame(attempt));
}

Result<fgw_probe> Probe::ask_uplink(std::uint32_t interface_index, const Frame &frame) const {
    fgw_probe probe{};
    probe.magic = FGW_PROBE_MAGIC;
    std::vector<std::uint8_t> input(sizeof probe + frame.size());
    std::memcpy(input.data(), &probe, sizeof probe);
    std::ranges::copy(frame, input.begin() + sizeof probe);
    std::vector<std::uint8_t> output(input.size());

    xdp_md context{}; // metadata in front of the frame
    context.data = sizeof probe;
    context.data_end = static_cast<std::uint32_t>(input.size());
    context.ingress_ifindex = interface_index; // 0: lo, which asks nobody's routes
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = input.data();
    options.data_size_in = static_cast<std::uint32_t>(input.size());
    options.data_out = output.data();
    options.data_size_out = static_cast<std::uint32_t>(output.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = 1;
    if (const int failed = bpf_prog_test_run_opts(xdp_.get(), &options); failed != 0)
        return system_error(-failed, "ask the XDP program");
    if (options.data_size_out < sizeof probe)
        return system_error(EPROTO, "ask the XDP program");
    std::memcpy(&probe, output.data(), sizeof probe);
    return probe;
}

Result<Probe::WayOut> Probe::ask_way_out(std::uint32_t peer_index, const Frame &frame) const {
    constexpr std::size_t outer_header = 20;
    WayOut out{.frame = Frame(frame.size() + outer_header)};
    __sk_buff context{};
    context.ifindex = peer_index;
    context.ingress_ifindex = FGW_PROBE_MAGIC;
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.data_out = out.frame.data();
    options.data_size_out = static_cast<std::uint32_t>(out.frame.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = 1;
    if (const int failed = bpf_prog_test_run_opts(encap_.get(), &options); failed != 0)
        return system_error(-failed, "ask the TC program of a tunnel");
    out.reason = options.retval;
    out.frame.resize(options.data_size_out);
    return out;
}

Result<bool> Probe::finds_listener(const Attempt &attempt) const {
    bpf_sk_lookup context{};
    context.family = AF_INET6;
    context.protocol = FGW_PROBE_TCP;
    std::memcpy(context.remote_ip6, attempt.source.bytes.data(), sizeof context.remote_ip6);
    std::memcpy(context.local_ip6, attempt.destination.bytes.data(), sizeof context.local_ip6);
    context.remote_port = htons(attempt.source_port);
    context.local_port = attempt.destination_port;
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = 1;
    if (const int failed = bpf_prog_test_run_opts(lookup_.get(), &options); failed != 0)
        return system_error(-failed, "ask the sk_lookup program");
    return options.retval == SK_PASS;
}

} // namespace faith::datapath
