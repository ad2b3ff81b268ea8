/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/second_look.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <cstring>

namespace faith::datapath {

namespace {

constexpr std::size_t ethernet_header = 14;
constexpr std::uint8_t ethertype_ip4[] = {0x08, 0x00};

std::vector<std::uint8_t> frame_of(std::span<const std::uint8_t> packet) {
    std::vector<std::uint8_t> frame(ethernet_header);
    std::memcpy(&frame[ethernet_header - sizeof ethertype_ip4], ethertype_ip4,
                sizeof ethertype_ip4);
    frame.insert(frame.end(), packet.begin(), packet.end());
    return frame;
}

} // namespace

Result<std::optional<TakenOut>> second_look(int xdp_program, std::uint32_t interface_index,
                                            std::span<const std::uint8_t> packet) {
    const std::vector<std::uint8_t> input = frame_of(packet);
    std::vector<std::uint8_t> output(input.size());
    xdp_md context{};
    context.data_end = static_cast<std::uint32_t>(input.size());
    context.ingress_ifindex = interface_index;
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = input.data();
    options.data_size_in = static_cast<std::uint32_t>(input.size());
    options.data_out = output.data();
    options.data_size_out = static_cast<std::uint32_t>(output.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = 1;
    if (const int failed = bpf_prog_test_run_opts(xdp_program, &options); failed != 0)
        return system_error(-failed, "show a packet of " + std::to_string(packet.size()) +
                                         " bytes to the XDP program");
    fgw_stf_mark mark{};
    if (options.retval != XDP_PASS || options.data_size_out < sizeof mark)
        return std::optional<TakenOut>();
    std::memcpy(&mark, output.data(), sizeof mark);
    if (mark.mark != FGW_STF_MARK)
        return std::optional<TakenOut>(); // no tunnel claims it any more
    return std::optional(
        TakenOut{.peer = mark.peer,
                 .frame = {output.begin() + sizeof mark,
                           output.begin() + static_cast<std::ptrdiff_t>(options.data_size_out)}});
}

} // namespace faith::datapath
