/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nobody gets to 127.0.0.1 or any other target that no rule opens by writing it in another
 * way: every prefix length of both layouts, prefixes inside prefixes, bits that a layout
 * ignores, clients that embed what they want. Two judges are asked, which share no line:
 * the kernel's and the relay's.
 */
#include "loaded.h"

#include "daemon/plan.h"
#include "daemon/policy.h"
#include "daemon/reload.h"
#include "prefix/target.h"
#include "tests/support/prog_run.h"
#include "tests/support/random.h"

#include <algorithm>
#include <iostream>

using namespace faith;
using namespace faith::test;
using prefix::FaithPrefix;
using prefix::Layout;

namespace {

FaithPrefix prefix_of(std::string_view text, Layout layout) {
    INFO(text);
    Result<FaithPrefix> made = prefix::make_prefix(*parse_prefix6(text), layout);
    REQUIRE(made);
    return *std::move(made);
}

/* Every length of RFC 6052, many of the other, and four that lie inside one another. */
std::vector<FaithPrefix> all_prefixes() {
    constexpr const char *rfc6052[] = {
        "3f32:1::/32",       "3f40:1:100::/40",   "3f48:1:1::/48",
        "3f56:1:1:100::/56", "3f64:1:1:1::/64",   "3f96:1:1:1:0:1::/96",
        "2001:db8:9::/64",   "2001:db8:a:1::/64", "2002:7f00::/32"};
    constexpr const char *faith[] = {
        "3d00::/8",           "3e16::/16",       "3e25:80::/25",          "3e32:1::/32",
        "3e48:1:1::/48",      "3e64:1:1:1::/64", "3e71:1:1:1::/71",       "3e72::/72",
        "3e95::/95",          "3e96::/96",       "2001:db8:9:0:0:1::/96", "2001:db8:a::/48",
        "2002:c633:6407::/48"};
    std::vector<FaithPrefix> prefixes = {prefix::well_known()};
    for (const char *text : rfc6052)
        prefixes.push_back(prefix_of(text, Layout::Rfc6052));
    for (const char *text : faith)
        prefixes.push_back(prefix_of(text, Layout::FaithLast32));
    return prefixes;
}

/* The first and the last address of each prefix that no rule opens. */
std::vector<Ip4> closed_targets() {
    std::vector<Ip4> targets = {*parse_ip4("127.0.0.1"), *parse_ip4("192.0.2.1")};
    for (const Prefix4 &prefix : daemon::never_targets({})) {
        const Ip4 first = prefix.masked().address;
        const std::uint64_t last = first.value + (std::uint64_t{1} << (32 - prefix.length)) - 1;
        targets.push_back(first);
        targets.push_back({.value = static_cast<std::uint32_t>(last)});
    }
    return targets;
}

/* Random bits wherever the layout does not look. */
Ip6 with_noise(Random &random, const FaithPrefix &prefix, const Ip6 &address) {
    const Ip4 target = prefix::extract(prefix, address).address;
    Ip6 noisy = address;
    for (std::size_t bit = prefix.prefix.length; bit < 128; ++bit) {
        Ip6 flipped = noisy;
        flipped.bytes[bit / 8] ^= static_cast<std::uint8_t>(0x80 >> bit % 8);
        const prefix::Extracted extracted = prefix::extract(prefix, flipped);
        if (random.one_in(2) && extracted.embedding == prefix::Embedding::Good &&
            extracted.address == target)
            noisy = flipped;
    }
    return noisy;
}

Ip6 site_of_6to4(Random &random, Ip4 address) {
    Ip6 site{.bytes = {0x20, 0x02}};
    std::ranges::copy(address.bytes(), site.bytes.begin() + 2);
    for (std::size_t i = 6; i < 16; ++i)
        site.bytes[i] = random.one_in(2) ? random.byte() : 0;
    return site;
}

Ip6 mapped(Ip4 address) {
    Ip6 made{};
    made.bytes[10] = made.bytes[11] = 0xff;
    std::ranges::copy(address.bytes(), made.bytes.begin() + 12);
    return made;
}

/* Both judges, with rules that permit everything. */
class Judges {
public:
    Judges() {
        daemon::Plan plan;
        plan.prefixes = prefixes;
        for (const datapath::CapturePrefix &each : daemon::capture_of(plan))
            loaded.capture(to_string(each.prefix), each.layout, each.global_only);
        const Prefix6 exempt = *parse_prefix6("3e96::192.0.2.240/124");
        loaded.exempt(to_string(exempt));
        const std::span<const Prefix4> private_space = prefix::not_global();
        loaded.targets({.never = daemon::never_targets({}),
                        .own = {*parse_ip4("192.0.2.1")},
                        .not_global = {private_space.begin(), private_space.end()}});
        daemon::PolicyInputs inputs;
        inputs.prefixes = prefixes;
        inputs.exempt = {exempt};
        inputs.never = daemon::never_targets({});
        inputs.own_addresses = {*parse_ip4("192.0.2.1")};
        inputs.rules =
            *daemon::make_rule_set(*acl::parse("::/0 permit 0.0.0.0/0", "test.conf"), {});
        relay = daemon::make_policy(std::move(inputs));
    }
    /* FGW_PASS_TCP when it is permitted. */
    fgw_reason by_kernel(const Ip6 &client, const Ip6 &destination) const {
        const Bytes syn =
            Packet().eth().ip6({.source = client, .destination = destination}).tcp().bytes();
        const Result<ProbeRun> run = run_probe(loaded.object().xdp_program(), syn);
        REQUIRE(run);
        return static_cast<fgw_reason>(run->answer.reason);
    }
    fgw_reason by_relay(const Ip6 &client, const Ip6 &destination) const {
        const relay::Decision decision =
            relay->judge({.client = client, .destination = destination, .port = 80});
        const relay::Refuse *no = std::get_if<relay::Refuse>(&decision);
        const fgw_reason reason = no == nullptr ? FGW_PASS_TCP : no->reason;
        /* The worker refuses this client before it asks; the kernel looks at the destination
         * first. */
        return client.is_v4_mapped() && reason != FGW_BAD_EMBEDDING ? FGW_CLIENT_NOT_IP6 : reason;
    }
    /* What both say; "" apart from the reasons when they differ. */
    std::string verdict(const Ip6 &client, const Ip6 &destination) const {
        const fgw_reason kernel = by_kernel(client, destination);
        const fgw_reason relays = by_relay(client, destination);
        return kernel == relays
                   ? reason_name(kernel)
                   : "kernel " + reason_name(kernel) + ", relay " + reason_name(relays);
    }
    const FaithPrefix &of(const Ip6 &address) const { return *prefix::find(prefixes, address); }

    const std::vector<FaithPrefix> prefixes = all_prefixes();
    Loaded loaded{{FGW_PROG_XDP}};
    relay::PolicyRef relay;
};

const Ip6 somebody = address6("2001:db8:1::2");

} // namespace

TEST_CASE("encodings: no closed target is reached through any prefix, whatever else is set") {
    const Judges judges;
    Random random;
    INFO(random.seed());
    int refused = 0;
    for (const FaithPrefix &prefix : judges.prefixes)
        for (const Ip4 target : closed_targets())
            for (int i = 0; i < 4; ++i) {
                const Ip6 plain = prefix::embed(prefix, target);
                const Ip6 destination = i == 0 ? plain : with_noise(random, prefix, plain);
                if (judges.of(destination) != prefix)
                    continue; /* in a longer one: another address */
                INFO(to_string(prefix.prefix)
                     << ", " << to_string(target) << " as " << to_string(destination));
                const bool own = target == *parse_ip4("192.0.2.1");
                REQUIRE(judges.verdict(somebody, destination) ==
                        (own ? "OWN_TARGET" : "NEVER_TARGET"));
                ++refused;
            }
    CHECK(refused > 1000);
}

TEST_CASE("encodings: nobody comes as a closed target, or from inside a prefix") {
    const Judges judges;
    Random random;
    INFO(random.seed());
    const Ip6 destination = prefix::embed(prefix::well_known(), *parse_ip4("198.51.100.7"));
    REQUIRE(judges.verdict(somebody, destination) == "PASS_TCP");
    for (Ip4 target : closed_targets()) {
        INFO(to_string(target));
        CHECK(judges.verdict(mapped(target), destination) == "CLIENT_NOT_IP6");
        if (target != *parse_ip4("192.0.2.1"))
            CHECK(judges.verdict(site_of_6to4(random, target), destination) == "BAD_SOURCE");
        for (const FaithPrefix &prefix : judges.prefixes)
            CHECK(judges.verdict(with_noise(random, prefix, prefix::embed(prefix, target)),
                                 destination) == "BAD_SOURCE");
    }
    CHECK(judges.verdict(address6("2002:7f00:1::"), destination) == "BAD_SOURCE");
    CHECK(judges.verdict(address6("::ffff:127.0.0.1"), destination) == "CLIENT_NOT_IP6");
    CHECK(judges.verdict(address6("3e96::192.0.2.241"), destination) == "PASS_TCP"); /* exempt */
}

TEST_CASE("encodings: kernel and relay give one reason for any client and destination") {
    const Judges judges;
    Random random;
    std::cout << "encodings: " << random.seed() << "\n";
    const std::vector<Ip4> closed = closed_targets();
    const auto any_target = [&]() -> Ip4 {
        if (random.one_in(3))
            return closed[random.between(0, closed.size() - 1)];
        return {.value = random.one_in(3) ? 0x0a000000U | random.byte() : random.word()};
    };
    const auto any_inside = [&] {
        const FaithPrefix &prefix = judges.prefixes[random.between(0, judges.prefixes.size() - 1)];
        Ip6 address = prefix::embed(prefix, any_target());
        if (random.one_in(2))
            address = with_noise(random, prefix, address);
        if (random.one_in(3)) /* octet 8, or the prefix itself */
            address.bytes[random.between(0, 15)] ^=
                static_cast<std::uint8_t>(1U << random.between(0, 7));
        return address;
    };
    const auto any_client = [&] {
        switch (random.between(0, 4)) {
        case 0:
            return any_inside();
        case 1:
            return site_of_6to4(random, any_target());
        case 2:
            return mapped(any_target());
        default:
            return somebody;
        }
    };
    std::map<fgw_reason, int> seen;
    for (int i = 0; i < 50'000; ++i) {
        const Ip6 client = any_client();
        const Ip6 destination = any_inside();
        const fgw_reason kernel = judges.by_kernel(client, destination);
        if (kernel == FGW_PASS_NOT_PREFIX || kernel == FGW_PASS_EXEMPT)
            continue; /* none of ours */
        ++seen[kernel];
        if (kernel == judges.by_relay(client, destination))
            continue;
        INFO(random.seed() << ": " << to_string(client) << " to " << to_string(destination));
        FAIL(judges.verdict(client, destination));
    }
    for (const fgw_reason reason :
         {FGW_PASS_TCP, FGW_BAD_EMBEDDING, FGW_NEVER_TARGET, FGW_OWN_TARGET, FGW_NOT_GLOBAL,
          FGW_BAD_SOURCE, FGW_CLIENT_NOT_IP6}) {
        INFO(reason_name(reason));
        CHECK(seen[reason] > 50);
    }
}
