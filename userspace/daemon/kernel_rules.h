/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A set of rules as the kernel gets it, after the set before. Pure. */
#pragma once

#include "acl/tables.h"
#include "daemon/rule_set.h"
#include "datapath/acl_publisher.h"

namespace faith::daemon {

struct KernelRules {
    acl::Tables tables;
    datapath::AclUpdate update; /* refers to the tables */
};

/* `before` is null when nothing is in force. */
KernelRules kernel_rules(const RuleSet &rules, const RuleSet *before, std::uint32_t generation);

} // namespace faith::daemon
