/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Denied SYNs a second on one core, sender included: dropped or reset by the XDP program on
 * a veth, against a program that drops everything unseen, and against no program at all,
 * where the stack resets them.
 *
 *     sudo make bench-flood
 *
 * The sender puts live frames into the veth (BPF_F_TEST_XDP_LIVE_FRAMES). Rounds take every
 * row in turn; figures are medians.
 */
#include "acl/parse.h"
#include "daemon/kernel_rules.h"
#include "datapath/object.h"
#include "flood.skel.h"
#include "sys/fd.h"
#include "tests/bench/provider.h"
#include "tests/support/packet.h"

#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

using namespace faith;

namespace {

constexpr std::uint32_t frames = 300'000;
constexpr int rounds = 5;

[[noreturn]] void give_up(const std::string &why) {
    std::fprintf(stderr, "flood_bench: %s\n", why.c_str());
    std::exit(1);
}
template <class T>
T must(Result<T> result) {
    if (!result)
        give_up(result.error().text);
    return *std::move(result);
}
void must(const Status &status) {
    if (!status)
        give_up(status.error().text);
}
void shell(const std::string &command) {
    if (std::system(command.c_str()) != 0)
        give_up(command);
}

/* A namespace and a core of our own, a veth from sender to gateway, addresses and routes as
 * a loaded gateway has them. */
void make_network() {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0 || ::unshare(CLONE_NEWNET) != 0)
        give_up("needs root");
    shell("ip link set lo up && ip link add sender address 02:00:00:00:00:01 type veth peer name "
          "gateway address 02:00:00:00:00:09 && sysctl -qw net.ipv6.conf.gateway.accept_dad=0 && "
          "ip link set sender up && ip link set gateway up && "
          "ip addr add 2001:db8:1::1/64 dev gateway nodad && "
          "ip -6 neigh add 2001:db8:1::2 lladdr 02:00:00:00:00:01 dev gateway && "
          "ip -6 route add local 2001:db8:f::/96 dev lo");
}

class Attached {
public:
    Attached(int program, const char *interface_name)
        : index_(static_cast<int>(::if_nametoindex(interface_name))) {
        if (bpf_xdp_attach(index_, program, XDP_FLAGS_DRV_MODE, nullptr) != 0)
            give_up("cannot attach");
    }
    ~Attached() { bpf_xdp_detach(index_, XDP_FLAGS_DRV_MODE, nullptr); }
    Attached(const Attached &) = delete;
    Attached &operator=(const Attached &) = delete;

private:
    int index_;
};

/* One that nobody is permitted to send. */
test::Bytes syn() {
    return test::Packet()
        .eth({.destination = {2, 0, 0, 0, 0, 9}})
        .ip6({.destination = test::address6("2001:db8:f::192.0.2.1")})
        .tcp({.source_port = 0, .sequence = 0x1ffff})
        .bytes();
}

double send(int sender) {
    const test::Bytes frame = syn();
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.repeat = static_cast<int>(frames);
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    const auto start = std::chrono::steady_clock::now();
    if (const int failed = bpf_prog_test_run_opts(sender, &options); failed != 0)
        give_up(system_error(-failed, "send").text);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return frames / took.count();
}

/* The gateway's programs with so many rules that all deny. */
datapath::Object gateway(std::uint32_t rules, fgw_deny deny) {
    datapath::Object object = must(datapath::Object::load());
    const datapath::Maps maps = object.maps();
    fgw_prefix_key key{.prefix_len = 96, .addr = {}};
    const Ip6 prefix = test::address6("2001:db8:f::");
    std::copy_n(prefix.bytes.begin(), 16, key.addr);
    must(maps.prefixes.put(key, {.kind = FGW_PREFIX_CAPTURE,
                                 .layout = FGW_LAYOUT_FAITH,
                                 .prefix_len = 96,
                                 .global_only = 0}));
    must(maps.config.put(0, {.keepfaith = 1,
                             .listeners = 0,
                             .all_ports = 1,
                             .deny = static_cast<__u32>(deny),
                             .source_rate = 0,
                             .fast_path = 0}));
    must(maps.interfaces.put(::if_nametoindex("gateway"),
                             {.replies = 1, .forwards = 0, .mac = {}, .pad = {}}));
    test::Random random(rules);
    const daemon::RuleSetRef set =
        must(daemon::make_rule_set(bench::provider_rules(random, rules), {}));
    const daemon::KernelRules kernel = daemon::kernel_rules(*set, nullptr, 1);
    datapath::AclPublisher publisher(maps);
    must(publisher.prepare(kernel.update));
    must(publisher.commit(kernel.update));
    return object;
}

std::uint64_t denied(const datapath::Object &object) {
    const auto sums = must(object.maps().reasons.sums(FGW_REASON_MAX));
    return sums[FGW_ACL_NO_MATCH] + sums[FGW_ACL_DENY];
}

} // namespace

int main() {
    make_network();
    flood *programs = flood__open_and_load();
    if (programs == nullptr)
        give_up("cannot load the sender");
    programs->bss->flood_interface = ::if_nametoindex("sender");
    const test::Bytes frame = syn();
    if (frame.size() != sizeof programs->bss->flood_frame)
        give_up("the frame has another length than the sender thinks");
    std::copy(frame.begin(), frame.end(), programs->bss->flood_frame);
    const int sender = bpf_program__fd(programs->progs.flood_sender);
    const int drop = bpf_program__fd(programs->progs.flood_drop);
    const Attached at_sender(drop, "sender"); /* so that answers have where to go */
    const datapath::Object silent = gateway(10, FGW_DENY_SILENT);
    const datapath::Object silent_many = gateway(100'000, FGW_DENY_SILENT);
    const datapath::Object reset = gateway(10, FGW_DENY_RESET);
    const datapath::Object reset_many = gateway(100'000, FGW_DENY_RESET);
    const auto with = [&](int program) {
        return [&, program] {
            const Attached attached(program, "gateway");
            return send(sender);
        };
    };
    const std::vector<std::pair<const char *, std::function<double()>>> rows = {
        {"a program that drops all", with(drop)},
        {"silent, 10 rules", with(silent.xdp_program())},
        {"silent, 100,000 rules", with(silent_many.xdp_program())},
        {"reset, 10 rules", with(reset.xdp_program())},
        {"reset, 100,000 rules", with(reset_many.xdp_program())},
        {"no program: the stack resets", [&] {
             shell("ethtool -K gateway gro on");
             return send(sender);
         }}};
    std::vector<std::vector<double>> rates(rows.size());
    for (int round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < rows.size(); ++i)
            rates[i].push_back(rows[i].second());
    std::printf("%-30s %12s %10s %22s\n", "", "SYNs/s", "of stack", "spread");
    const double stack = bench::median(rates.back());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::sort(rates[i].begin(), rates[i].end());
        std::printf("%-30s %12.0f %9.1fx %10.0f to %9.0f\n", rows[i].first, bench::median(rates[i]),
                    bench::median(rates[i]) / stack, rates[i].front(), rates[i].back());
    }
    for (const datapath::Object *each : {&silent, &silent_many, &reset, &reset_many})
        std::printf("denied by a program: %llu of %u\n",
                    static_cast<unsigned long long>(denied(*each)), rounds * frames);
    flood__destroy(programs);
    return 0;
}
