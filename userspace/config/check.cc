/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/complaints.h"
#include "config/config.h"
#include "config/stf.h"
#include "faith/abi.h"

#include <algorithm>
#include <map>

namespace faith::config {

namespace {

/* Two layouts for one prefix are no less a contradiction than the same one twice. */
void check_prefixes(const Faith &faith, Complaints &complaints) {
    std::map<Prefix6, std::string> seen;
    for (const PrefixEntry &entry : faith.prefixes) {
        const auto [earlier, is_new] = seen.emplace(entry.prefix.masked(), entry.where);
        if (!is_new)
            complaints.add(entry.where, "prefix " + to_string(entry.prefix) +
                                            " is given twice; first at " + earlier->second);
    }
    if (faith.prefixes.size() > FGW_MAX_PREFIXES)
        complaints.add(faith.prefixes[FGW_MAX_PREFIXES].where,
                       "more than " + std::to_string(FGW_MAX_PREFIXES) + " prefixes");
}

bool captured(const Faith &faith, std::uint16_t port) {
    return faith.ports.empty() ||
           std::any_of(faith.ports.begin(), faith.ports.end(), [port](const PortRange &range) {
               return range.first <= port && port <= range.last;
           });
}

void check_services(const Config &config, Complaints &complaints) {
    std::map<std::uint16_t, std::string> seen;
    for (const Service &service : config.services) {
        const auto [earlier, is_new] = seen.emplace(service.port, service.where);
        if (!is_new)
            complaints.add(service.where, "a second [[service]] for port " +
                                              std::to_string(service.port) + "; first at " +
                                              earlier->second);
        if (!captured(config.faith, service.port))
            complaints.add(service.where, "[[service]] for port " + std::to_string(service.port) +
                                              ", which is not among the captured ports");
    }
}

} // namespace

Status check(const Config &config) {
    Complaints complaints;
    check_prefixes(config.faith, complaints);
    check_services(config, complaints);
    check_stf(config.tunnels, complaints);
    if (!complaints.empty())
        return complaints.error();
    return Ok{};
}

std::vector<std::string> warnings(const Config &config) {
    std::vector<std::string> found;
    for (const Service &service : config.services)
        if (service.alg == Alg::Rlogin || service.alg == Alg::Rsh)
            found.push_back(service.where + ": servers of port " + std::to_string(service.port) +
                            " trust the host that a connection comes from, which is this gateway "
                            "for all its clients (RFC 3142 7)");
    return found;
}

} // namespace faith::config
