/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * So many new connections in a second (bpf/lib/rate.h). Buckets are read and written as
 * the programs keep them: each is the time at which it is full again. A test that needs a
 * second to pass moves that time instead of waiting.
 */
#include "loaded.h"

#include "faith/names.h"
#include "tests/support/effort.h"
#include "tests/support/prog_run.h"

#include <linux/pkt_cls.h>

using namespace faith;
using namespace faith::test;

namespace {

constexpr std::uint64_t second = 1'000'000'000;

class Limited {
public:
    explicit Limited(std::string_view rules = "::/0 permit 0.0.0.0/0\n") {
        loaded.capture("2001:db8:f::/96");
        loaded.rules(rules);
    }
    /* One SYN: whether it passed. Else it must be for the rate. */
    bool passes(const Ip6 &source, const char *target = "192.0.2.1") {
        return passes_at(loaded.object().xdp_program(), XDP_PASS, XDP_DROP, source, target);
    }
    bool passes_tc(const Ip6 &source) {
        return passes_at(loaded.object().tc_program(), static_cast<std::uint32_t>(TC_ACT_UNSPEC),
                         TC_ACT_SHOT, source, "192.0.2.1");
    }
    /* How many of so many pass. */
    std::uint32_t passed(std::uint32_t tries, std::string_view source,
                         const char *target = "192.0.2.1") {
        std::uint32_t count = 0;
        for (std::uint32_t i = 0; i < tries; ++i)
            count += passes(address6(source), target);
        return count;
    }
    bool has(const fgw_rate_key &bucket) const { return rates().find(bucket)->has_value(); }
    /* Lets time pass for one bucket. */
    void later(const fgw_rate_key &bucket, std::uint64_t nanoseconds) {
        set(bucket, full_at(bucket) - nanoseconds);
    }
    void drain(const fgw_rate_key &bucket) { loaded.drain(bucket); }
    std::uint64_t full_at(const fgw_rate_key &bucket) const {
        const std::optional<fgw_rate> present = *rates().find(bucket);
        REQUIRE(present);
        return present->full_at_ns;
    }
    void set(const fgw_rate_key &bucket, std::uint64_t full_at) {
        REQUIRE(rates().put(bucket, {.full_at_ns = full_at}));
    }
    datapath::MapRef<fgw_rate_key, fgw_rate> rates() const { return loaded.rates(); }

    Loaded loaded;

private:
    bool passes_at(int program, std::uint32_t pass, std::uint32_t drop, const Ip6 &source,
                   const char *target) {
        const Bytes syn = Packet()
                              .eth()
                              .ip6({.source = source,
                                    .destination = address6("2001:db8:f::" + std::string(target))})
                              .tcp()
                              .bytes();
        const Result<PacketRun> run = run_on_packet(program, syn);
        REQUIRE(run);
        REQUIRE((run->verdict == pass || run->verdict == drop));
        return run->verdict == pass;
    }
};

/* The /64 of that number in a /48. */
Ip6 neighbour(std::uint32_t number) {
    Ip6 address = address6("2001:db8:666::1");
    address.bytes[6] = static_cast<std::uint8_t>(number >> 8);
    address.bytes[7] = static_cast<std::uint8_t>(number);
    return address;
}

constexpr const char *client = "2001:db8:1:1::2";

} // namespace

TEST_CASE("rate: N connections pass at once, then none, and what is refused is counted") {
    for (const std::uint32_t rate : {1, 3, 7}) {
        Limited limited;
        limited.loaded.source_rate(rate);
        const Loaded::Counts before = limited.loaded.counts();
        const std::uint64_t began = now();
        const std::uint32_t passed = limited.passed(rate + 5, client);
        const std::uint64_t took = now() - began;
        INFO(rate << " a second, after " << took << " ns");
        CHECK(passed >= rate);
        CHECK(passed <= rate + took / (second / rate)); /* a slow machine refills the bucket */
        std::string counted = "PASS_TCP +" + std::to_string(passed);
        if (passed < rate + 5)
            counted += ", RATE_LIMIT +" + std::to_string(rate + 5 - passed);
        CHECK(moved(before, limited.loaded.counts()) == counted);
    }
}

TEST_CASE("rate: an empty bucket lets one through for each part of a second that passed") {
    Limited limited;
    limited.loaded.source_rate(10);
    REQUIRE(limited.passes(address6(client)));
    const fgw_rate_key bucket = rate_key(client, FGW_RATE_SOURCE);
    /* Empty it so far ahead that the time the test takes is nothing beside it. */
    limited.drain(bucket);
    CHECK_FALSE(limited.passes(address6(client)));
    const std::uint64_t full_at = limited.full_at(bucket);
    CHECK_FALSE(limited.passes(address6(client))); /* a refusal takes nothing */
    CHECK(limited.full_at(bucket) == full_at);

    /* Full in 0.55 s: there is room for four of ten, and for one more in each tenth of a second
     * that this takes, the first of them half as long. */
    const std::uint64_t began = now();
    limited.set(bucket, began + 550'000'000);
    const std::uint32_t passed = limited.passed(8, client);
    const std::uint64_t took = now() - began;
    CHECK(passed >= 4);
    CHECK(passed <= (450'000'000 + took) / 100'000'000);
    limited.later(bucket, 2 * second); /* full again: as if it had never been used */
    CHECK(limited.passed(8, client) >= 8);
}

TEST_CASE("rate: what a connection takes is a second's part, whoever asks") {
    Limited limited;
    limited.loaded.source_rate(4);
    const fgw_rate_key bucket = rate_key(client, FGW_RATE_SOURCE);
    /* What is full counts from the present, so again until the bucket was not when one took. */
    const auto taken = [&](const auto &pass) {
        for (;;) {
            const std::uint64_t full_at = now() + second / 2;
            limited.set(bucket, full_at);
            REQUIRE(pass());
            if (now() < full_at)
                return limited.full_at(bucket) - full_at;
        }
    };
    CHECK(taken([&] { return limited.passes(address6(client)); }) == second / 4);
    CHECK(taken([&] { return limited.passes_tc(address6(client)); }) == second / 4);
}

TEST_CASE("rate: one /64 does not take from another, its own hosts share") {
    Limited limited;
    limited.loaded.source_rate(2);
    limited.drain(rate_key(client, FGW_RATE_SOURCE));
    CHECK_FALSE(limited.passes(address6(client)));
    CHECK_FALSE(limited.passes(address6("2001:db8:1:1:ffff::9")));
    CHECK(limited.passes(address6("2001:db8:1:2::2")));
    CHECK(limited.passes(address6("2001:db8:1:0:1::2")));
}

TEST_CASE("rate: `limit` of a rule is for each source and each rule") {
    Limited limited("::/0 permit 192.0.2.1 limit 2/s\n" /* slot 1 */
                    "::/0 permit 192.0.2.2 limit 2/s\n"
                    "::/0 permit 192.0.2.3\n"
                    "::/0 deny 192.0.2.4\n");
    limited.drain(rate_key(client, 1));
    CHECK_FALSE(limited.passes(address6(client), "192.0.2.1"));
    CHECK(limited.passes(address6(client), "192.0.2.2"));
    CHECK(limited.passes(address6("2001:db8:1:2::2"), "192.0.2.1"));
    CHECK(limited.passed(20, client, "192.0.2.3") == 20);
    CHECK(limited.has(rate_key(client, 2)));
}

TEST_CASE("rate: a rule's limit and the general one hold together") {
    Limited limited("::/0 permit 192.0.2.1 limit 100/s\n::/0 permit 0.0.0.0/0\n");
    limited.loaded.source_rate(100);
    REQUIRE(limited.passes(address6(client)));
    limited.drain(rate_key(client, FGW_RATE_SOURCE));
    CHECK_FALSE(limited.passes(address6(client)));
    CHECK_FALSE(limited.passes(address6(client), "192.0.2.9"));
}

TEST_CASE("rate: what is denied takes nothing from any bucket") {
    Limited limited("::/0 deny 0.0.0.0/0\n");
    limited.loaded.source_rate(1);
    limited.loaded.deny(FGW_DENY_SILENT);
    for (int i = 0; i < 3; ++i)
        CHECK_FALSE(limited.passes(address6(client)));
    CHECK_FALSE(limited.has(rate_key(client, FGW_RATE_SOURCE)));
}

TEST_CASE("rate: the /64s of a /48 get buckets so many a second, those beyond share one") {
    Limited limited;
    limited.loaded.source_rate(1000);
    const fgw_rate_key newcomers = rate_key("2001:db8:666::", FGW_RATE_NEWCOMERS, 48);
    const fgw_rate_key shared = rate_key("2001:db8:666::", FGW_RATE_SOURCE, 48);
    REQUIRE(limited.passes(neighbour(0)));
    CHECK(limited.has(newcomers));
    CHECK_FALSE(limited.has(shared));

    limited.drain(newcomers);
    REQUIRE(limited.passes(neighbour(1)));
    CHECK(limited.has(shared));
    limited.drain(shared);
    CHECK_FALSE(limited.passes(neighbour(2)));
    CHECK_FALSE(limited.passes(neighbour(3)));
    CHECK(limited.passes(neighbour(0)));                /* has its own already */
    CHECK(limited.passes(address6("2001:db8:667::1"))); /* in another /48 */
}

TEST_CASE("rate: the /48s of a /32 are bounded in the same way, other /32s are not concerned") {
    Limited limited;
    limited.loaded.source_rate(1000);
    const fgw_rate_key newcomers = rate_key("2001:db8::", FGW_RATE_NEWCOMERS, 32);
    const fgw_rate_key shared = rate_key("2001:db8::", FGW_RATE_SOURCE, 32);
    limited.drain(newcomers);
    limited.drain(shared);
    CHECK_FALSE(limited.passes(address6("2001:db8:1::1")));
    CHECK_FALSE(limited.passes(address6("2001:db8:2::1")));
    CHECK_FALSE(limited.has(rate_key("2001:db8:1::", FGW_RATE_NEWCOMERS, 48)));
    CHECK(limited.passes(address6("2001:db9:1::1")));
}

TEST_CASE("rate: who sprays the /64s of one /48 leaves the /32 to its neighbours") {
    Limited limited;
    limited.loaded.source_rate(1000);
    const fgw_rate_key of_48 = rate_key("2001:db8:666::", FGW_RATE_NEWCOMERS, 48);
    const fgw_rate_key of_32 = rate_key("2001:db8::", FGW_RATE_NEWCOMERS, 32);
    REQUIRE(limited.passes(neighbour(0)));
    limited.drain(of_48);
    const std::uint64_t before = limited.full_at(of_32);
    for (std::uint32_t i = 1; i <= 100; ++i)
        limited.passes(neighbour(i));
    CHECK(limited.full_at(of_32) == before);
}

TEST_CASE("rate: 200,000 /64s of one /48 and others do not push out a bucket that is in use") {
    Limited limited;
    limited.loaded.source_rate(1);
    const fgw_rate_key victim = rate_key(client, FGW_RATE_SOURCE);
    REQUIRE(limited.passes(address6(client)));
    limited.drain(victim);
    REQUIRE_FALSE(limited.passes(address6(client)));
    std::uint32_t sprayed = 0;
    std::uint32_t passed = 0;
    const std::uint64_t began = now();
    const std::uint32_t sprays = static_cast<std::uint32_t>(effort(200'000));
    constexpr std::uint32_t sources = 65'536; /* of one /48 */
    for (; sprayed < sprays; ++sprayed)
        passed += limited.passes(neighbour(sprayed % sources));
    const std::uint64_t seconds = (now() - began) / second + 2;
    CHECK(limited.has(victim));
    CHECK_FALSE(limited.passes(address6(client)));
    /* A new bucket for each of 128 in a second, which may pass each time its source comes
     * round, and one of their common bucket. */
    const std::uint64_t rounds = sprays / sources + 1;
    INFO(seconds << " s");
    CHECK(passed <= seconds * (FGW_NEWCOMERS_OF_48 * rounds + 1));
    /* 128 of the /48 in a second; the victim's, the networks' own, and their common ones. */
    CHECK(limited.rates().entries()->size() <= seconds * FGW_NEWCOMERS_OF_48 + 16);
}
