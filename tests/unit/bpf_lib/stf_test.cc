/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules of tunnels as tables that a reader can check against RFC 3964 5.3 and stf(4);
 * each row is put to the oracle, too. Random packets: tests/unit/support/stf_oracle_test.cc.
 */
#include "stf_world.h"

#include "prefix/site.h"
#include "tests/support/stf_cases.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::test;

namespace {

Ip4 ip4(const char *text) { return *parse_ip4(text); }

const Ip4 own = ip4("192.0.2.1"), far = ip4("198.51.100.1");

StfWorld world_of(const fgw_stf &stf) {
    StfWorld world = stf_world();
    world.stf = stf;
    return world;
}

StfAddresses coming() { return stf_good(StfWay::In); }
StfAddresses going() { return stf_good(StfWay::Out); }

std::string in(const StfWorld &world, const StfAddresses &packet) {
    world_now = &world;
    const ip4_header outer = outer_of(packet);
    const ip6_header inner = inner_of(packet);
    const fgw_reason reason = stf_check_in(&world.stf, &outer, &inner);
    CHECK(reason_name(reason) == reason_name(stf_oracle_in(world, packet)));
    return reason_name(reason);
}

std::string out(const StfWorld &world, const StfAddresses &packet) {
    world_now = &world;
    const ip4_header outer = outer_of(packet);
    const ip6_header inner = inner_of(packet);
    const fgw_reason reason = stf_check_out(&world.stf, &outer, &inner);
    CHECK(reason_name(reason) == reason_name(stf_oracle_out(world, packet)));
    return reason_name(reason);
}

/* Right beside the entries: no reason to refuse these. */
const char *const good_ip4[] = {
    "1.0.0.0",     "9.255.255.255", "11.0.0.0",       "126.255.255.255", "128.0.0.0",
    "169.253.0.1", "169.255.0.0",   "172.15.255.255", "172.32.0.0",      "192.167.255.255",
    "192.169.0.0", "192.88.99.1",   "203.0.113.254",  "223.255.255.255",
};

} // namespace

TEST_CASE("stf: a packet between two 6to4 sites may come in and go out") {
    const StfWorld world = stf_world();
    CHECK(in(world, coming()) == "STF_IN");
    CHECK(out(world, going()) == "STF_OUT");
}

TEST_CASE("stf: no bad address, outer, inner or embedded, source or destination, in or out "
          "(S13-S17, S26, R1-R3, R12)") {
    const StfWorld world = stf_world();
    for (const StfCase &each : stf_bad(StfWay::In)) {
        INFO("in, " << each.name);
        CHECK(in(world, each.addresses) == reason_name(each.reason));
    }
    for (const StfCase &each : stf_bad(StfWay::Out)) {
        INFO("out, " << each.name);
        CHECK(out(world, each.addresses) == reason_name(each.reason));
    }
}

TEST_CASE("stf: the neighbours of the lists are good, and so is the old relay anycast (R6)") {
    const StfWorld world = stf_world();
    for (const char *text : good_ip4) {
        INFO(text);
        StfAddresses p = coming();
        p.source4 = ip4(text);
        p.source6 = six_to_four(text);
        CHECK(in(world, p) == "STF_IN");
        p = going();
        p.destination4 = ip4(text);
        p.destination6 = six_to_four(text);
        CHECK(out(world, p) == "STF_OUT");
    }
    for (const char *text : {"2001:db8::1", "64:ff9b::c000:201", "1::1", "fe7f::1", "fbff::1"}) {
        INFO(text);
        StfAddresses p = coming();
        p.source6 = address6(text);
        p.source4 = ip4("192.88.99.1");
        CHECK(in(world, p) == "STF_IN");
    }
}

TEST_CASE("stf: private addresses pass where the operator permits them, bad ones never (S2)") {
    StfWorld world = stf_world();
    world.stf.flags |= FGW_STF_PRIVATE_OUTER | FGW_STF_PRIVATE_6TO4;
    world.broadcast.insert(ip4("10.255.255.255"));
    for (const StfCase &each : stf_bad(StfWay::In)) {
        StfAddresses p = each.addresses;
        const bool is_private = each.reason == FGW_STF_IN_SRC4_PRIVATE;
        if (!is_private && each.reason != FGW_STF_IN_SRC4)
            continue;
        p.source6 = six_to_four(p.source4);
        const bool passes = is_private && p.source4 != ip4("10.255.255.255");
        INFO(each.name);
        CHECK(in(world, p) == (passes ? "STF_IN" : "STF_IN_SRC4"));
    }
}

TEST_CASE("stf: an embedded source is where the packet came from (R2, what BSD left out: S15)") {
    const StfWorld world = stf_world();
    StfAddresses p = coming();
    p.source6 = six_to_four("198.51.100.2");
    CHECK(in(world, p) == "STF_IN_SPOOFED");
    p.source6 = six_to_four(own); /* our own addresses from outside */
    CHECK(in(world, p) == "STF_IN_SPOOFED");
}

TEST_CASE("stf: relays: native on one side is fine, on both is nobody's packet (R1, R2)") {
    const StfWorld world = stf_world();
    const Ip6 native = address6("2001:db8::7");
    StfAddresses p = coming();
    p.source6 = native;
    CHECK(in(world, p) == "STF_IN");
    p.destination6 = native;
    CHECK(in(world, p) == "STF_IN_NEITHER");
    p = coming();
    p.destination6 = native;
    CHECK(in(world, p) == "STF_IN");
    p.destination6 = six_to_four("203.0.113.1");
    CHECK(in(world, p) == "STF_IN_DST_OTHER");

    p = going();
    p.source6 = native;
    CHECK(out(world, p) == "STF_OUT");
    p.destination6 = native;
    CHECK(out(world, p) == "STF_OUT_NEITHER");
    p = going();
    p.destination6 = native;
    CHECK(out(world, p) == "STF_OUT");
    p.source6 = six_to_four("203.0.113.1");
    CHECK(out(world, p) == "STF_OUT_SRC_OTHER");
    p = going();
    p.destination4 = own;
    p.destination6 = six_to_four(own);
    CHECK(out(world, p) == "STF_OUT_DST_OWN");
}

TEST_CASE("stf: an address that hides one of ours leads back to us (R5, RFC 6324 3.3)") {
    const StfWorld world = stf_world();
    for (const char *text : {"2001:db8::5efe:192.0.2.1", "2001:db8::200:5efe:203.0.113.9"}) {
        INFO(text);
        StfAddresses p = coming();
        p.destination6 = address6(text);
        CHECK(in(world, p) == "STF_IN_OWN");
        p = going();
        p.source6 = address6(text);
        CHECK(out(world, p) == "STF_OUT_OWN");
    }
    StfAddresses p = coming();
    p.destination6 = address6("2001:db8::5efe:192.0.2.2");
    CHECK(in(world, p) == "STF_IN");
    /* Forms of the tunnel's own prefix, 6to4 or 6rd, whichever of our addresses it is. */
    p = going();
    p.destination4 = ip4("203.0.113.9");
    p.destination6 = six_to_four("203.0.113.9");
    CHECK(out(world, p) == "STF_OUT_DST_OWN");
    StfWorld domain = world_of(stf_of_6rd());
    domain.own.insert(ip4("10.5.5.5"));
    const Prefix6 sixrd = *parse_prefix6("2001:db8::/32");
    p = {.source4 = ip4("10.1.2.3"),
         .destination4 = ip4("10.5.5.5"),
         .source6 = prefix::host_in(prefix::site_prefix(sixrd, 8, ip4("10.1.2.3")), 1),
         .destination6 = prefix::host_in(prefix::site_prefix(sixrd, 8, ip4("10.5.5.5")), 1)};
    CHECK(out(domain, p) == "STF_OUT_DST_OWN");
    domain.own.erase(ip4("10.5.5.5"));
    CHECK(out(domain, p) == "STF_OUT");
    /* 6to4 forms in a 6rd tunnel, unless there is such a site here. */
    StfWorld relay = world_of(stf_of_6rd());
    relay.stf.flags |= FGW_STF_RELAYS;
    std::fill_n(relay.stf.border_relay, 4, std::uint8_t{0});
    const Prefix6 shared = *parse_prefix6("2001:db8::/32");
    p = {.source4 = ip4("10.5.5.5"),
         .destination4 = ip4("10.1.2.3"),
         .source6 = prefix::host_in(prefix::site_prefix(shared, 8, ip4("10.5.5.5")), 1),
         .destination6 = six_to_four("203.0.113.9")};
    CHECK(in(relay, p) == "STF_IN_OWN");
    p.destination6 = six_to_four(own);
    CHECK(in(relay, p) == "STF_IN");
}

TEST_CASE("stf: 6rd sites: embedded is outer source, but for the border relay (R17, S34)") {
    const StfWorld world = world_of(stf_of_6rd());
    const Prefix6 shared = *parse_prefix6("2001:db8::/32");
    const Ip4 mine = ip4("10.1.2.3"), other = ip4("10.5.5.5"), relay = ip4("10.9.9.9");
    const auto host = [&](Ip4 site) {
        return prefix::host_in(prefix::site_prefix(shared, 8, site), 1);
    };
    const Ip6 native = address6("2001:db9::7");
    StfAddresses p = {
        .source4 = other, .destination4 = mine, .source6 = host(other), .destination6 = host(mine)};
    CHECK(in(world, p) == "STF_IN");
    p.source4 = ip4("10.5.5.6");
    CHECK(in(world, p) == "STF_IN_SPOOFED");
    p.source4 = ip4("11.5.5.5"); /* the shared bits count, too */
    CHECK(in(world, p) == "STF_IN_SPOOFED");
    p.source4 = relay;
    CHECK(in(world, p) == "STF_IN");
    p.source6 = native;
    CHECK(in(world, p) == "STF_IN");
    p.source4 = other;
    CHECK(in(world, p) == "STF_IN_NOT_RELAY");
    p.source4 = relay;
    p.destination6 = host(other);
    CHECK(in(world, p) == "STF_IN_DST_OTHER");
    p.destination6 = native;
    CHECK(in(world, p) == "STF_IN_DST_OTHER");

    p = {.source4 = mine, .destination4 = relay, .source6 = host(mine), .destination6 = native};
    CHECK(out(world, p) == "STF_OUT");
    p.source6 = native;
    CHECK(out(world, p) == "STF_OUT_NEITHER");
    p.destination4 = other;
    p.destination6 = host(other);
    CHECK(out(world, p) == "STF_OUT_SRC_OTHER");
}

TEST_CASE(
    "stf: a 6rd border relay serves its domain only, and answers a site's question (R18, R19)") {
    StfWorld world = world_of(stf_of_6rd());
    world.stf.flags |= FGW_STF_RELAYS;
    std::fill_n(world.stf.border_relay, 4, std::uint8_t{0});
    const Prefix6 shared = *parse_prefix6("2001:db8::/32");
    const Ip4 mine = ip4("10.1.2.3"), site = ip4("10.5.5.5"), other = ip4("10.6.6.6");
    const auto host = [&](Ip4 of) {
        return prefix::host_in(prefix::site_prefix(shared, 8, of), 1);
    };
    const Ip6 native = address6("2001:db9::7");
    StfAddresses p = {
        .source4 = site, .destination4 = mine, .source6 = host(site), .destination6 = native};
    CHECK(in(world, p) == "STF_IN");
    p.destination6 = host(site); /* RFC 5969 8 */
    CHECK(in(world, p) == "STF_IN");
    p.destination6 = host(other);
    CHECK(in(world, p) == "STF_IN_DST_OTHER");
    p.source6 = native;
    p.destination6 = host(mine);
    CHECK(in(world, p) == "STF_IN_NOT_RELAY");

    p = {.source4 = mine, .destination4 = site, .source6 = native, .destination6 = host(site)};
    CHECK(out(world, p) == "STF_OUT");
    p.source6 = host(site);
    CHECK(out(world, p) == "STF_OUT");
    p.source6 = host(other);
    CHECK(out(world, p) == "STF_OUT_SRC_OTHER");
}

TEST_CASE("stf: peers share as many bits of our address as the prefix is longer than 16 (S9)") {
    StfWorld world = stf_world();
    for (unsigned bits = 0; bits <= 32; ++bits) {
        world.stf.peer_len = static_cast<std::uint8_t>(bits);
        for (unsigned differs = 0; differs < 32; ++differs) {
            const Ip4 source{.value = own.value ^ (0x80000000U >> differs)};
            INFO("/" << bits + 16 << ", bit " << differs);
            CHECK(stf_is_peer(&world.stf, source.value) == (differs >= bits));
            CHECK(stf_oracle_is_peer(world, source) == (differs >= bits));
        }
        CHECK(stf_is_peer(&world.stf, own.value));
    }
}

TEST_CASE("stf: the next hop is what the address embeds, else the border relay (S23, S33)") {
    const fgw_stf stf = stf_of_6to4(), sixrd = stf_of_6rd();
    CHECK(stf_next_hop(&stf, six_to_four(far).bytes.data()) == far.value);
    CHECK(stf_next_hop(&stf, address6("2001:db8::1").bytes.data()) == 0);
    CHECK(stf_next_hop(&sixrd, address6("2001:db8:505:500::1").bytes.data()) ==
          ip4("10.5.5.5").value);
    CHECK(stf_next_hop(&sixrd, address6("2001:db9::1").bytes.data()) == ip4("10.9.9.9").value);
}
