/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/status.h"

#include "daemon/capture.h"
#include "daemon/kernel_view.h"
#include "daemon/network.h"
#include "datapath/dataplane.h"
#include "faith/names.h"
#include "sys/rtnl.h"

namespace faith::daemon {

namespace {

std::uint64_t at(const std::vector<std::uint64_t> &sums, std::size_t index) {
    return index < sums.size() ? sums[index] : 0;
}

Json reasons_json(const StatusReport &report) {
    const relay::Totals none{};
    const relay::Totals &relay = report.relay ? *report.relay : none;
    Json reasons = Json::object();
#define ENTRY(name, number, origin, sentence)                                                      \
    reasons[#name] = at(report.kernel_reasons, number) + relay.reasons[number] +                   \
                     report.slow_path_reasons[number];
#define RETIRED(number)
    FGW_REASONS(ENTRY, RETIRED)
#undef ENTRY
#undef RETIRED
    return reasons;
}

Json relay_json(const std::optional<relay::Totals> &totals) {
    const relay::Totals t = totals.value_or(relay::Totals{});
    return {{"workers", t.workers},
            {"sessions_active", t.sessions_active},
            {"sessions_total", t.sessions_total},
            {"bytes_to_server", t.bytes_to_server},
            {"bytes_to_client", t.bytes_to_client},
            {"bytes_spliced", t.bytes_spliced},
            {"connect_failures", t.reasons[FGW_CONNECT_REFUSED] + t.reasons[FGW_CONNECT_TIMEOUT] +
                                     t.reasons[FGW_CONNECT_FAILED]}};
}

Result<std::vector<StatusReport::OnInterface>> interfaces_with_xdp(const datapath::Maps &maps) {
    std::vector<StatusReport::OnInterface> found;
    TRY_ASSIGN(const std::vector<sys::Interface> interfaces, sys::list_interfaces());
    for (const sys::Interface &interface : interfaces) {
        const auto mode = datapath::query_xdp(interface.index);
        if (!mode || !*mode)
            continue;
        TRY_ASSIGN(const auto entry, maps.interfaces.find(interface.index));
        found.push_back({.name = interface.name,
                         .index = interface.index,
                         .mode = datapath::mode_name(**mode),
                         .fast_path = entry && entry->forwards != 0});
    }
    return found;
}

/* Tunnels as their map has them: those that are active. */
Result<std::vector<StatusReport::OnTunnel>> tunnels_in(const datapath::Maps &maps) {
    TRY_ASSIGN(const auto entries, maps.stf.entries());
    TRY_ASSIGN(const Network network, read_network());
    std::vector<StatusReport::OnTunnel> found;
    for (const auto &[key, value] : entries) {
        const sys::Interface *device = network.by_index(value.device);
        const sys::Interface *uplink = network.by_index(value.uplink);
        if (key.ifindex != value.uplink || device == nullptr || uplink == nullptr)
            continue; // the entry of the other direction, or a device that is gone
        const auto address =
            std::find_if(network.addresses6.begin(), network.addresses6.end(),
                         [&](const sys::Address6 &a) { return a.interface_index == value.device; });
        found.push_back(
            {.name = device->name,
             .uplink = uplink->name,
             .address = address == network.addresses6.end() ? "" : to_string(address->prefix),
             .ipv4 = to_string(Ip4::from_bytes(value.address)),
             .fast_path = (value.flags & FGW_STF_FAST) != 0,
             .active = true,
             .rx_packets = device->rx_packets,
             .tx_packets = device->tx_packets});
    }
    return found;
}

} // namespace

Json to_json(const StatusReport &report) {
    Json interfaces = Json::array();
    for (const StatusReport::OnInterface &interface : report.interfaces)
        interfaces.push_back({{"name", interface.name},
                              {"ifindex", interface.index},
                              {"xdp_mode", interface.mode},
                              {"fast_path", interface.fast_path}});
    Json prefixes = Json::array();
    for (const prefix::FaithPrefix &prefix : report.prefixes)
        prefixes.push_back(
            {{"prefix", to_string(prefix.prefix)}, {"layout", prefix::layout_name(prefix.layout)}});
    Json tunnels = Json::array();
    for (const StatusReport::OnTunnel &tunnel : report.tunnels)
        tunnels.push_back({{"name", tunnel.name},
                           {"uplink", tunnel.uplink},
                           {"address", tunnel.address},
                           {"ipv4", tunnel.ipv4},
                           {"active", tunnel.active},
                           {"fast_path", tunnel.fast_path},
                           {"rx_packets", tunnel.rx_packets},
                           {"tx_packets", tunnel.tx_packets}});
    Json services = Json::array();
    for (const datapath::Service &service : report.services)
        services.push_back(to_json(service));
    Json local = Json::array();
    for (const LocalServices::Report &service : report.local)
        local.push_back({{"port", service.port},
                         {"path", service.path},
                         {"running", service.counts.running},
                         {"started", service.counts.started},
                         {"refused", service.counts.refused}});
    return {
        {"version", FGW_VERSION},
        {"loaded", report.loaded},
        {"interfaces", std::move(interfaces)},
        {"prefixes", std::move(prefixes)},
        {"keepfaith", report.keepfaith},
        {"acl",
         {{"file", report.acl_file}, {"generation", report.generation}, {"rules", report.rules}}},
        {"relay", relay_json(report.relay)},
        {"services", std::move(services)},
        {"stf", std::move(tunnels)},
        {"local", std::move(local)},
        {"reasons", reasons_json(report)}};
}

std::vector<StatusReport::OnTunnel> report_tunnels(const std::vector<Tunnel> &tunnels,
                                                   const Network &network) {
    std::vector<StatusReport::OnTunnel> reports;
    for (const Tunnel &tunnel : tunnels) {
        const sys::Interface *device = network.by_name(tunnel.name);
        reports.push_back({.name = tunnel.name,
                           .uplink = tunnel.uplink,
                           .address = to_string(tunnel.address),
                           .ipv4 = to_string(tunnel.own),
                           .fast_path = (tunnel.flags & FGW_STF_FAST) != 0,
                           .active = !stf_entries({tunnel}, network).empty(),
                           .rx_packets = device == nullptr ? 0 : device->rx_packets,
                           .tx_packets = device == nullptr ? 0 : device->tx_packets});
    }
    return reports;
}

Result<Json> status_from_pins(const Instance &instance) {
    StatusReport report;
    Result<datapath::PinnedMaps> opened =
        datapath::open_pinned_maps(datapath::Pins(instance.netns_inode));
    if (!opened && opened.error().kind == Errc::NotLoaded)
        return to_json(report);
    if (!opened)
        return std::move(opened).error();
    const datapath::Maps &maps = opened->maps;
    report.loaded = true;
    TRY_ASSIGN(report.interfaces, interfaces_with_xdp(maps));
    TRY_ASSIGN(report.prefixes, read_prefixes(maps));
    TRY_ASSIGN(report.tunnels, tunnels_in(maps));
    TRY_ASSIGN(report.services, datapath::list_services(maps));
    TRY_ASSIGN(const auto config, maps.config.find(0));
    report.keepfaith = config && config->keepfaith != 0;
    TRY_ASSIGN(report.kernel_reasons, maps.reasons.sums(FGW_REASON_MAX));
    return to_json(report);
}

} // namespace faith::daemon
