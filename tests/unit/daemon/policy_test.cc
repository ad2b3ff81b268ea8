/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/policy.h"

#include "acl/parse.h"
#include "daemon/plan.h"

#include <catch2/catch.hpp>

using namespace faith;
using daemon::Judgement;
using daemon::PolicyInputs;

namespace {

Ip6 ip6(std::string_view text) { return *parse_ip6(text); }
Ip4 ip4(std::string_view text) { return *parse_ip4(text); }

const Ip6 client = ip6("2001:db8:6::2");

PolicyInputs inputs(const char *rules) {
    PolicyInputs in;
    in.prefixes = {
        prefix::well_known(),
        *prefix::make_prefix(*parse_prefix6("2001:db8:ffff::/96"), prefix::Layout::FaithLast32),
        *prefix::make_prefix(*parse_prefix6("2001:db8:122:344::/64"), prefix::Layout::Rfc6052)};
    in.rules = *daemon::make_rule_set(*acl::parse(rules, "faithd.conf"), {});
    in.own_addresses = {ip4("192.0.2.1"), ip4("10.9.9.9")};
    config::Faith faith;
    faith.never = {*parse_prefix4("203.0.113.0/24")};
    in.never = daemon::never_targets(faith);
    return in;
}

relay::Decision decide(const PolicyInputs &in, const Ip6 &destination, std::uint16_t port = 80) {
    return daemon::make_policy(in)->judge(
        {.client = client, .destination = destination, .port = port});
}

fgw_reason refusal(const PolicyInputs &in, std::string_view destination) {
    const relay::Decision decision = decide(in, ip6(destination));
    REQUIRE(std::holds_alternative<relay::Refuse>(decision));
    return std::get<relay::Refuse>(decision).reason;
}

constexpr const char *permit_all = "::/0 permit 0.0.0.0/0\n";

} // namespace

TEST_CASE("policy: a permitted destination is dialled at its embedded address and port") {
    const relay::Decision decision = decide(inputs(permit_all), ip6("64:ff9b::198.51.100.7"), 8080);
    REQUIRE(std::holds_alternative<relay::Dial>(decision));
    const relay::Dial &dial = std::get<relay::Dial>(decision);
    CHECK(dial.target == ip4("198.51.100.7"));
    CHECK(dial.port == 8080);
    CHECK(dial.rule == 0);
    CHECK_FALSE(dial.source);
}

TEST_CASE("policy: targets that no rule opens (D20, D21)") {
    const PolicyInputs in = inputs(permit_all);
    for (const char *target : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "169.254.1.1",
                               "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"}) {
        INFO(target);
        CHECK(refusal(in, std::string("2001:db8:ffff::") + target) == FGW_NEVER_TARGET);
    }
    CHECK(refusal(in, "2001:db8:ffff::203.0.113.9") == FGW_NEVER_TARGET); // the operator's
    CHECK(refusal(in, "2001:db8:ffff::192.0.2.1") == FGW_OWN_TARGET);
    CHECK(refusal(in, "2001:db8:ffff::10.9.9.9") == FGW_OWN_TARGET);
}

TEST_CASE("policy: private IPv4 is reachable, except under 64:ff9b::/96 (R23)") {
    const PolicyInputs in = inputs(permit_all);
    for (const char *target : {"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1"}) {
        INFO(target);
        CHECK(refusal(in, std::string("64:ff9b::") + target) == FGW_NOT_GLOBAL);
        CHECK(std::holds_alternative<relay::Dial>(
            decide(in, ip6(std::string("2001:db8:ffff::") + target))));
    }
}

TEST_CASE("policy: an address outside every prefix or without an embedded address is refused") {
    const PolicyInputs in = inputs(permit_all);
    CHECK(refusal(in, "::1") == FGW_NOT_CAPTURED);
    CHECK(refusal(in, "2001:db8:122:344:ff00:2:2100::") == FGW_BAD_EMBEDDING); // R21
}

TEST_CASE("policy: nobody poses as what no client is (RFC 3964 5.3.1)") {
    PolicyInputs in = inputs(permit_all);
    in.exempt = {*parse_prefix6("2001:db8:ffff::5/128"), *parse_prefix6("2001:db8:122::/48")};
    const auto reason = [&](std::string_view from) -> int {
        const relay::Decision decision = daemon::make_policy(in)->judge(
            {.client = ip6(from), .destination = ip6("64:ff9b::198.51.100.7"), .port = 80});
        return std::holds_alternative<relay::Refuse>(decision)
                   ? std::get<relay::Refuse>(decision).reason
                   : 0;
    };
    CHECK(reason("2002:7f00:1::") == FGW_BAD_SOURCE);       /* 127.0.0.1 */
    CHECK(reason("2002:cb00:7109::1") == FGW_BAD_SOURCE);   /* 203.0.113.9, the operator's */
    CHECK(reason("2002:c633:6407::1") == 0);                /* 198.51.100.7 */
    CHECK(reason("2001:db8:ffff::1") == FGW_BAD_SOURCE);    /* inside a prefix */
    CHECK(reason("64:ff9b::192.0.2.9") == FGW_BAD_SOURCE);  /* inside another */
    CHECK(reason("2001:db8:ffff::5") == 0);                 /* an own address, exempt */
    CHECK(reason("2001:db8:122:344::1") == FGW_BAD_SOURCE); /* a shorter route exempts nothing */
    CHECK(reason("2001:db8:122:345::1") == 0);
}

TEST_CASE("policy: the never list comes before the rules, the rules decide the rest (D22)") {
    const PolicyInputs in = inputs("2001:db8:6::/48 deny 198.51.100.0/25\n"
                                   "2001:db8:6::/48 permit 198.51.100.0/24\n");
    CHECK(refusal(in, "64:ff9b::198.51.100.1") == FGW_ACL_DENY);
    CHECK(refusal(in, "64:ff9b::192.0.2.200") == FGW_ACL_NO_MATCH);
    CHECK(refusal(in, "64:ff9b::127.0.0.1") == FGW_NEVER_TARGET);
    const relay::Decision decision = decide(in, ip6("64:ff9b::198.51.100.200"));
    REQUIRE(std::holds_alternative<relay::Dial>(decision));
    CHECK(std::get<relay::Dial>(decision).rule == 1);
}

TEST_CASE("policy: the fourth word wins over the pool, the pool is stable per /64 (D24)") {
    PolicyInputs in = inputs("2001:db8:6::/64 permit 198.51.100.0/25 192.0.2.77\n"
                             "::/0 permit 0.0.0.0/0\n");
    in.relay.source_addresses = {ip4("192.0.2.10"), ip4("192.0.2.11"), ip4("192.0.2.12")};
    const auto source = [&](const char *from, const char *to) {
        const relay::Decision decision = daemon::make_policy(in)->judge(
            {.client = ip6(from), .destination = ip6(to), .port = 80});
        return std::get<relay::Dial>(decision).source;
    };
    CHECK(source("2001:db8:6::2", "64:ff9b::198.51.100.1") == ip4("192.0.2.77"));
    const auto pooled = source("2001:db8:7::2", "64:ff9b::198.51.100.1");
    REQUIRE(pooled);
    CHECK(source("2001:db8:7::ffff:3", "64:ff9b::198.51.100.9") == pooled);
}

TEST_CASE("policy: a service's idle timeout replaces the general one for its port") {
    PolicyInputs in = inputs(permit_all);
    in.services = {{.port = 22, .idle_timeout = std::chrono::hours(2), .where = {}}};
    const auto idle = [&](std::uint16_t port) {
        return std::get<relay::Dial>(decide(in, ip6("64:ff9b::198.51.100.7"), port)).idle_timeout;
    };
    CHECK(idle(22) == std::chrono::hours(2));
    CHECK(idle(80) == std::chrono::minutes(30));
}

TEST_CASE(
    "policy: a reserved source port where the service asks for it, beside the address (D31)") {
    PolicyInputs in = inputs("::/0 permit 0.0.0.0/0 198.51.100.9\n");
    in.services = {{.port = 22, .idle_timeout = {}, .reserved_source_port = true, .where = {}}};
    const Ip6 destination = ip6("64:ff9b::198.51.100.7");
    const relay::Dial ssh = std::get<relay::Dial>(decide(in, destination, 22));
    CHECK(ssh.reserved_port);
    CHECK(ssh.source == ip4("198.51.100.9"));
    CHECK_FALSE(std::get<relay::Dial>(decide(in, destination, 80)).reserved_port);
}

TEST_CASE(
    "policy: rlogin and rsh are refused unless a service has an alg for them (D57, D58, D59)") {
    PolicyInputs in = inputs(permit_all);
    const Ip6 destination = ip6("64:ff9b::198.51.100.7");
    const auto ask = [&](std::uint16_t port, std::uint16_t client_port) {
        return daemon::make_policy(in)->judge({.client = client,
                                               .destination = destination,
                                               .port = port,
                                               .client_port = client_port});
    };
    const auto refused = [&](std::uint16_t port, std::uint16_t client_port) {
        const relay::Decision decision = ask(port, client_port);
        const relay::Refuse *no = std::get_if<relay::Refuse>(&decision);
        return no == nullptr ? std::nullopt : std::optional(no->reason);
    };
    in.services = {config::Service{.port = 514, .idle_timeout = std::chrono::hours(2)}};
    CHECK(refused(513, 1000) == FGW_REMOTE_SHELL_OFF);
    CHECK(refused(514, 1000) == FGW_REMOTE_SHELL_OFF);
    CHECK_FALSE(refused(512, 1000));

    in.services = {config::Service{.port = 513, .idle_timeout = {}, .alg = config::Alg::Rlogin},
                   config::Service{.port = 514, .idle_timeout = {}, .alg = config::Alg::Rsh}};
    for (const std::uint16_t port : {std::uint16_t{513}, std::uint16_t{514}}) {
        const relay::Dial dial = std::get<relay::Dial>(ask(port, 1000));
        CHECK(dial.reserved_port);
        CHECK(dial.rsh == (port == 514));
        CHECK(refused(port, 511) == FGW_RSH_CLIENT_PORT);
        CHECK(refused(port, 1024) == FGW_RSH_CLIENT_PORT);
        CHECK_FALSE(refused(port, 512));
        CHECK_FALSE(refused(port, 1023));
        CHECK_FALSE(refused(port, 0)); // who asks before there is a connection
    }
    in.services[1].reserved_source_port = false;
    CHECK_FALSE(std::get<relay::Dial>(ask(514, 1000)).reserved_port);

    in.services[1].alg = config::Alg::None;
    const relay::Dial plain = std::get<relay::Dial>(ask(514, 40000));
    CHECK_FALSE(plain.reserved_port);
    CHECK_FALSE(plain.rsh);

    in.rules = *daemon::make_rule_set(*acl::parse("", "faithd.conf"), {});
    CHECK(refused(513, 1000) == FGW_ACL_NO_MATCH); // the rules say no first
}

TEST_CASE("policy: each timeout of a service replaces the general one for its port") {
    using Millis = config::Millis;
    PolicyInputs in = inputs(permit_all);
    const auto dial = [&](std::uint16_t port) {
        return std::get<relay::Dial>(decide(in, ip6("64:ff9b::198.51.100.7"), port));
    };
    CHECK(dial(22).connect_timeout == Millis(10'000));
    CHECK(dial(22).half_closed_timeout == Millis(0)); /* as idle_timeout */
    CHECK(dial(22).data_timeout == Millis(120'000));
    in.relay.half_closed_timeout = Millis(5);
    in.services = {{.port = 22,
                    .idle_timeout = {},
                    .connect_timeout = Millis(1),
                    .half_closed_timeout = Millis(2),
                    .data_timeout = Millis(3),
                    .where = {}}};
    CHECK(dial(22).connect_timeout == Millis(1));
    CHECK(dial(22).half_closed_timeout == Millis(2));
    CHECK(dial(22).data_timeout == Millis(3));
    CHECK(dial(22).idle_timeout == std::chrono::minutes(30));
    CHECK(dial(80).connect_timeout == Millis(10'000));
    CHECK(dial(80).half_closed_timeout == Millis(5));
    CHECK(dial(80).data_timeout == Millis(120'000));
}

TEST_CASE("policy: the witness sees refusals and permissions that ask for it, nothing else") {
    std::vector<fgw_reason> seen;
    PolicyInputs in = inputs("::/0 permit 198.51.100.0/25 log\n::/0 permit 198.51.100.0/24\n");
    in.witness = [&](const Judgement &judgement) { seen.push_back(judgement.reason); };
    decide(in, ip6("64:ff9b::198.51.100.1"));
    decide(in, ip6("64:ff9b::198.51.100.200"));
    decide(in, ip6("64:ff9b::192.0.2.200"));
    CHECK(seen == std::vector<fgw_reason>{FGW_ACL_PERMIT, FGW_ACL_NO_MATCH});
}

TEST_CASE("policy: port 21 is FTP, and other ports are what their [[service]] says (D35)") {
    PolicyInputs in = inputs(permit_all);
    const auto ftp_of = [&](std::uint16_t port) {
        return std::get<relay::Dial>(decide(in, ip6("64:ff9b::198.51.100.7"), port)).ftp;
    };
    CHECK(ftp_of(21) == ftp::Dialect::Rfc6384);
    CHECK_FALSE(ftp_of(20));
    CHECK_FALSE(ftp_of(2121));
    in.relay.alg_ftp = config::AlgFtp::Faithd;
    CHECK(ftp_of(21) == ftp::Dialect::Faithd);
    in.services = {config::Service{.port = 21, .idle_timeout = {}},
                   config::Service{.port = 2121,
                                   .idle_timeout = {},
                                   .alg = config::Alg::Ftp,
                                   .alg_ftp = config::AlgFtp::Rfc6384}};
    CHECK(ftp_of(21) == ftp::Dialect::Faithd);
    CHECK(ftp_of(2121) == ftp::Dialect::Rfc6384);
    in.services[0].alg = config::Alg::None;
    CHECK_FALSE(ftp_of(21));
}
