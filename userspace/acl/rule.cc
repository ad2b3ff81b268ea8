/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/rule.h"

#include <algorithm>

namespace faith::acl {

namespace {

/* The set of ports in one form: sorted, disjoint, not adjacent; empty is every port. */
std::vector<PortRange> normal_form(std::vector<PortRange> ports) {
    std::sort(ports.begin(), ports.end());
    std::vector<PortRange> merged;
    for (const PortRange &range : ports) {
        if (!merged.empty() && range.first <= merged.back().last + 1)
            merged.back().last = std::max(merged.back().last, range.last);
        else
            merged.push_back(range);
    }
    if (merged.size() == 1 && merged.front() == PortRange{})
        merged.clear();
    return merged;
}

std::string to_string(const PortRange &range) {
    std::string out = std::to_string(range.first);
    if (range.last != range.first)
        out += "-" + std::to_string(range.last);
    return out;
}

} // namespace

bool Rule::same_meaning(const Rule &other) const {
    return source.masked() == other.source.masked() && action == other.action &&
           target.masked() == other.target.masked() && bind_source == other.bind_source &&
           normal_form(ports) == normal_form(other.ports) &&
           limit_per_second == other.limit_per_second && log == other.log;
}

std::string to_string(const Rule &rule) {
    std::string out = to_string(rule.source);
    out += rule.action == Action::Permit ? " permit " : " deny ";
    out += to_string(rule.target);
    if (rule.bind_source)
        out += " " + to_string(*rule.bind_source);
    for (std::size_t i = 0; i < rule.ports.size(); i++)
        out += (i == 0 ? " port " : ",") + to_string(rule.ports[i]);
    if (rule.limit_per_second)
        out += " limit " + std::to_string(*rule.limit_per_second) + "/s";
    if (rule.log)
        out += " log";
    return out;
}

std::string origin(const Rule &rule) {
    if (rule.line == 0)
        return (rule.file.empty() ? "default rule" : rule.file) + " (" + to_string(rule) + ")";
    return rule.file + ":" + std::to_string(rule.line);
}

} // namespace faith::acl
