/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A healthy gateway as the doctor sees it, for tests that spoil one thing at a time. */
#pragma once

#include "daemon/doctor.h"

#include <catch2/catch.hpp>

#include <linux/rtnetlink.h>

#include <string>

namespace faith::daemon::doctor_world {

inline constexpr const char *captured = "2001:db8:ffff::/96";

inline sys::Interface interface(std::uint32_t index, const char *name, std::uint32_t mtu = 1500) {
    sys::Interface made;
    made.index = index;
    made.name = name;
    made.up = true;
    made.mtu = mtu;
    return made;
}

inline sys::Route6 route(const char *to, std::uint32_t index, std::uint8_t type = RTN_UNICAST,
                         std::uint32_t table = RT_TABLE_MAIN) {
    return {.destination = *parse_prefix6(to),
            .table = table,
            .type = type,
            .protocol = 0,
            .metric = 1024,
            .interface_index = index};
}

/* eth0 for clients, eth1 to the Internet, a tunnel over eth1, all as it should be. */
inline Snapshot healthy() {
    Snapshot seen;
    seen.loaded = seen.daemon = true;
    seen.interfaces = {"eth0", "eth1"};
    seen.prefixes = {{.prefix = *parse_prefix6(captured)}};
    config::Stf stf;
    stf.uplink = "eth1";
    stf.address = *parse_prefix6("2002:c000:201::1/16");
    seen.tunnels = make_tunnels({stf});
    seen.network.interfaces = {interface(1, "lo", 65536), interface(2, "eth0"),
                               interface(3, "eth1"), interface(4, "stf0"),
                               interface(5, "stf0-peer")};
    seen.network.addresses4 = {
        {.interface_index = 3, .prefix = *parse_prefix4("192.0.2.1/24"), .broadcast = {}}};
    seen.network.addresses6 = {
        {.interface_index = 2, .prefix = *parse_prefix6("2002:c000:201:1::1/64")},
        {.interface_index = 4, .prefix = *parse_prefix6("2002:c000:201::1/16")}};
    seen.network.routes = {route(captured, 1, RTN_LOCAL), route("2002::/16", 4),
                           route("2002:c000:201::/48", 0, RTN_BLACKHOLE)};
    for (const sys::Interface &each : seen.network.interfaces)
        seen.devices[each.name] = {.xdp = {}, .forwards6 = true};
    for (const char *name : {"eth0", "eth1"})
        seen.devices[name].xdp = Device::Xdp{.name = "fgw_xdp_ingress", .ours = true};
    seen.dns64 =
        Dns64{.addresses = {prefix::embed(seen.prefixes.front(), *parse_ip4("192.0.0.170"))},
              .failure = ""};
    return seen;
}

/* "problem mtu stf0; note xdp eth0", and each problem says what to do. */
inline std::string diagnosis(const Snapshot &seen) {
    std::string text;
    for (const Finding &finding : diagnose(seen)) {
        const bool problem = finding.severity == Severity::Problem;
        text += std::string(text.empty() ? "" : "; ") + (problem ? "problem " : "note ") +
                finding.check + " " + finding.about;
        CHECK_FALSE(finding.says.empty());
        CHECK((!problem || !finding.remedy.empty()));
    }
    return text;
}

inline sys::Interface &named(Snapshot &seen, const char *name) {
    return const_cast<sys::Interface &>(*seen.network.by_name(name));
}

} // namespace faith::daemon::doctor_world
