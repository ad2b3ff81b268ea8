/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/config.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::config;

namespace {

Config config_of(const std::string &text) {
    const Result<Config> parsed = parse(text, "f");
    INFO(text);
    REQUIRE(parsed);
    return *parsed;
}

/* The words of the only complaint, without its place. */
std::string complaint(const std::string &keys) {
    const Result<Config> parsed = parse("[[stf]]\n" + keys, "f");
    if (parsed)
        return "";
    const std::string &text = parsed.error().text;
    return text.substr(text.find(": ") + 2);
}

const std::string uplink = "uplink = \"eth1\"\n";
const std::string six_to_four = uplink + "address = \"2002:c000:201::1/16\"\n";

std::string sixrd(const std::string &keys) { return uplink + "sixrd = { " + keys + " }\n"; }

} // namespace

TEST_CASE("stf: a tunnel by its uplink and its address, the rest as stf(4) had it (S4, S8)") {
    const Config config = config_of("[[stf]]\n" + six_to_four);
    REQUIRE(config.tunnels.size() == 1);
    const Stf &stf = config.tunnels[0];
    CHECK(stf.name == "stf0");
    CHECK(stf.uplink == "eth1");
    CHECK(to_string(*stf.address) == "2002:c000:201::1/16");
    CHECK(to_string(own_ip4(stf)) == "192.0.2.1");
    CHECK(stf.input);
    CHECK(stf.ecn == Ecn::Copy);
    CHECK(stf.ecn_log);
    CHECK(stf.ingress_filter);
    CHECK_FALSE(stf.permit_rfc1918);
    CHECK(stf.mtu == 1280);
    CHECK(stf.ttl == 64);
    CHECK_FALSE(stf.pmtu_discovery);
    CHECK_FALSE(stf.mss_clamp);
    CHECK(config_of("").tunnels.empty()); /* off unless asked for (R6) */
}

TEST_CASE("stf: every key is read") {
    const Stf stf =
        config_of("[[stf]]\nname = \"tun6\"\n" + six_to_four +
                  "input = false\necn = \"rfc6040\"\necn_log = false\ningress_filter = false\n"
                  "permit_rfc1918 = true\nmtu = 1480\nttl = 40\nfast_path = true\n"
                  "pmtu_discovery = true\nmss_clamp = 1200\n")
            .tunnels[0];
    CHECK(stf.name == "tun6");
    CHECK_FALSE(stf.input);
    CHECK(stf.ecn == Ecn::Rfc6040);
    CHECK_FALSE(stf.ecn_log);
    CHECK_FALSE(stf.ingress_filter);
    CHECK(stf.permit_rfc1918);
    CHECK(stf.mtu == 1480);
    CHECK(stf.ttl == 40);
    CHECK(stf.pmtu_discovery);
    CHECK(stf.mss_clamp == 1200);
}

TEST_CASE("stf: mss_clamp is off, auto, or a number") {
    const auto clamp = [](const std::string &value) {
        return config_of("[[stf]]\n" + six_to_four + "mss_clamp = " + value + "\n")
            .tunnels[0]
            .mss_clamp;
    };
    CHECK_FALSE(clamp("\"off\""));
    CHECK(clamp("\"auto\"") == 0);
    CHECK(clamp("536") == 536);
    CHECK(clamp("65455") == 65455);
    for (const char *bad : {"535", "65456", "0", "\"on\"", "true", "\"1200\""})
        CHECK_FALSE(complaint(six_to_four + "mss_clamp = " + bad + "\n").empty());
}

TEST_CASE("stf: 6rd by its four numbers and the own address (R16)") {
    const Stf stf = config_of("[[stf]]\n" + sixrd("prefix = \"2001:db8::/32\", ipv4_mask_len = 8, "
                                                  "border_relay = \"10.0.0.1\", "
                                                  "ipv4 = \"10.1.2.3\""))
                        .tunnels[0];
    REQUIRE(stf.sixrd);
    CHECK(to_string(stf.sixrd->prefix) == "2001:db8::/32");
    CHECK(stf.sixrd->ipv4_mask_len == 8);
    CHECK(to_string(*stf.sixrd->border_relay) == "10.0.0.1");
    CHECK(to_string(own_ip4(stf)) == "10.1.2.3");
}

TEST_CASE("stf: several tunnels, each with its name and its end of an uplink (S1)") {
    const std::string second = "[[stf]]\nname = \"stf1\"\nuplink = \"eth2\"\n"
                               "address = \"2002:c000:201::1/16\"\n";
    CHECK(config_of("[[stf]]\n" + six_to_four + second).tunnels.size() == 2);
    CHECK(complaint(six_to_four + "[[stf]]\n" + six_to_four)
              .starts_with("a second [[stf]] called stf0"));
    CHECK(complaint(six_to_four + "[[stf]]\nname = \"stf1\"\n" + six_to_four)
              .starts_with("a second [[stf]] with 192.0.2.1 on eth1"));
}

TEST_CASE("stf: what cannot be a tunnel is refused with the reason (S2)") {
    const auto address = [](const std::string &text) {
        return complaint(uplink + "address = \"" + text + "\"\n");
    };
    CHECK(
        complaint("address = \"2002:c000:201::1/16\"\n").starts_with("a [[stf]] needs its uplink"));
    CHECK(complaint(uplink).starts_with("a [[stf]] needs its address (6to4) or its sixrd"));
    CHECK(complaint(six_to_four + "sixrd = { prefix = \"2001:db8::/32\", ipv4 = \"192.0.2.1\" }")
              .find("not both") != std::string::npos);
    CHECK(address("2001:db8::1/16").find("is not a 6to4 address") != std::string::npos);
    CHECK(address("2002:c000:201::1").find("has no length") != std::string::npos);
    CHECK(address("2002:c000:201::1/15").find("the length is 16") != std::string::npos);
    CHECK(address("2002:c000:201::1/49").find("the length is 16") != std::string::npos);
    CHECK(address("2002:c000:201::1/48").empty());
    for (const char *bad : {"2002:7f00:1::1/16", "2002:0:1::1/16", "2002:e000:1::1/16",
                            "2002:ffff:ffff::1/16", "2002:a9fe:1::1/16"})
        CHECK(address(bad).find("cannot be an end of a tunnel") != std::string::npos);
    for (const char *bad : {"2002:a00:1::1/16", "2002:ac10:1::1/16", "2002:c0a8:1::1/16"}) {
        CHECK(address(bad).find("needs a global address") != std::string::npos);
        CHECK(complaint(uplink + "permit_rfc1918 = true\naddress = \"" + bad + "\"\n").empty());
    }
}

TEST_CASE("stf: a 6rd domain leaves a /64 for each site (R16)") {
    CHECK(complaint(sixrd("prefix = \"2001:db8::/32\", ipv4 = \"10.1.2.3\"")).empty());
    CHECK(
        complaint(sixrd("prefix = \"2001:db8::/33\", ipv4 = \"10.1.2.3\"")).find("leave no /64") !=
        std::string::npos);
    CHECK(complaint(sixrd("prefix = \"2001:db8::/40\", ipv4_mask_len = 8, ipv4 = \"10.1.2.3\""))
              .empty());
    CHECK(complaint(sixrd("prefix = \"2001:db8::1/32\", ipv4 = \"10.1.2.3\""))
              .find("has host bits set") != std::string::npos);
    CHECK(complaint(sixrd("ipv4 = \"10.1.2.3\"")).find("sixrd needs its prefix") == 0);
    CHECK(complaint(sixrd("prefix = \"2001:db8::/32\"")).find("sixrd needs its ipv4") == 0);
    CHECK(complaint(sixrd("prefix = \"2001:db8::/32\", ipv4 = \"127.0.0.1\""))
              .find("cannot be an end") != std::string::npos);
    CHECK(complaint(sixrd("prefix = \"2001:db8::/32\", ipv4 = \"10.1.2.3\", "
                          "border_relay = \"224.0.0.1\""))
              .find("cannot be a border relay") != std::string::npos);
}

TEST_CASE("stf: numbers and names out of their range are refused (S4, S5)") {
    CHECK_FALSE(complaint(six_to_four + "mtu = 1279\n").empty());
    CHECK_FALSE(complaint(six_to_four + "mtu = 65516\n").empty());
    CHECK_FALSE(complaint(six_to_four + "ttl = 0\n").empty());
    CHECK_FALSE(complaint(six_to_four + "ttl = 256\n").empty());
    CHECK_FALSE(complaint(six_to_four + "ecn = \"yes\"\n").empty());
    CHECK_FALSE(complaint(six_to_four + "name = \"elevenchars\"\n").empty());
    CHECK_FALSE(complaint(six_to_four + "name = \"a/b\"\n").empty());
    CHECK_FALSE(complaint(six_to_four + "name = \"\"\n").empty());
    CHECK(complaint(six_to_four + "name = \"tencharact\"\n").empty());
    CHECK(complaint(six_to_four + "fast_path = 1\n").find("true or false") != std::string::npos);
}
