/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What follows from a configuration and a network; making it is tests/netns/stf_test.py. */
#include "daemon/tunnel.h"

#include <catch2/catch.hpp>

#include <cstring>

using namespace faith;
using namespace faith::daemon;

namespace {

config::Stf of_6to4(const char *address) {
    config::Stf stf;
    stf.uplink = "eth1";
    stf.address = *parse_prefix6(address);
    return stf;
}

config::Stf of_6rd(std::optional<const char *> border_relay) {
    config::Stf stf;
    stf.uplink = "eth1";
    stf.sixrd = config::Sixrd{.prefix = *parse_prefix6("2001:db8::/32"),
                              .ipv4_mask_len = 8,
                              .border_relay = {},
                              .ipv4 = *parse_ip4("10.1.2.3")};
    if (border_relay)
        stf.sixrd->border_relay = *parse_ip4(*border_relay);
    return stf;
}

sys::Interface interface(std::uint32_t index, const char *name, std::uint8_t mac) {
    return {.index = index,
            .name = name,
            .up = true,
            .mtu = 1480,
            .mac = {2, 0, 0, 0, 0, mac},
            .alias = ""};
}

sys::Address4 address4(const char *text, const char *broadcast = "0.0.0.0") {
    return {
        .interface_index = 3, .prefix = *parse_prefix4(text), .broadcast = *parse_ip4(broadcast)};
}

Network network_with(const std::vector<sys::Address4> &addresses) {
    Network network;
    network.interfaces = {interface(3, "eth1", 3), interface(7, "stf0", 7),
                          interface(8, "stf0-peer", 8)};
    network.addresses4 = addresses;
    return network;
}

std::uint32_t kinds_of(const Ip4Entries &entries, const char *address) {
    const auto bytes = parse_ip4(address)->bytes();
    for (const auto &[key, value] : entries)
        if (std::memcmp(key.address, bytes.data(), 4) == 0)
            return value.kinds;
    return 0;
}

} // namespace

TEST_CASE("tunnel: 6to4: its site, its on-link prefix, its peers (S9, S27)") {
    const Tunnel tunnel = make_tunnel(of_6to4("2002:c000:201::1/32"));
    CHECK(to_string(tunnel.shared) == "2002::/16");
    CHECK(to_string(tunnel.own) == "192.0.2.1");
    CHECK(to_string(tunnel.site) == "2002:c000:201::/48");
    CHECK(to_string(tunnel.address) == "2002:c000:201::1/32");
    CHECK(tunnel.peer_len == 16);
    CHECK(tunnel.peer == "stf0-peer");
    CHECK(tunnel.flags == (FGW_STF_6TO4 | FGW_STF_INPUT | FGW_STF_INGRESS | FGW_STF_ECN_LOG));
}

TEST_CASE(
    "tunnel: switches become flags: input, ingress filter, private addresses, the log of marks "
    "(S7, S8, S2, S30)") {
    config::Stf stf = of_6to4("2002:c000:201::1/16");
    stf.input = false;
    stf.ingress_filter = false;
    stf.permit_rfc1918 = true;
    stf.ecn = config::Ecn::Rfc6040;
    stf.ecn_log = false;
    const Tunnel tunnel = make_tunnel(stf);
    CHECK(tunnel.flags == (FGW_STF_6TO4 | FGW_STF_PRIVATE_OUTER | FGW_STF_PRIVATE_6TO4));
    CHECK(tunnel.ecn == FGW_ECN_RFC6040);
    stf.pmtu_discovery = true;
    CHECK(make_tunnel(stf).flags == (tunnel.flags | FGW_STF_PMTU));
}

TEST_CASE("tunnel: TCP's longest segment: as it is, what the MTU gives, or a number") {
    config::Stf stf = of_6to4("2002:c000:201::1/16");
    CHECK(make_tunnel(stf).mss == 0);
    stf.mss_clamp = 0;
    CHECK(make_tunnel(stf).mss == 1220);
    stf.mtu = 1480;
    CHECK(make_tunnel(stf).mss == 1420);
    stf.mss_clamp = 1000;
    CHECK(make_tunnel(stf).mss == 1000);
    const StfEntries entries =
        stf_entries({make_tunnel(stf)}, network_with({address4("192.0.2.1/24")}));
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].second.mss == 1000);
}

TEST_CASE("tunnel: 6rd: a site has its delegated prefix and a border relay (R16, R18)") {
    const Tunnel tunnel = make_tunnel(of_6rd("10.0.0.1"));
    CHECK(to_string(tunnel.site) == "2001:db8:102:300::/56");
    CHECK(to_string(tunnel.address) == "2001:db8:102:300::1/32");
    CHECK(to_string(*tunnel.border_relay) == "10.0.0.1");
    CHECK(tunnel.peer_len == 0);
    CHECK(tunnel.flags ==
          (FGW_STF_INPUT | FGW_STF_INGRESS | FGW_STF_PRIVATE_OUTER | FGW_STF_ECN_LOG));
}

TEST_CASE("tunnel: 6rd: who has no border relay, or is it, relays (R16)") {
    for (const std::optional<const char *> relay : {std::optional<const char *>(), {"10.1.2.3"}}) {
        const Tunnel tunnel = make_tunnel(of_6rd(relay));
        CHECK_FALSE(tunnel.border_relay);
        CHECK((tunnel.flags & FGW_STF_RELAYS) != 0);
    }
}

TEST_CASE("tunnel: two entries, while its address is on some interface and its device is up (S3)") {
    const std::vector<Tunnel> tunnels = {make_tunnel(of_6to4("2002:c000:201::1/16"))};
    Network network = network_with({address4("192.0.2.1/24")});
    const StfEntries entries = stf_entries(tunnels, network);
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].first.ifindex == 3);
    CHECK(entries[0].first.address[0] == 192);
    CHECK(entries[1].first.ifindex == 8);
    CHECK(entries[1].first.address[0] == 0);
    const fgw_stf &stf = entries[0].second;
    CHECK(stf.uplink == 3);
    CHECK(stf.device == 7);
    CHECK(stf.peer == 8);
    CHECK(stf.mtu == 1280); /* as configured: the device takes in more */
    CHECK(stf.device_mac[5] == 7);
    CHECK(stf.peer_mac[5] == 8);
    CHECK(std::memcmp(&stf, &entries[1].second, sizeof stf) == 0);
    CHECK(stf_entries(tunnels, network_with({address4("192.0.2.2/24")})).empty());
    network.interfaces[1].up = false;
    CHECK(stf_entries(tunnels, network).empty());
    network.interfaces.pop_back();
    CHECK(stf_entries(tunnels, network).empty());
}

TEST_CASE(
    "tunnel: local addresses: own ones, every broadcast, the sites of 6to4 tunnels (S16, R5)") {
    const std::vector<Tunnel> tunnels = {make_tunnel(of_6to4("2002:c000:201::1/16"))};
    const Ip4Entries entries =
        ip4_entries(tunnels, network_with({address4("192.0.2.1/24"), address4("10.0.0.1/30"),
                                           address4("10.0.1.1/31"), address4("10.0.2.1/32"),
                                           address4("10.0.3.1/24", "10.0.3.200")}));
    CHECK(kinds_of(entries, "192.0.2.1") == (FGW_IP4_OWN | FGW_IP4_SITE));
    CHECK(kinds_of(entries, "192.0.2.255") == FGW_IP4_BROADCAST);
    CHECK(kinds_of(entries, "10.0.0.3") == FGW_IP4_BROADCAST);
    CHECK(kinds_of(entries, "10.0.1.1") == FGW_IP4_OWN); /* RFC 3021: no broadcast there */
    CHECK(kinds_of(entries, "10.0.2.1") == FGW_IP4_OWN);
    CHECK(kinds_of(entries, "10.0.3.200") == FGW_IP4_BROADCAST);
    CHECK(kinds_of(entries, "10.0.3.255") == FGW_IP4_BROADCAST);
}

TEST_CASE("tunnel: what an uplink's MTU leaves of a tunnel's is said, above 1280 and below (S4)") {
    Tunnel tunnel;
    tunnel.uplink = "eth1";
    tunnel.mtu = 1480;
    CHECK(mtu_obstacle(tunnel, 1500) == "");
    CHECK(mtu_obstacle(tunnel, 1499) == "MTU 1480 and an outer header of 20 bytes do not fit the "
                                        "MTU of eth1, 1499");
    tunnel.mtu = 1280;
    CHECK(mtu_obstacle(tunnel, 1300) == "");
    CHECK(mtu_obstacle(tunnel, 1299) ==
          "MTU 1280 and an outer header of 20 bytes do not fit the MTU of eth1, 1299, which leaves "
          "less than the 1280 that IPv6 needs: every full packet is cut in two");
}
