/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What `faith-gw status` says, from a running daemon or from pins alone, as the JSON that
 * scripts rely on (faith-gw(8), "JSON"). */
#pragma once

#include "daemon/control.h"
#include "daemon/instance.h"
#include "daemon/local_services.h"
#include "daemon/tunnel.h"
#include "datapath/services.h"
#include "faith/reasons.h"
#include "prefix/prefix.h"
#include "relay/stats.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace faith::daemon {

struct StatusReport {
    struct OnInterface {
        std::string name;
        std::uint32_t index = 0;
        std::string mode;       /* "native", "generic", "absent" */
        bool fast_path = false; /* takes part in that of the tunnels */
    };
    struct OnTunnel {
        std::string name;
        std::string uplink;
        std::string address;    /* of the device */
        std::string ipv4;       /* our end */
        bool fast_path = false; /* configured */
        bool active = false;    /* that address is on the gateway, the device is up */
        std::uint64_t rx_packets = 0;
        std::uint64_t tx_packets = 0;
    };
    bool loaded = false;
    std::vector<OnInterface> interfaces;
    std::vector<prefix::FaithPrefix> prefixes;
    bool keepfaith = false;
    std::string acl_file; /* "": the default rules */
    std::uint32_t generation = 0;
    std::size_t rules = 0;
    std::vector<OnTunnel> tunnels;
    std::vector<datapath::Service> services;
    std::vector<LocalServices::Report> local;
    std::optional<relay::Totals> relay;        /* nothing: no relay runs */
    std::vector<std::uint64_t> kernel_reasons; /* by enum fgw_reason; may be empty */
    std::array<std::uint64_t, FGW_REASON_MAX> slow_path_reasons{};
};

Json to_json(const StatusReport &report);

/* The tunnels as the network has them: counters are those of the device. */
std::vector<StatusReport::OnTunnel> report_tunnels(const std::vector<Tunnel> &tunnels,
                                                   const Network &network);

/* The status when no daemon answers: what the pins tell, or `loaded: false`. */
Result<Json> status_from_pins(const Instance &instance);

} // namespace faith::daemon
