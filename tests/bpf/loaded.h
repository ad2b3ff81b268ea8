/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The programs loaded for one test, their maps its own: filled by words, counted by name. */
#pragma once

#include "acl/parse.h"
#include "daemon/kernel_rules.h"
#include "datapath/acl_publisher.h"
#include "datapath/object.h"
#include "datapath/targets.h"
#include "faith/names.h"
#include "tests/support/guard_oracle.h"
#include "tests/support/packet.h"
#include "tests/support/stf_oracle.h"
#include "tests/support/tick.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace faith::test {

/* As bpf_ktime_get_ns() has it. */
inline std::uint64_t now() {
    const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(since_boot).count());
}

/* The bucket of a kind for the network of that length around an address. */
inline fgw_rate_key rate_key(std::string_view source, std::uint32_t of, std::uint32_t length = 64) {
    fgw_rate_key made{.source = {}, .of = of, .prefix_len = length};
    const Prefix6 network{.address = address6(source), .length = static_cast<std::uint8_t>(length)};
    std::copy_n(network.masked().address.bytes.begin(), sizeof made.source, made.source);
    return made;
}

class Loaded {
public:
    /* By name; none named: all of them. In emulation their verifier takes seconds, so name them. */
    using Programs = std::initializer_list<std::string_view>;
    /* Everything is captured that a test names, and every connection permitted, by slot 0. */
    explicit Loaded(Programs only = {}) : Loaded(Bare(), only) {
        configure(config(0));
        permit_everything();
    }
    /* As the kernel makes the maps: empty. */
    struct Bare {};
    explicit Loaded(Bare, Programs only = {}) : object_(load(only)) {}
    static fgw_config config(std::uint32_t listeners) {
        return {.keepfaith = 1,
                .listeners = listeners,
                .all_ports = 1,
                .deny = FGW_DENY_RESET,
                .source_rate = 0,
                .fast_path = 0};
    }

    const datapath::Object &object() const { return object_; }
    datapath::Maps maps() const { return object_.maps(); }

    void configure(const fgw_config &config) { must(maps().config.put(0, config)); }
    /* Changes the configuration that is there. */
    void reconfigure(const std::function<void(fgw_config &)> &change) {
        std::optional<fgw_config> present = must(maps().config.find(0));
        REQUIRE(present);
        change(*present);
        configure(*present);
    }
    void keepfaith(bool on) {
        reconfigure([on](fgw_config &config) { config.keepfaith = on; });
    }
    void deny(fgw_deny how) {
        reconfigure([how](fgw_config &config) { config.deny = how; });
    }
    void source_rate(std::uint32_t per_second) {
        reconfigure([per_second](fgw_config &config) { config.source_rate = per_second; });
    }
    /* Test runs of XDP are on lo. */
    void replies(bool arrive) {
        must(maps().interfaces.put(
            1, {.replies = arrive ? 1U : 0U, .forwards = 0, .mac = {}, .pad = {}}));
    }
    void targets(const datapath::TargetLists &lists) {
        must(datapath::write_targets(maps(), lists));
    }
    void full(std::string_view source) {
        fgw_source_key key{};
        std::copy_n(address6(source).bytes.begin(), sizeof key.source, key.source);
        must(maps().full.put(key, {.sessions = 1}));
    }
    /* The rules, as faithd.conf has them; the next generation. Slots are line numbers - 1,
     * as far as no rule stays from before. */
    void rules(std::string_view text) {
        const Result<std::vector<acl::Rule>> parsed = acl::parse(text, "test.conf");
        REQUIRE(parsed);
        publish(compile(*parsed));
    }
    Result<daemon::RuleSetRef> try_compile(const std::vector<acl::Rule> &rules) const {
        return daemon::make_rule_set(rules, {}, in_force_.get());
    }
    daemon::RuleSetRef compile(const std::vector<acl::Rule> &rules) const {
        return must(try_compile(rules));
    }
    std::uint32_t generation() const { return must(datapath::AclPublisher(maps()).generation()); }
    /* In two steps, for who wants to look in between. */
    daemon::KernelRules next(const daemon::RuleSetRef &rules) const {
        return daemon::kernel_rules(*rules, in_force_.get(), generation() + 1);
    }
    void publish(const daemon::RuleSetRef &rules) {
        datapath::AclPublisher publisher(maps());
        const daemon::KernelRules kernel = next(rules);
        must(publisher.prepare(kernel.update));
        must(publisher.commit(kernel.update));
        in_force_ = rules;
    }
    void permit_everything() { rules("::/0 permit 0.0.0.0/0"); }
    void capture(std::string_view prefix, fgw_layout layout = FGW_LAYOUT_FAITH,
                 bool global_only = false) {
        put(parsed_prefix(prefix), FGW_PREFIX_CAPTURE, layout, global_only);
    }
    void exempt(std::string_view prefix) { put(parsed_prefix(prefix), FGW_PREFIX_EXEMPT); }
    void fill(const GuardRules &rules) {
        for (const Prefix6 &prefix : rules.capture)
            put(prefix, FGW_PREFIX_CAPTURE);
        for (const Prefix6 &prefix : rules.exempt)
            put(prefix, FGW_PREFIX_EXEMPT);
        keepfaith(rules.keepfaith);
    }

    std::uint64_t hits(std::uint32_t slot) const {
        return must(maps().hits.sums_of(std::vector{slot})).front();
    }
    datapath::MapRef<fgw_rate_key, fgw_rate> rates() const {
        for (const datapath::Object::Named &map : object_.all_maps())
            if (std::string_view(map.name) == FGW_MAP_RATES)
                return datapath::MapRef<fgw_rate_key, fgw_rate>(map.fd);
        FAIL("no map of rates");
        return {};
    }
    /* Empties a bucket for an hour, so that the test may take its time. */
    void drain(const fgw_rate_key &bucket) const {
        must(rates().put(bucket, {.full_at_ns = now() + 3'600'000'000'000}));
    }
    /* The tunnel of a world for packets of a test run, which come in by lo: interface 1. */
    void tunnel(const StfWorld &world) {
        fgw_stf_key in{.ifindex = 1, .address = {}};
        std::copy_n(world.stf.address, 4, in.address);
        must(maps().stf.put(in, world.stf));
        must(maps().stf.put({.ifindex = 1, .address = {}}, world.stf));
        for (const Ip4 address : world.own)
            local(address, world.sites.contains(address) ? FGW_IP4_OWN | FGW_IP4_SITE
                                                         : std::uint32_t{FGW_IP4_OWN});
        for (const Ip4 address : world.broadcast)
            local(address, FGW_IP4_BROADCAST);
        next_tick();
    }

    using Counts = std::vector<std::uint64_t>;
    Counts counts() const {
        Result<Counts> sums = maps().reasons.sums(FGW_REASON_MAX);
        if (!sums)
            FAIL(sums.error().text);
        return *std::move(sums);
    }

private:
    static datapath::Object load(Programs only) {
        Result<datapath::Object> loaded = datapath::Object::load(only);
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
    static Prefix6 parsed_prefix(std::string_view text) { return must(parse_prefix6(text)); }
    void local(Ip4 address, std::uint32_t kinds) {
        fgw_ip4_key key{};
        const auto bytes = address.bytes();
        std::copy(bytes.begin(), bytes.end(), key.address);
        must(maps().ip4.put(key, {.kinds = kinds}));
    }
    void put(const Prefix6 &prefix, fgw_prefix_kind kind, fgw_layout layout = FGW_LAYOUT_FAITH,
             bool global_only = false) {
        fgw_prefix_key key{.prefix_len = prefix.length, .addr = {}};
        std::copy_n(prefix.address.bytes.begin(), 16, key.addr);
        must(maps().prefixes.put(key, {.kind = static_cast<std::uint8_t>(kind),
                                       .layout = static_cast<std::uint8_t>(layout),
                                       .prefix_len = prefix.length,
                                       .global_only = global_only}));
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
