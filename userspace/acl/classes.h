/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Source prefixes with what their clients may reach. Two prefixes never share a class by
 * chance, since a rule names one source: a prefix that decides as the one around it does
 * is left out, and so is one whose addresses all belong to longer prefixes.
 */
#pragma once

#include "acl/compile.h"
#include "acl/destinations.h"

#include <vector>

namespace faith::acl {

struct SourceClass {
    Prefix6 source;
    std::size_t first = 0; /* in Classes::destinations */
    std::size_t end = 0;
};

struct Classes {
    std::vector<SourceClass> sources; /* by address, outside before inside */
    std::vector<Destination> destinations;
};

Result<Classes> classify(std::span<const Rule> rules, const Limits &limits, PortMaps &maps);

} // namespace faith::acl
