/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/fast_path.h"

#include <algorithm>

namespace faith::daemon {

namespace {

/* By their ethtool names, those that send frames of XDP (ndo_xdp_xmit) wherever they run XDP
 * themselves, from Linux 6.1 on. One left out costs speed, one too many would cost packets. */
constexpr std::string_view drivers[] = {
    "atlantic", "bnxt_en", "ena",    "fec",        "fsl_dpa",      "gve",     "hv_netvsc",
    "i40e",     "ice",     "igb",    "igc",        "ixgbe",        "lan966x", "mlx5_core",
    "mvneta",   "mvpp2",   "netsec", "qede",       "rvu-nicpf",    "sfc",     "st_gmac",
    "tsnep",    "tun",     "veth",   "virtio_net", "xen_netfront",
};

} // namespace

bool has_fast_path(const std::vector<Tunnel> &tunnels) {
    return std::ranges::any_of(
        tunnels, [](const Tunnel &tunnel) { return (tunnel.flags & FGW_STF_FAST) != 0; });
}

std::string fast_path_obstacle(datapath::XdpMode mode, std::string_view driver) {
    if (mode != datapath::XdpMode::Native)
        return "its XDP is generic";
    if (std::ranges::find(drivers, driver) == std::end(drivers))
        return "its driver" + (driver.empty() ? std::string() : " " + std::string(driver)) +
               " is not known to send frames of XDP";
    return "";
}

std::string fast_path_note(const std::string &interface, datapath::XdpMode mode,
                           std::string_view driver) {
    const std::string obstacle = fast_path_obstacle(mode, driver);
    if (!obstacle.empty())
        return interface + " takes no part in the fast path: " + obstacle;
    if (driver == "veth")
        return "fast path on " + interface +
               ", which is a veth: its far end needs `ethtool -K ... tx off gro on`, or TCP breaks";
    return "";
}

} // namespace faith::daemon
