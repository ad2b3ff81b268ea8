/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/fast_path.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::daemon;
using datapath::XdpMode;

TEST_CASE("fast_path: native XDP and a driver that sends frames of XDP, else the reason why not") {
    CHECK(fast_path_obstacle(XdpMode::Native, "ixgbe") == "");
    CHECK(fast_path_obstacle(XdpMode::Generic, "ixgbe") == "its XDP is generic");
    CHECK(fast_path_obstacle(XdpMode::Native, "thunder") ==
          "its driver thunder is not known to send frames of XDP");
    CHECK(fast_path_obstacle(XdpMode::Native, "") ==
          "its driver is not known to send frames of XDP");
}

TEST_CASE("fast_path: an operator hears of interfaces that take no part, and of veth") {
    CHECK(fast_path_note("eth0", XdpMode::Native, "virtio_net") == "");
    CHECK(fast_path_note("eth0", XdpMode::Generic, "virtio_net") ==
          "eth0 takes no part in the fast path: its XDP is generic");
    CHECK(fast_path_note("eth0", XdpMode::Native, "veth").find("tx off gro on") !=
          std::string::npos);
}

TEST_CASE("fast_path: it is there when one tunnel has it, and tells so in its map") {
    config::Stf stf;
    stf.uplink = "eth1";
    stf.address = *parse_prefix6("2002:c000:201::1/16");
    CHECK_FALSE(has_fast_path(make_tunnels({stf})));
    stf.fast_path = true;
    const std::vector<Tunnel> tunnels = make_tunnels({stf});
    CHECK(has_fast_path(tunnels));
    Network network;
    for (const auto &[index, name] : {std::pair(3U, "eth1"), {7U, "stf0"}, {8U, "stf0-peer"}}) {
        sys::Interface interface;
        interface.index = index;
        interface.name = name;
        interface.up = true;
        network.interfaces.push_back(interface);
    }
    network.addresses4 = {
        {.interface_index = 3, .prefix = *parse_prefix4("192.0.2.1/24"), .broadcast = {}}};
    const StfEntries entries = stf_entries(tunnels, network);
    REQUIRE(entries.size() == 3);
    CHECK(entries[2].first.ifindex == 7);
    CHECK((entries[2].second.flags & FGW_STF_FAST) != 0);
}
