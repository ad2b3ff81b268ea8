/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What access control costs in user space: compiling a list as a provider writes it, and
 * the verdict for one connection, by the lookup and by the walk of the list.
 *
 *     make bench-acl
 *
 * Each round measures every size once, in turn; a figure is the median of the rounds, and
 * a ratio the median of the rounds' own ratios, since absolute figures swing with
 * whatever else the machine does.
 */
#include "acl/compile.h"
#include "acl/lookup.h"
#include "tests/bench/provider.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

using namespace faith;
using namespace faith::acl;

namespace {

constexpr std::array<std::uint32_t, 4> sizes = {10, 1'000, 10'000, 100'000};
constexpr int rounds = 11;
using bench::questions;
constexpr std::size_t walked_rules = 200'000'000; /* the walk stops after so many */

struct Subject {
    std::vector<Rule> rules;
    std::vector<Packet> packets;
    Image image;
};

/* Time on a processor, not by the wall: others may be using the machine. */
double seconds_since(std::clock_t start) {
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

struct Figures {
    double compile_ms, lookup_ns, walk_ns;
};

Figures measure(const Subject &subject) {
    Figures figures{};
    auto start = std::clock();
    Result<Compiled> compiled = compile(
        subject.rules, {.previous = {.rules = subject.rules, .slots = subject.image.slots}});
    figures.compile_ms = seconds_since(start) * 1e3;
    if (!compiled || compiled->image.hash != subject.image.hash)
        std::abort();

    const Lookup lookup(compiled->image);
    std::size_t permitted = 0;
    start = std::clock();
    for (const Packet &packet : subject.packets)
        permitted += lookup.find(packet).action == Action::Permit;
    figures.lookup_ns = seconds_since(start) * 1e9 / questions;

    const std::size_t walks = std::min(questions, walked_rules / 10 / subject.rules.size());
    std::size_t walked = 0;
    start = std::clock();
    for (std::size_t i = 0; i < walks; i++)
        walked += evaluate(subject.rules, subject.packets[i]).action == Action::Permit;
    figures.walk_ns = seconds_since(start) * 1e9 / static_cast<double>(walks);
    if (permitted == 0 || walked == 0)
        std::abort(); /* neither may be optimised away, nor measure nothing but refusals */
    return figures;
}

using Round = std::array<Figures, sizes.size()>;

double median_of(const std::vector<Round> &all, auto value) {
    std::vector<double> values;
    for (const Round &round : all)
        values.push_back(value(round));
    return bench::median(std::move(values));
}

} // namespace

int main() {
    test::Random random(1);
    std::vector<Subject> subjects(sizes.size());
    for (std::size_t i = 0; i < sizes.size(); i++) {
        subjects[i].rules = bench::provider_rules(random, sizes[i]);
        subjects[i].packets = bench::packets_for(random, subjects[i].rules);
        Result<Compiled> compiled = compile(subjects[i].rules);
        if (!compiled) {
            std::fprintf(stderr, "%s\n", compiled.error().text.c_str());
            return 1;
        }
        subjects[i].image = std::move(compiled->image);
    }

    std::vector<Round> all(rounds);
    for (Round &round : all)
        for (std::size_t i = 0; i < sizes.size(); i++)
            round[i] = measure(subjects[i]);

    std::printf("%8s %9s %13s %11s %12s %16s %9s\n", "rules", "sources", "destinations",
                "compile ms", "lookup ns", "of the smallest", "walk ns");
    for (std::size_t i = 0; i < sizes.size(); i++)
        std::printf(
            "%8u %9zu %13zu %11.2f %12.1f %15.2fx %9.0f\n", sizes[i],
            subjects[i].image.source_keys.size(), subjects[i].image.destination_keys.size(),
            median_of(all, [&](const Round &round) { return round[i].compile_ms; }),
            median_of(all, [&](const Round &round) { return round[i].lookup_ns; }),
            median_of(all,
                      [&](const Round &round) { return round[i].lookup_ns / round[0].lookup_ns; }),
            median_of(all, [&](const Round &round) { return round[i].walk_ns; }));
    return 0;
}
