/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The programs loaded for one test, their maps its own: filled by words, counted by name. */
#pragma once

#include "acl/parse.h"
#include "daemon/kernel_rules.h"
#include "datapath/acl_publisher.h"
#include "datapath/object.h"
#include "tests/support/guard_oracle.h"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace faith::test {

class Loaded {
public:
    /* Everything is captured that a test names, and every connection permitted, by slot 0. */
    Loaded() : object_(load()) {
        configure(config(0));
        permit_everything();
    }
    static fgw_config config(std::uint32_t listeners) {
        return {.keepfaith = 1,
                .listeners = listeners,
                .all_ports = 1,
                .deny = FGW_DENY_RESET,
                .source_rate = 0,
                .pad = 0};
    }

    const datapath::Object &object() const { return object_; }
    datapath::Maps maps() const { return object_.maps(); }

    void configure(const fgw_config &config) { must(maps().config.put(0, config)); }
    void keepfaith(bool on) {
        fgw_config changed = config(0);
        changed.keepfaith = on;
        configure(changed);
    }
    /* The rules, as faithd.conf has them; the next generation. Slots are line numbers - 1. */
    void rules(std::string_view text) {
        const Result<std::vector<acl::Rule>> parsed = acl::parse(text, "test.conf");
        REQUIRE(parsed);
        const Result<daemon::RuleSetRef> next = daemon::make_rule_set(*parsed, {});
        REQUIRE(next);
        datapath::AclPublisher publisher(maps());
        const std::uint32_t generation = must(publisher.generation()) + 1;
        const daemon::KernelRules kernel =
            daemon::kernel_rules(**next, in_force_.get(), generation);
        must(publisher.prepare(kernel.update));
        must(publisher.commit(kernel.update));
        in_force_ = *next;
    }
    void permit_everything() { rules("::/0 permit 0.0.0.0/0"); }
    void capture(std::string_view prefix) { put(prefix, FGW_PREFIX_CAPTURE); }
    void exempt(std::string_view prefix) { put(prefix, FGW_PREFIX_EXEMPT); }
    void fill(const GuardRules &rules) {
        for (const Prefix6 &prefix : rules.capture)
            put(prefix, FGW_PREFIX_CAPTURE);
        for (const Prefix6 &prefix : rules.exempt)
            put(prefix, FGW_PREFIX_EXEMPT);
        keepfaith(rules.keepfaith);
    }

    using Counts = std::vector<std::uint64_t>;
    Counts counts() const {
        Result<Counts> sums = maps().reasons.sums(FGW_REASON_MAX);
        if (!sums)
            FAIL(sums.error().text);
        return *std::move(sums);
    }

private:
    static datapath::Object load() {
        Result<datapath::Object> loaded = datapath::Object::load();
        if (!loaded)
            FAIL(loaded.error().text);
        return *std::move(loaded);
    }
    static void must(const Status &status) {
        if (!status)
            FAIL(status.error().text);
    }
    template <class T>
    static T must(Result<T> result) {
        if (!result)
            FAIL(result.error().text);
        return *std::move(result);
    }
    void put(std::string_view text, fgw_prefix_kind kind) {
        const Result<Prefix6> prefix = parse_prefix6(text);
        REQUIRE(prefix);
        put(*prefix, kind);
    }
    void put(const Prefix6 &prefix, fgw_prefix_kind kind) {
        fgw_prefix_key key{.prefix_len = prefix.length, .addr = {}};
        std::copy_n(prefix.address.bytes.begin(), 16, key.addr);
        must(maps().prefixes.put(key, {.kind = static_cast<std::uint8_t>(kind),
                                       .layout = FGW_LAYOUT_FAITH,
                                       .prefix_len = prefix.length,
                                       .global_only = 0}));
    }

    datapath::Object object_;
    daemon::RuleSetRef in_force_;
};

/* What moved between two readings: "DROP_UDP +1", several joined by ", ", "" for none. */
inline std::string moved(const Loaded::Counts &before, const Loaded::Counts &after) {
    std::string text;
    for (std::size_t reason = 0; reason < after.size(); ++reason)
        if (after[reason] != before[reason])
            text += (text.empty() ? "" : ", ") + reason_name(reason) + " +" +
                    std::to_string(after[reason] - before[reason]);
    return text;
}

} // namespace faith::test
