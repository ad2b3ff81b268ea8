/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* map: IPv4 to its address in each prefix, or an address of a prefix to its IPv4. */
#include "cli/commands.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace faith::cli {

namespace {

using Mapping = std::pair<std::string, std::string>; /* address, prefix */

std::vector<Mapping> to_ip6(Ip4 address, const std::vector<prefix::FaithPrefix> &prefixes) {
    std::vector<Mapping> mapped;
    for (const prefix::FaithPrefix &prefix : prefixes)
        mapped.emplace_back(to_string(prefix::embed(prefix, address)), to_string(prefix.prefix));
    return mapped;
}

Result<std::vector<Mapping>> to_ip4(const Ip6 &address,
                                    const std::vector<prefix::FaithPrefix> &prefixes) {
    const prefix::FaithPrefix *found = prefix::find(prefixes, address);
    if (found == nullptr)
        return Error{.kind = Errc::System,
                     .sys_errno = 0,
                     .text = to_string(address) + " is in none of the prefixes"};
    const prefix::Extracted extracted = prefix::extract(*found, address);
    if (extracted.embedding != prefix::Embedding::Good)
        return Error{.kind = Errc::System,
                     .sys_errno = 0,
                     .text = to_string(address) + " embeds no IPv4 address: bits 64 to 71 must "
                                                  "be zero (RFC 6052 2.2)"};
    return std::vector<Mapping>{{to_string(extracted.address), to_string(found->prefix)}};
}

Result<std::vector<Mapping>> map(const std::string &text,
                                 const std::vector<prefix::FaithPrefix> &prefixes) {
    if (const Result<Ip4> ip4 = parse_ip4(text))
        return to_ip6(*ip4, prefixes);
    if (const Result<Ip6> ip6 = parse_ip6(text))
        return to_ip4(*ip6, prefixes);
    return invalid("'" + text + "' is neither an IPv4 nor an IPv6 address");
}

} // namespace

int cmd_map(const std::string &address, const daemon::Options &options, Output output) {
    const Result<daemon::Plan> plan = daemon::make_plan(options);
    if (!plan)
        return fail(plan.error());
    const Result<std::vector<Mapping>> mapped = map(address, plan->prefixes);
    if (!mapped)
        return fail(mapped.error());
    nlohmann::json list = nlohmann::json::array();
    for (const auto &[to, prefix] : *mapped) {
        if (output == Output::Text)
            std::printf("%s\n", to.c_str());
        list.push_back({{"from", address}, {"to", to}, {"prefix", prefix}});
    }
    if (output == Output::Json)
        std::printf("%s\n", list.dump(2).c_str());
    return 0;
}

} // namespace faith::cli
