/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What access control costs in the kernel: the XDP program's run for the first packet of a
 * connection, by the number of rules; a reload, step by step; memory.
 *
 *     sudo make bench-acl-kernel
 *
 * Packets are all different: each is run once, when its way through the tables is as cold as
 * a new client finds it, and some of them many times in a row. Rounds take every size in turn;
 * figures are medians, and a ratio is the median of the rounds' own.
 */
#include "acl/diff.h"
#include "acl/parse.h"
#include "daemon/kernel_rules.h"
#include "daemon/reload.h"
#include "daemon/state.h"
#include "datapath/acl_publisher.h"
#include "datapath/object.h"
#include "tests/bench/provider.h"
#include "tests/support/packet.h"
#include "tests/support/prog_run.h"
#include "tests/support/random_rules.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

using namespace faith;
using bench::median;

namespace {

constexpr std::array<std::uint32_t, 4> sizes = {10, 1'000, 10'000, 100'000};
constexpr int rounds = 5;
constexpr std::size_t packets_of_a_round = 3'000;
/* The kernel readies itself for repeated runs at the cost of two grace periods. */
constexpr std::size_t warm_packets = 20;
constexpr int warm_runs = 2'000;
constexpr const char *saved = "/tmp/fgw-bench-rules";

template <class T>
T must(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "acl_kernel_bench: %s\n", result.error().text.c_str());
        std::exit(1);
    }
    return *std::move(result);
}
void must(const Status &status) {
    if (!status) {
        std::fprintf(stderr, "acl_kernel_bench: %s\n", status.error().text.c_str());
        std::exit(1);
    }
}

using Clock = std::chrono::steady_clock;
double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/* As the kernel accounts for it. */
std::uint64_t memory_of(int map) {
    std::ifstream lines("/proc/self/fdinfo/" + std::to_string(map));
    std::string word;
    while (lines >> word)
        if (word == "memlock:" && lines >> word)
            return std::stoull(word);
    return 0;
}

test::Bytes syn(const acl::Packet &packet) {
    Ip6 destination = test::address6("64:ff9b:1::");
    const auto target = packet.target.bytes();
    std::copy(target.begin(), target.end(), destination.bytes.begin() + 12);
    return test::Packet()
        .eth()
        .ip6({.source = packet.source, .destination = destination})
        .tcp({.destination_port = packet.port})
        .bytes();
}

/* A gateway with a list of so many rules. */
struct Subject {
    explicit Subject(std::uint32_t size)
        : random(size), object(must(datapath::Object::load())),
          rules(bench::provider_rules(random, size)), text(test::to_text(rules)) {
        const datapath::Maps maps = object.maps();
        fgw_prefix_key key{.prefix_len = 96, .addr = {}};
        const Ip6 prefix = test::address6("64:ff9b:1::");
        std::copy_n(prefix.bytes.begin(), 16, key.addr);
        must(maps.prefixes.put(key, {.kind = FGW_PREFIX_CAPTURE,
                                     .layout = FGW_LAYOUT_FAITH,
                                     .prefix_len = 96,
                                     .global_only = 0}));
        must(maps.config.put(0, {.keepfaith = 1,
                                 .listeners = 0,
                                 .all_ports = 1,
                                 .deny = FGW_DENY_SILENT,
                                 .source_rate = 0,
                                 .fast_path = 0}));
        for (const acl::Packet &packet : bench::packets_for(random, rules))
            if (packets.size() < packets_of_a_round)
                packets.push_back(syn(packet));
    }
    test::Random random;
    datapath::Object object;
    std::vector<acl::Rule> rules;
    std::string text;
    std::vector<test::Bytes> packets;
    daemon::RuleSetRef in_force;
    std::uint32_t generation = 0;
    std::size_t blocks = 0;
};

/* A reload in the order of daemon/gateway_live.cc, in milliseconds. */
struct Reload {
    double parse, compile, diff, lay_out, prepare, save, commit;
    double sum() const { return parse + compile + diff + lay_out + prepare + save + commit; }
};

Reload reload(Subject &subject) {
    Reload times{};
    /* One rule goes and one comes. */
    subject.text.erase(0, subject.text.find('\n') + 1);
    subject.text +=
        "2001:db8:" + std::to_string(subject.generation + 1) + "::/48 deny 10.0.0.0/8\n";
    const auto timed = [](double &time, auto step) {
        const Clock::time_point start = Clock::now();
        auto made = step();
        time = milliseconds_since(start);
        return made;
    };
    const daemon::RuleSet *before = subject.in_force.get();
    std::vector<acl::Rule> parsed =
        timed(times.parse, [&] { return must(acl::parse(subject.text, "bench.conf")); });
    const daemon::RuleSetRef rules = timed(
        times.compile, [&] { return must(daemon::make_rule_set(std::move(parsed), {}, before)); });
    timed(times.diff, [&] {
        return daemon::describe_reload(before ? before->rules : std::vector<acl::Rule>(),
                                       rules->rules, 0, 1);
    });
    const daemon::KernelRules kernel = timed(times.lay_out, [&] {
        return daemon::kernel_rules(*rules, before, subject.generation + 1);
    });
    datapath::AclPublisher publisher(subject.object.maps());
    timed(times.prepare, [&] {
        must(publisher.prepare(kernel.update));
        return 0;
    });
    timed(times.save, [&] {
        must(sys::replace_file(saved, daemon::print_rules(*rules)));
        return 0;
    });
    timed(times.commit, [&] {
        must(publisher.commit(kernel.update));
        return 0;
    });
    subject.in_force = rules;
    subject.blocks = kernel.tables.blocks.size();
    subject.generation++;
    return times;
}

/* Nanoseconds of one run, by the kernel's own clock. */
struct Cost {
    double cold, warm;
};

Cost cost_of(const Subject &subject) {
    std::vector<double> cold;
    double warm = 0;
    for (const test::Bytes &packet : subject.packets)
        cold.push_back(must(test::run_on_packet(subject.object.xdp_program(), packet)).nanoseconds);
    for (std::size_t i = 0; i < warm_packets; i++)
        warm +=
            must(test::run_on_packet(subject.object.xdp_program(), subject.packets[i], warm_runs))
                .nanoseconds;
    return {.cold = median(std::move(cold)), .warm = warm / warm_packets};
}

using Round = std::array<Cost, sizes.size()>;

double median_of(const auto &all, auto value) {
    std::vector<double> values;
    for (const auto &each : all)
        values.push_back(value(each));
    return median(std::move(values));
}

void print_costs(const std::vector<Round> &all) {
    std::printf("%8s %14s %16s %14s %16s\n", "rules", "first run ns", "of the smallest",
                "repeated ns", "of the smallest");
    for (std::size_t i = 0; i < sizes.size(); i++)
        std::printf("%8u %14.0f %15.2fx %14.0f %15.2fx\n", sizes[i],
                    median_of(all, [&](const Round &round) { return round[i].cold; }),
                    median_of(all, [&](const Round &r) { return r[i].cold / r[0].cold; }),
                    median_of(all, [&](const Round &round) { return round[i].warm; }),
                    median_of(all, [&](const Round &r) { return r[i].warm / r[0].warm; }));
}

void print_reload(std::uint32_t size, const std::vector<Reload> &all) {
    const auto row = [&](double Reload::*step) {
        return median_of(all, [&](const Reload &each) { return each.*step; });
    };
    std::vector<double> sums;
    for (const Reload &each : all)
        sums.push_back(each.sum());
    std::sort(sums.begin(), sums.end());
    std::printf("%8u %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %9.1f (%.1f to %.1f)\n", size,
                row(&Reload::parse), row(&Reload::compile), row(&Reload::diff),
                row(&Reload::lay_out), row(&Reload::prepare), row(&Reload::save),
                row(&Reload::commit), sums[sums.size() / 2], sums.front(), sums.back());
}

void print_memory(const Subject &subject, std::uint64_t empty) {
    const auto rules = static_cast<double>(subject.rules.size());
    const double table = static_cast<double>(subject.blocks * sizeof(fgw_acl_block));
    const double list = static_cast<double>(memory_of(subject.object.maps().acl.fd()) - empty);
    std::printf("%8zu %16.0f %16.0f\n", subject.rules.size(), table / rules, list / rules);
}

} // namespace

int main() {
    std::vector<std::unique_ptr<Subject>> subjects;
    for (const std::uint32_t size : sizes)
        subjects.push_back(std::make_unique<Subject>(size));
    const std::uint64_t empty = memory_of(subjects[0]->object.maps().acl.fd());
    std::vector<Round> costs(rounds);
    std::array<std::vector<Reload>, sizes.size()> reloads;
    for (std::size_t i = 0; i < sizes.size(); i++)
        reload(*subjects[i]); /* the first: everything is new */
    for (Round &round : costs)
        for (std::size_t i = 0; i < sizes.size(); i++) {
            round[i] = cost_of(*subjects[i]);
            reloads[i].push_back(reload(*subjects[i]));
        }
    std::printf("a SYN at XDP\n");
    print_costs(costs);
    std::printf(
        "\na reload of one changed rule, milliseconds\n%8s %8s %8s %8s %8s %8s %8s %8s %9s\n",
        "rules", "parse", "compile", "diff", "lay_out", "prepare", "save", "commit", "sum");
    for (std::size_t i = 0; i < sizes.size(); i++)
        print_reload(sizes[i], reloads[i]);
    std::printf("\nkernel memory, bytes a rule\n%8s %16s %16s\n", "rules", "table", "fgw_acl");
    for (const auto &subject : subjects)
        print_memory(*subject, empty);
    std::remove(saved);
    return 0;
}
