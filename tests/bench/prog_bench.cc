/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each program costs a packet: nanoseconds by BPF_PROG_TEST_RUN, in rounds that take
 * every row once, beside an XDP program that does nothing. Absolute figures swing with what
 * else the machine does; the column of ratios is the one to compare. Single runs have rows of
 * their own to be compared with.
 */
#include "datapath/object.h"
#include "sys/fd.h"
#include "tests/support/guard_cases.h"
#include "tests/support/prog_run.h"
#include "tests/support/stf_cases.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

using namespace faith;
using namespace faith::test;

namespace {

constexpr int runs = 200'000; /* of a program in a round */
constexpr int rounds = 11;
constexpr int single_runs = 3'000; /* of one packet each */

[[noreturn]] void give_up(const std::string &why) {
    std::fprintf(stderr, "prog_bench: %s\n", why.c_str());
    std::exit(1);
}

void must(const Status &status) {
    if (!status)
        give_up(status.error().text);
}

/* Returns XDP_PASS, and that is all. */
sys::UniqueFd idle_program() {
    const bpf_insn instructions[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K,
         .dst_reg = 0,
         .src_reg = 0,
         .off = 0,
         .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    sys::UniqueFd program(
        bpf_prog_load(BPF_PROG_TYPE_XDP, "idle", "GPL", instructions, 2, nullptr));
    if (!program)
        give_up(system_error(errno, "load the program that does nothing").text);
    return program;
}

/* Sends the frame out of interface 1, and that is all. */
sys::UniqueFd redirecting_program() {
    const bpf_insn instructions[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .src_reg = 0, .off = 0, .imm = 1},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .src_reg = 0, .off = 0, .imm = 0},
        {.code = BPF_JMP | BPF_CALL,
         .dst_reg = 0,
         .src_reg = 0,
         .off = 0,
         .imm = BPF_FUNC_redirect},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    sys::UniqueFd program(
        bpf_prog_load(BPF_PROG_TYPE_XDP, "redirecting", "GPL", instructions, 4, nullptr));
    if (!program)
        give_up(system_error(errno, "load the program that redirects").text);
    return program;
}

/* A 6to4 tunnel for packets of a test run, which come in by interface 1. */
void fill_tunnel(const datapath::Maps &maps) {
    const fgw_stf stf = stf_of_6to4();
    fgw_stf_key in{.ifindex = 1, .address = {}};
    std::copy_n(stf.address, 4, in.address);
    must(maps.stf.put(in, stf));
    must(maps.stf.put({.ifindex = 1, .address = {}}, stf));
}

void put(const datapath::Maps &maps, const Prefix6 &prefix, fgw_prefix_kind kind) {
    fgw_prefix_key key{.prefix_len = prefix.length, .addr = {}};
    std::copy_n(prefix.address.bytes.begin(), 16, key.addr);
    fgw_prefix_val value{};
    value.kind = static_cast<std::uint8_t>(kind);
    value.layout = FGW_LAYOUT_FAITH;
    value.prefix_len = prefix.length;
    must(maps.prefixes.put(key, value));
}

/* One prefix and as many exemptions as a router with a few interfaces has. */
void fill(const datapath::Maps &maps) {
    put(maps, {address6("2001:db8:f::"), 96}, FGW_PREFIX_CAPTURE);
    for (int i = 0; i < 16; ++i)
        put(maps, {address6("2001:db8:" + std::to_string(i) + "::1"), 128}, FGW_PREFIX_EXEMPT);
    fgw_config config{};
    config.keepfaith = 1;
    config.listeners = 2;
    config.all_ports = 1;
    must(maps.config.put(0, config));
}

sys::UniqueFd listener(const datapath::Maps &maps, std::uint32_t slot) {
    sys::UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_addr = in6addr_loopback;
    if (::bind(fd.get(), reinterpret_cast<sockaddr *>(&name), sizeof name) != 0 ||
        ::listen(fd.get(), 1) != 0)
        give_up(system_error(errno, "listen on [::1]").text);
    must(maps.socks.put(slot, static_cast<std::uint64_t>(fd.get())));
    return fd;
}

bpf_sk_lookup lookup_of(const Ip6 &destination) {
    bpf_sk_lookup context{};
    context.family = AF_INET6;
    context.protocol = IPPROTO_TCP;
    std::memcpy(context.remote_ip6, address6("2001:db8:1::2").bytes.data(), 16);
    std::memcpy(context.local_ip6, destination.bytes.data(), 16);
    context.remote_port = htons(40000);
    context.local_port = 80;
    return context;
}

struct Row {
    const char *program;
    const char *what;
    std::function<std::uint32_t()> measure;
    std::vector<std::uint32_t> nanoseconds = {};

    std::uint32_t median() {
        std::ranges::sort(nanoseconds);
        return nanoseconds[nanoseconds.size() / 2];
    }
};

template <class Run>
std::uint32_t nanoseconds(const Result<Run> &run) {
    if (!run)
        give_up(run.error().text);
    return run->nanoseconds;
}

Row packet_row(const char *name, int program, const char *what, const Packet &packet) {
    return {name, what, [program, frame = packet.bytes()] {
                return nanoseconds(run_on_packet(program, frame, runs));
            }};
}

/* A packet that a tunnel took in or out is another packet: each run needs a fresh one, so the
 * time of entering the program is in these figures. Compare them with each other. */
Row once_row(const char *name, int program, const char *what, const Packet &packet) {
    return {name, what, [program, frame = packet.bytes()] {
                std::vector<std::uint32_t> each;
                for (int i = 0; i < single_runs; ++i)
                    each.push_back(nanoseconds(run_on_packet(program, frame)));
                std::ranges::sort(each);
                return each[each.size() / 2];
            }};
}

void add_tunnel_rows(std::vector<Row> &all, const datapath::Object &object, int idle,
                     int redirecting) {
    const StfAddresses in = stf_good(StfWay::In), out = stf_good(StfWay::Out);
    const Packet coming = Packet()
                              .eth()
                              .ip4({.source = in.source4, .destination = in.destination4})
                              .ip6({.source = in.source6, .destination = in.destination6})
                              .tcp()
                              .payload(100);
    const Packet going = Packet()
                             .eth()
                             .ip6({.source = out.source6, .destination = out.destination6})
                             .tcp()
                             .payload(100);
    all.push_back(once_row("xdp", idle, "does nothing, single runs", coming));
    all.push_back(once_row("xdp", redirecting, "redirects, single runs", coming));
    all.push_back(once_row("xdp_ingress", object.xdp_program(), "out of a tunnel, single", coming));
    all.push_back(once_row("tc_encap", object.encap_program(), "into a tunnel, single", going));
}

Row lookup_row(int program, const char *what, const bpf_sk_lookup &context) {
    return {"sk_lookup", what,
            [program, context] { return nanoseconds(run_on_lookup(program, context, runs)); }};
}

std::vector<Row> rows(const datapath::Object &object, int idle) {
    const Ip6 in_prefix = address6("2001:db8:f::c000:201");
    const Ip6 elsewhere = address6("2001:db8:e::1");
    const auto to = [](const Ip6 &destination) {
        return Packet().eth().ip6({.destination = destination});
    };
    const struct {
        const char *what;
        Packet packet;
    } packets[] = {
        {"IPv4", Packet().eth().ip4().payload(40)},
        {"IPv6 outside every prefix", to(elsewhere).tcp()},
        {"the same, tagged", Packet().eth().vlan({}).ip6({.destination = elsewhere}).tcp()},
        {"exempt address", to(address6("2001:db8:1::1")).tcp()},
        {"TCP to a prefix", to(in_prefix).tcp().payload(100)},
        {"TCP behind two options", to(in_prefix).hop_by_hop().destination_options().tcp()},
        {"packet too big", to(in_prefix).icmp6({.type = 2, .body = 1280}).payload(40)},
        {"UDP, dropped", to(in_prefix).udp().payload(100)},
    };
    std::vector<Row> all = {packet_row("xdp", idle, "does nothing", to(elsewhere).tcp())};
    for (const auto &[what, packet] : packets)
        all.push_back(packet_row("xdp_ingress", object.xdp_program(), what, packet));
    for (const auto &[what, packet] : packets)
        all.push_back(packet_row("tc_ingress", object.tc_program(), what, packet));
    all.push_back(lookup_row(object.sk_lookup_program(), "outside", lookup_of(elsewhere)));
    all.push_back(lookup_row(object.sk_lookup_program(), "steered", lookup_of(in_prefix)));
    return all;
}

} // namespace

int main() {
    const Result<datapath::Object> object = datapath::Object::load();
    if (!object)
        give_up(object.error().text);
    fill(object->maps());
    fill_tunnel(object->maps());
    const sys::UniqueFd first = listener(object->maps(), 0);
    const sys::UniqueFd second = listener(object->maps(), 1);
    const sys::UniqueFd idle = idle_program();

    const sys::UniqueFd redirecting = redirecting_program();

    std::vector<Row> all = rows(*object, idle.get());
    add_tunnel_rows(all, *object, idle.get(), redirecting.get());
    for (int round = 0; round < rounds; ++round)
        for (Row &row : all)
            row.nanoseconds.push_back(row.measure());

    const std::uint32_t floor = std::max(all.front().median(), 1u);
    std::printf("%-12s %-28s %6s %7s %9s\n", "program", "packet", "ns", "ratio", "ns above");
    for (Row &row : all)
        std::printf("%-12s %-28s %6u %7.2f %9d\n", row.program, row.what, row.median(),
                    static_cast<double>(row.median()) / floor,
                    static_cast<int>(row.median()) - static_cast<int>(floor));
    return 0;
}
