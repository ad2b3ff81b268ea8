/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One judgement at three hooks (bpf/lib/decide.h): for each reason, that XDP, TC and
 * sk_lookup come to it, that it is counted once, and that what a guard leaves to the stack
 * is counted there.
 */
#include "loaded.h"
#include "lookup.h"

#include "tests/support/prog_run.h"

#include <linux/pkt_cls.h>

using namespace faith;
using namespace faith::test;

namespace {

/* The programs with prefixes of every layout, targets and rules. */
class Judging {
public:
    Judging() {
        loaded.capture("2001:db8:f::/96");
        loaded.capture("64:ff9b::/96", FGW_LAYOUT_RFC6052, true);
        loaded.capture("2001:db8:32::/64"); /* FAITH: any length */
        loaded.capture("3001::/32", FGW_LAYOUT_RFC6052);
        loaded.capture("3002:0:100::/40", FGW_LAYOUT_RFC6052);
        loaded.capture("3003:0:1::/48", FGW_LAYOUT_RFC6052);
        loaded.capture("3004:0:1:100::/56", FGW_LAYOUT_RFC6052);
        loaded.capture("3005:0:1:1::/64", FGW_LAYOUT_RFC6052);
        loaded.exempt("2001:db8:f::192.0.2.240/124");
        loaded.targets({.never = {*parse_prefix4("127.0.0.0/8"), *parse_prefix4("10.66.0.0/16")},
                        .own = {*parse_ip4("192.0.2.1"), *parse_ip4("10.9.9.9")},
                        .not_global = {*parse_prefix4("10.0.0.0/8")}});
        loaded.rules("::/0 deny 198.51.100.0/24 port 25\n" /* slot 1: 0 is permit_everything()'s */
                     "2001:db8:bad::/48 deny 0.0.0.0/0\n"
                     "::/0 permit 198.51.100.0/24\n"
                     "::/0 permit 10.0.0.0/8\n"
                     "::/0 permit 192.0.2.0/24\n"
                     "::/0 permit 127.0.0.0/8\n");
        loaded.reconfigure([](fgw_config &config) { config.listeners = 1; });
        REQUIRE(loaded.maps().socks.put(0, static_cast<std::uint64_t>(listener.fd.get())));
    }

    /* What a guard counts and does with a SYN: "drop REASON +1", "pass PASS_TCP +1". */
    std::string at_xdp(const Connection &connection) {
        return at_guard(loaded.object().xdp_program(), XDP_PASS, connection);
    }
    std::string at_tc(const Connection &connection) {
        return at_guard(loaded.object().tc_program(), static_cast<std::uint32_t>(TC_ACT_UNSPEC),
                        connection);
    }
    std::string at_lookup(const Connection &connection) {
        const Loaded::Counts before = loaded.counts();
        const Result<LookupRun> run =
            run_on_lookup(loaded.object().sk_lookup_program(), connection.context());
        REQUIRE(run);
        CHECK((run->cookie == listener.cookie) == (run->verdict == SK_PASS));
        return (run->verdict == SK_PASS ? "pass " : "drop ") + moved(before, loaded.counts());
    }
    /* Everything wrong with a refusal, "" when nothing is. */
    std::string wrong(const Connection &connection, fgw_reason reason) {
        const std::string refused = "drop " + reason_name(reason) + " +1";
        std::string text;
        const auto compare = [&](const char *where, const std::string &got,
                                 const std::string &expected) {
            if (got != expected)
                text += std::string(where) + ": " + got + "\n";
        };
        loaded.deny(FGW_DENY_SILENT);
        compare("XDP", at_xdp(connection), refused);
        compare("TC", at_tc(connection), refused);
        compare("sk_lookup", at_lookup(connection), refused);
        loaded.deny(FGW_DENY_RESET); /* lo is not said to send answers back */
        compare("XDP before the stack", at_xdp(connection), "pass PASS_TCP +1");
        compare("TC before the stack", at_tc(connection), "pass PASS_TCP +1");
        compare("sk_lookup in the stack", at_lookup(connection), refused);
        return text;
    }
    std::string wrong_to(std::string_view to, fgw_reason reason) {
        return wrong({.to = address6(to)}, reason);
    }
    std::string wrong_from(std::string_view from, fgw_reason reason) {
        return wrong({.from = address6(from), .to = address6("2001:db8:f::198.51.100.7")}, reason);
    }

    Loaded loaded;
    Listener listener;

private:
    std::string at_guard(int program, std::uint32_t pass, const Connection &connection) {
        const Bytes syn =
            Packet()
                .eth()
                .ip6({.source = connection.from, .destination = connection.to})
                .tcp({.source_port = connection.from_port, .destination_port = connection.to_port})
                .bytes();
        const Loaded::Counts before = loaded.counts();
        const Result<PacketRun> run = run_on_packet(program, syn);
        REQUIRE(run);
        CHECK(difference(syn, run->output) == "");
        return (run->verdict == pass ? "pass " : "drop ") + moved(before, loaded.counts());
    }
};

const Ip6 permitted = address6("2001:db8:f::198.51.100.7");

} // namespace

TEST_CASE(
    "decide: what is permitted passes the guards and gets a listener, its hit counted there") {
    Judging judging;
    const std::uint64_t before = judging.loaded.hits(3);
    CHECK(judging.at_xdp({.to = permitted}) == "pass PASS_TCP +1");
    CHECK(judging.at_tc({.to = permitted}) == "pass PASS_TCP +1");
    CHECK(judging.loaded.hits(3) == before);
    CHECK(judging.at_lookup({.to = permitted}) == "pass STEERED +1");
    CHECK(judging.loaded.hits(3) == before + 1);
}

TEST_CASE("decide: ACL_DENY and ACL_NO_MATCH, by source, target and port") {
    Judging judging;
    CHECK(judging.wrong({.to = permitted, .to_port = 25}, FGW_ACL_DENY) == "");
    CHECK(judging.wrong_from("2001:db8:bad:1::1", FGW_ACL_DENY) == "");
    CHECK(judging.wrong_to("2001:db8:f::203.0.113.1", FGW_ACL_NO_MATCH) == "");
}

TEST_CASE("decide: the hit of a denial is counted once, where it is decided") {
    Judging judging;
    const Connection connection{.to = permitted, .to_port = 25};
    judging.loaded.deny(FGW_DENY_SILENT);
    judging.at_xdp(connection);
    CHECK(judging.loaded.hits(1) == 1);
    judging.at_tc(connection);
    CHECK(judging.loaded.hits(1) == 2);
    judging.loaded.deny(FGW_DENY_RESET);
    judging.at_xdp(connection); /* left to the stack */
    judging.at_tc(connection);
    CHECK(judging.loaded.hits(1) == 2);
    judging.at_lookup(connection);
    CHECK(judging.loaded.hits(1) == 3);
}

TEST_CASE("decide: BAD_EMBEDDING: octet 8 of each layout of RFC 6052, and of no other") {
    Judging judging;
    /* 198.51.100.7 is c6 33 64 07; octet 8 is the high byte of the fifth word. */
    for (const char *good :
         {"3001:0:c633:6407::", "3002:0:1c6:3364:7::", "3003:0:1:c633:64:700::",
          "3004:0:1:1c6:33:6407::", "3005:0:1:1:c6:3364:700::", "64:ff9b::198.51.100.7",
          "2001:db8:32:0:ff00:0:198.51.100.7", "3001:0:c633:6407:ff:ffff:ffff:ffff"}) {
        INFO(good);
        CHECK(judging.at_lookup({.to = address6(good)}) == "pass STEERED +1");
    }
    for (const char *bad :
         {"3001:0:c633:6407:100::", "3002:0:1c6:3364:8007::", "3003:0:1:c633:ff64:700::",
          "3004:0:1:1c6:133:6407::", "3005:0:1:1:1c6:3364:700::"}) {
        INFO(bad);
        CHECK(judging.wrong_to(bad, FGW_BAD_EMBEDDING) == "");
    }
}

TEST_CASE("decide: NEVER_TARGET and OWN_TARGET, although a rule permits them") {
    Judging judging;
    CHECK(judging.wrong_to("2001:db8:f::127.0.0.1", FGW_NEVER_TARGET) == "");
    CHECK(judging.wrong_to("2001:db8:f::10.66.1.2", FGW_NEVER_TARGET) == "");
    CHECK(judging.wrong_to("64:ff9b::10.66.1.2", FGW_NEVER_TARGET) == "");
    CHECK(judging.wrong_to("2001:db8:f::192.0.2.1", FGW_OWN_TARGET) == "");
    CHECK(judging.wrong_to("64:ff9b::10.9.9.9", FGW_OWN_TARGET) == "");
}

TEST_CASE("decide: NOT_GLOBAL is for 64:ff9b::/96 alone (R23)") {
    Judging judging;
    CHECK(judging.wrong_to("64:ff9b::10.1.2.3", FGW_NOT_GLOBAL) == "");
    CHECK(judging.at_lookup({.to = address6("2001:db8:f::10.1.2.3")}) == "pass STEERED +1");
    CHECK(judging.at_lookup({.to = address6("64:ff9b::198.51.100.7")}) == "pass STEERED +1");
}

TEST_CASE("decide: CLIENT_NOT_IP6 and BAD_SOURCE") {
    Judging judging;
    CHECK(judging.wrong_from("::ffff:192.0.2.9", FGW_CLIENT_NOT_IP6) == "");
    CHECK(judging.wrong_from("::ffff:127.0.0.1", FGW_CLIENT_NOT_IP6) == "");
    CHECK(judging.wrong_from("2001:db8:f::192.0.2.9", FGW_BAD_SOURCE) == "");
    CHECK(judging.wrong_from("64:ff9b::127.0.0.1", FGW_BAD_SOURCE) == "");
    CHECK(judging.wrong_from("2002:7f00:1::", FGW_BAD_SOURCE) == "");
    CHECK(judging.wrong_from("2002:a42:102:1::1", FGW_BAD_SOURCE) == ""); /* 10.66.1.2 */
    for (const char *fine : {"2001:db8:f::192.0.2.241", "2002:c000:201::1", "2003:7f00:1::"}) {
        INFO(fine);
        CHECK(judging.at_lookup({.from = address6(fine), .to = permitted}) == "pass STEERED +1");
    }
}

TEST_CASE("decide: SOURCE_LIMIT is for the /64s in fgw_full, and after the rules") {
    Judging judging;
    judging.loaded.full("2001:db8:7:7::");
    CHECK(judging.wrong_from("2001:db8:7:7:1:2:3:4", FGW_SOURCE_LIMIT) == "");
    CHECK(judging.at_lookup({.from = address6("2001:db8:7:8::1"), .to = permitted}) ==
          "pass STEERED +1");
    CHECK(judging.wrong({.from = address6("2001:db8:7:7::1"), .to = permitted, .to_port = 25},
                        FGW_ACL_DENY) == "");
}

TEST_CASE("decide: with more than one thing wrong the first in order is said") {
    Judging judging;
    CHECK(
        judging.wrong({.from = address6("2002:7f00:1::"), .to = address6("3001:0:c633:6407:100::")},
                      FGW_BAD_EMBEDDING) == "");
    CHECK(
        judging.wrong({.from = address6("2002:7f00:1::"), .to = address6("2001:db8:f::127.0.0.1")},
                      FGW_BAD_SOURCE) == "");
}

TEST_CASE("decide: only the packet that opens a connection is judged by a guard") {
    Judging judging;
    judging.loaded.deny(FGW_DENY_SILENT);
    const auto outcome = [&](std::uint8_t flags) {
        const Bytes frame = Packet()
                                .eth()
                                .ip6({.destination = permitted})
                                .tcp({.destination_port = 25, .flags = flags})
                                .bytes();
        const Loaded::Counts before = judging.loaded.counts();
        REQUIRE(run_on_packet(judging.loaded.object().xdp_program(), frame));
        return moved(before, judging.loaded.counts());
    };
    for (const int flags : {0x00, 0x04, 0x10, 0x11, 0x14, 0x18, 0x12})
        CHECK(outcome(static_cast<std::uint8_t>(flags)) == "PASS_TCP +1");
    for (const int flags : {0x02, 0xc2, 0x0a, 0x22})
        CHECK(outcome(static_cast<std::uint8_t>(flags)) == "ACL_DENY +1");
}
