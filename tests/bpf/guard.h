/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every guard must do, whatever its hook: the verdict, the one counter that moves,
 * and the packet itself, of which no byte may change.
 */
#pragma once

#include "loaded.h"

#include "tests/support/effort.h"
#include "tests/support/guard_cases.h"
#include "tests/support/prog_run.h"
#include "tests/support/random_packets.h"

#include <catch2/catch.hpp>

#include <iostream>

namespace faith::test {

struct Hook {
    const char *name;
    int program;
    std::uint32_t pass;
    std::uint32_t drop;
    bool (*takes)(const Bytes &frame); /* a test run of it accepts this one */
    fgw_reason (*expected)(const GuardRules &rules, const Bytes &frame);

    std::uint32_t verdict(fgw_reason reason) const { return reason < FGW_FIRST_DROP ? pass : drop; }
};

/* Everything wrong with one run, "" when nothing is. */
inline std::string complaints(const Loaded &loaded, const Hook &hook, const Bytes &frame,
                              fgw_reason expected) {
    const Loaded::Counts before = loaded.counts();
    const Result<PacketRun> run = run_on_packet(hook.program, frame);
    if (!run)
        return run.error().text;
    std::string text;
    const std::string counted = moved(before, loaded.counts());
    if (counted != reason_name(expected) + " +1")
        text += "expected " + reason_name(expected) + " +1, counted " + counted + "\n";
    if (run->verdict != hook.verdict(expected))
        text += "verdict " + std::to_string(static_cast<int>(run->verdict)) + "\n";
    return text + difference(frame, run->output);
}

/* The table, its reasons changed by `reason_of`. */
template <class ReasonOf>
void check_table(const Loaded &loaded, const Hook &hook, ReasonOf reason_of) {
    for (const GuardCase &each : guard_cases()) {
        const Bytes frame = each.packet.bytes();
        INFO(each.name);
        if (hook.takes(frame))
            CHECK(complaints(loaded, hook, frame, reason_of(each)) == "");
    }
}

inline void check_table(Loaded &loaded, const Hook &hook) {
    loaded.fill(guard_rules());
    check_table(loaded, hook, [](const GuardCase &each) { return each.reason; });
}

inline void check_keepfaith_off(Loaded &loaded, const Hook &hook) {
    GuardRules off = guard_rules();
    off.keepfaith = false;
    loaded.fill(off);
    check_table(loaded, hook, [](const GuardCase &each) {
        return each.is_to_prefix() ? FGW_DROP_KEEPFAITH_OFF : each.reason;
    });
}

inline void check_without_prefix(Loaded &loaded, const Hook &hook) {
    check_table(loaded, hook, [](const GuardCase &each) {
        const bool parsed = each.is_to_prefix() || each.reason == FGW_PASS_EXEMPT;
        return parsed ? FGW_PASS_NOT_PREFIX : each.reason;
    });
}

inline void check_that_mistakes_are_seen(Loaded &loaded, Hook hook) {
    loaded.fill(guard_rules());
    const Bytes syn = Packet().eth().ip6().tcp().bytes();
    CHECK(complaints(loaded, hook, syn, FGW_PASS_TCP) == "");
    CHECK(complaints(loaded, hook, syn, FGW_PASS_NOT_PREFIX) ==
          "expected PASS_NOT_PREFIX +1, counted PASS_TCP +1\n");
    hook.pass = 99;
    CHECK_THAT(complaints(loaded, hook, syn, FGW_PASS_TCP), Catch::StartsWith("verdict "));
}

inline void check_every_cut(Loaded &loaded, const Hook &hook) {
    loaded.fill(guard_rules());
    for (const GuardCase &each : guard_cases()) {
        const Bytes whole = each.packet.bytes();
        for (std::size_t length = 0; length < whole.size(); ++length) {
            const Bytes frame = cut(whole, length);
            INFO(each.name << ", cut at " << length);
            if (hook.takes(frame))
                CHECK(complaints(loaded, hook, frame, hook.expected(guard_rules(), frame)) == "");
        }
    }
}

inline void check_random_packets(Loaded &loaded, const Hook &hook, int enough) {
    loaded.fill(guard_rules());
    Random random;
    std::cout << hook.name << ": random packets, " << random.seed() << "\n";
    for (int judged = 0; judged < enough;) {
        const Bytes frame = random_frame(random, guard_destinations());
        if (!hook.takes(frame))
            continue;
        ++judged;
        const std::string wrong =
            complaints(loaded, hook, frame, hook.expected(guard_rules(), frame));
        if (wrong.empty())
            continue;
        INFO(random.seed() << ", packet " << judged << ": " << hex(frame));
        FAIL(wrong);
    }
    SUCCEED("all as the oracle said");
}

} // namespace faith::test
