/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Puts one frame so many times into an interface, as if its driver had it to send, and says how
 * many seconds that took; with FLOWS each is one of so many at random, told apart by the two octets
 * AT. A tool of tests/bench/forward_bench.py.
 *
 *     frames INTERFACE COUNT HEX [AT FLOWS]
 */
#include "flood.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

namespace {

std::vector<std::uint8_t> from_hex(std::string_view text) {
    std::vector<std::uint8_t> bytes(text.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, bytes[i], 16);
    return bytes;
}

int number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

int fail(const char *what) {
    std::fprintf(stderr, "frames: %s\n", what);
    return 1;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 4 && argc != 6)
        return fail("usage: frames INTERFACE COUNT HEX [AT FLOWS]");
    const int count = number(argv[2]);
    const std::vector<std::uint8_t> frame = from_hex(argv[3]);
    flood *programs = flood__open_and_load();
    if (programs == nullptr)
        return fail("cannot load the sender");
    programs->bss->flood_interface = ::if_nametoindex(argv[1]);
    if (programs->bss->flood_interface == 0 || count <= 0 ||
        frame.size() < sizeof programs->bss->flood_frame)
        return fail("no such interface, no count, or a frame without all headers");
    if (argc == 6) {
        programs->bss->flood_flow_at = static_cast<std::uint32_t>(number(argv[4]));
        programs->bss->flood_flows = static_cast<std::uint32_t>(number(argv[5]));
    }
    std::copy_n(frame.begin(), sizeof programs->bss->flood_frame, programs->bss->flood_frame);

    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.repeat = count;
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    const auto start = std::chrono::steady_clock::now();
    if (bpf_prog_test_run_opts(bpf_program__fd(programs->progs.flood_repeater), &options) != 0)
        return fail("cannot send");
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%.6f\n", took.count());
    flood__destroy(programs);
    return 0;
}
