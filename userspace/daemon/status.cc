/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/status.h"

#include "daemon/kernel_view.h"
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
    reasons[#name] = at(report.kernel_reasons, number) + relay.reasons[number];
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

Result<std::vector<StatusReport::OnInterface>> interfaces_with_xdp() {
    std::vector<StatusReport::OnInterface> found;
    TRY_ASSIGN(const std::vector<sys::Interface> interfaces, sys::list_interfaces());
    for (const sys::Interface &interface : interfaces) {
        const auto mode = datapath::query_xdp(interface.index);
        if (mode && *mode)
            found.push_back({.name = interface.name,
                             .index = interface.index,
                             .mode = datapath::mode_name(**mode)});
    }
    return found;
}

} // namespace

Json to_json(const StatusReport &report) {
    Json interfaces = Json::array();
    for (const StatusReport::OnInterface &interface : report.interfaces)
        interfaces.push_back(
            {{"name", interface.name}, {"ifindex", interface.index}, {"xdp_mode", interface.mode}});
    Json prefixes = Json::array();
    for (const prefix::FaithPrefix &prefix : report.prefixes)
        prefixes.push_back(
            {{"prefix", to_string(prefix.prefix)}, {"layout", prefix::layout_name(prefix.layout)}});
    return {
        {"version", FGW_VERSION},
        {"loaded", report.loaded},
        {"interfaces", std::move(interfaces)},
        {"prefixes", std::move(prefixes)},
        {"keepfaith", report.keepfaith},
        {"acl",
         {{"file", report.acl_file}, {"generation", report.generation}, {"rules", report.rules}}},
        {"relay", relay_json(report.relay)},
        {"stf", Json::array()},
        {"reasons", reasons_json(report)}};
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
    TRY_ASSIGN(report.interfaces, interfaces_with_xdp());
    TRY_ASSIGN(report.prefixes, read_prefixes(maps));
    TRY_ASSIGN(const auto config, maps.config.find(0));
    report.keepfaith = config && config->keepfaith != 0;
    TRY_ASSIGN(report.kernel_reasons, maps.reasons.sums(FGW_REASON_MAX));
    return to_json(report);
}

} // namespace faith::daemon
