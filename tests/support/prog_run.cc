/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prog_run.h"

#include <bpf/bpf.h>

#include <cstring>

namespace faith::test {

namespace {

Result<PacketRun> run(int program, const Bytes &input, bpf_test_run_opts options) {
    /* Longer than what went in, so that a grown packet is seen as one. */
    Bytes output(input.size() + 256);
    options.sz = sizeof options;
    options.data_in = input.data();
    options.data_size_in = static_cast<std::uint32_t>(input.size());
    options.data_out = output.data();
    options.data_size_out = static_cast<std::uint32_t>(output.size());
    const int failed = bpf_prog_test_run_opts(program, &options);
    if (failed != 0)
        return system_error(-failed, "run a program on " + std::to_string(input.size()) + " bytes");
    output.resize(options.data_size_out);
    return PacketRun{
        .verdict = options.retval, .output = std::move(output), .nanoseconds = options.duration};
}

} // namespace

Result<PacketRun> run_on_packet(int program, const Bytes &input, int repeat) {
    bpf_test_run_opts options{};
    options.repeat = repeat;
    return run(program, input, options);
}

Result<PacketRun> run_on_frame(int program, const Bytes &input, std::uint32_t interface_index) {
    xdp_md context{};
    context.data_end = static_cast<std::uint32_t>(input.size());
    context.ingress_ifindex = interface_index;
    bpf_test_run_opts options{};
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = 1;
    return run(program, input, options);
}

Result<ProbeRun> run_probe(int program, const Bytes &frame, std::uint32_t magic) {
    ProbeRun run;
    run.answer.magic = magic;
    Bytes bytes(sizeof run.answer);
    std::memcpy(bytes.data(), &run.answer, sizeof run.answer);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
    xdp_md context{};
    context.data = sizeof run.answer; /* in front of it is metadata */
    context.data_end = static_cast<std::uint32_t>(bytes.size());
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.data_in = bytes.data();
    options.data_size_in = static_cast<std::uint32_t>(bytes.size());
    options.data_out = bytes.data();
    options.data_size_out = static_cast<std::uint32_t>(bytes.size());
    const int failed = bpf_prog_test_run_opts(program, &options);
    if (failed != 0)
        return system_error(-failed,
                            "ask a program about " + std::to_string(frame.size()) + " bytes");
    std::memcpy(&run.answer, bytes.data(), sizeof run.answer);
    run.verdict = options.retval;
    run.frame.assign(bytes.begin() + sizeof run.answer, bytes.end());
    return run;
}

Result<LookupRun> run_on_lookup(int program, const bpf_sk_lookup &context, int repeat) {
    bpf_sk_lookup after{};
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.ctx_out = &after;
    options.ctx_size_out = sizeof after;
    options.repeat = repeat;
    const int failed = bpf_prog_test_run_opts(program, &options);
    if (failed != 0)
        return system_error(-failed, "run a program on a lookup");
    return LookupRun{
        .verdict = options.retval, .cookie = after.cookie, .nanoseconds = options.duration};
}

} // namespace faith::test
