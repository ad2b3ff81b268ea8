/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the operator wrote in faithd.conf, one line each (D24). */
#pragma once

#include "base/addr.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace faith::acl {

enum class Action { Permit, Deny };

struct PortRange {
    std::uint16_t first = 1;
    std::uint16_t last = 65535; /* inclusive */
    auto operator<=>(const PortRange &) const = default;
};

struct Rule {
    Prefix6 source;
    Action action = Action::Deny;
    Prefix4 target;
    std::optional<Ip4> bind_source; /* the 4th word: local address of the IPv4 connection */
    std::vector<PortRange> ports;   /* empty: every port */
    std::optional<std::uint32_t> limit_per_second; /* "limit N/s"; enforced by issue 4 */
    bool log = false;                              /* "log": say each decision of this rule */
    std::string file;       /* as given by the operator; "" for derived rules */
    std::uint32_t line = 0; /* 1-based; 0 for derived rules */

    bool same_meaning(const Rule &other) const; /* file and line aside */
};

/* Prints a rule so that parse() gives the same rule again. */
std::string to_string(const Rule &rule);
/* "faithd.conf:7", or what a derived rule stands for. */
std::string origin(const Rule &rule);

} // namespace faith::acl
