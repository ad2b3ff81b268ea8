/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The judge that the relay asks, composed of pure parts in the order of faithd (D22):
 * which prefix, which IPv4 address does it embed, is it one that no rule can open, what
 * do the rules say. One judge is immutable; a change makes a new one. The BPF programs have
 * judged each connection before, in the same order (bpf/lib/decide.h); asking once more
 * catches what came between, and says where to connect.
 */
#pragma once

#include "config/config.h"
#include "daemon/rule_set.h"
#include "prefix/prefix.h"
#include "relay/policy.h"

#include <functional>
#include <vector>

namespace faith::daemon {

/* A refusal, or a permission by a rule that says `log`. */
struct Judgement {
    relay::Request request;
    fgw_reason reason;
    Ip4 target;
    const acl::Rule *rule; /* null when no rule decided */
};

struct PolicyInputs {
    std::vector<prefix::FaithPrefix> prefixes;
    std::vector<Prefix6> exempt; /* taken out of the prefixes again (F2, F3) */
    RuleSetRef rules;
    std::vector<Prefix4> never;     /* targets that no rule opens */
    std::vector<Ip4> own_addresses; /* of the gateway, on any interface */
    std::vector<config::Service> services;
    config::Relay relay;
    std::uint32_t generation = 1;
    std::function<void(const Judgement &)> witness; /* from worker threads; may be empty */
};

relay::PolicyRef make_policy(PolicyInputs inputs);

} // namespace faith::daemon
