/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From options and files to a Plan: everything `load` will do, checked, with nothing
 * done yet. `check` is this and nothing else; `load` starts here, so a mistake in any
 * file is found while the kernel is still untouched.
 */
#pragma once

#include "acl/rule.h"
#include "config/config.h"
#include "daemon/rule_set.h"
#include "datapath/link.h"
#include "prefix/prefix.h"

#include <optional>
#include <string>
#include <vector>

namespace faith::daemon {

inline constexpr const char *default_config = "/etc/faith-gw/faith-gw.toml";
inline constexpr const char *fallback_acl = "/etc/faithd.conf";
inline constexpr const char *default_acl_name = "faithd.conf"; /* beside the configuration */

/* What the command line says; it wins over the file. */
struct Options {
    std::vector<std::string> interfaces;
    std::optional<std::string> config;
    std::vector<std::string> prefixes;
    std::optional<std::string> acl;
    std::vector<std::string> permits; /* SRC6/LEN */
    datapath::XdpMode xdp = datapath::XdpMode::Auto;
    bool foreground = false;
    bool relay = true;
    bool tunnels_alone = false; /* no interface is named: nothing is captured */
};

struct Plan {
    Options options;
    config::Config config;
    std::string config_file; /* "" when the defaults serve */
    std::vector<prefix::FaithPrefix> prefixes;
    std::string acl_file; /* "" when there is none and the default rules serve */
    std::vector<acl::Rule> permits;
    RuleSetRef rules; /* the permits, then those of the file */
    /* Two plans with the same fingerprint load the same gateway, interfaces aside. */
    std::string fingerprint;
};

/* `before`: the rules in force, whose slots stay with them (a reload). */
Result<Plan> make_plan(const Options &options, const RuleSet *before = nullptr);

/* Of the configuration and of the rules in force. */
std::vector<std::string> warnings_of(const Plan &plan, const RuleSet &rules);

/* Without an ACL file: the networks of the loaded interfaces may reach any IPv4 address
 * that is permitted at all, nothing else may. Link-local sources are left out: they
 * exist on every link, so the prefix would not say which one is meant. */
std::vector<acl::Rule> default_rules(const std::vector<Prefix6> &interface_networks);

/* IPv4 targets that no rule opens: the built-in ones and the operator's. */
std::vector<Prefix4> never_targets(const config::Faith &faith);

/* Plan and present networks -> the list that is in force. */
Result<RuleSetRef> effective_rules(const Plan &plan, const std::vector<Prefix6> &interface_networks,
                                   const RuleSet *before = nullptr);

} // namespace faith::daemon
