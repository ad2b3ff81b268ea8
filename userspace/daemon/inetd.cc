/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/inetd.h"

#include "base/log.h"
#include "daemon/data_ports.h"
#include "daemon/kernel_view.h"
#include "daemon/local_service.h"
#include "daemon/network.h"
#include "daemon/policy.h"
#include "daemon/reason_text.h"
#include "daemon/state.h"
#include "daemon/witness.h"
#include "relay/single.h"
#include "sys/handed.h"
#include "sys/spawn.h"

#include <algorithm>

namespace faith::daemon {

namespace {

/* Whether it is for the local daemon. IPv4 clients can mean nobody else. */
Result<bool> is_for_us(const sys::Endpoint6 &here) {
    if (!here.address.is_v4_mapped())
        return is_own_now(here);
    TRY_ASSIGN(const std::vector<sys::Address4> own, sys::list_addresses4());
    const Ip4 address = Ip4::from_bytes(here.address.bytes.data() + 12);
    return std::ranges::any_of(
        own, [&](const sys::Address4 &one) { return one.prefix.address == address; });
}

/* D17: without a local daemon it is closed, for it is nobody's IPv4 address. */
Status serve_local(const std::optional<config::Local> &local, const sys::UniqueFd &connection,
                   const sys::Ends &ends) {
    if (!local || sys::is_ourselves(local->path)) { // else we would start ourselves for ever
        log::info("no local service for port " + std::to_string(ends.here.port) +
                  "; connection of " + to_string(ends.peer) + " closed");
        return Ok{};
    }
    log::info("executing local " + local->path + " for " + to_string(ends.peer));
    return sys::become_on(connection.get(), {.path = local->path,
                                             .argv = local->argv,
                                             .environment = local_environment(ends.peer),
                                             .descriptors = 0});
}

Result<PolicyInputs> inputs_of(const Plan &plan) {
    TRY_ASSIGN(const Network network, read_network());
    TRY_ASSIGN(RuleSetRef rules, effective_rules(plan, {}));
    PolicyInputs inputs{};
    inputs.prefixes = plan.prefixes;
    inputs.exempt = exemptions(network, plan.prefixes);
    inputs.rules = std::move(rules);
    inputs.never = never_targets(plan.config.faith);
    inputs.own_addresses = own_addresses4(network);
    inputs.services = plan.config.services;
    inputs.relay = plan.config.relay;
    return inputs;
}

/* What is in force here, and the timeouts of the files the gateway was loaded with. */
Result<PolicyInputs> inputs_in_force(const Instance &instance, const datapath::Maps &maps) {
    TRY_ASSIGN(PolicyInputs inputs, read_policy(instance, maps));
    TRY_ASSIGN(const Options options, load_options(instance));
    if (const Result<Plan> plan = make_plan(options)) {
        inputs.services = plan->config.services;
        inputs.relay = plan->config.relay;
    } else { // changed since, and wrong: what is in force is not in it
        log::warning("default timeouts: " + plan.error().text);
    }
    return inputs;
}

Result<PolicyInputs> find_inputs(const InetdJob &job, const Instance &instance) {
    if (!job.options) {
        const Result<datapath::PinnedMaps> pinned =
            datapath::open_pinned_maps(datapath::Pins(instance.netns_inode));
        if (pinned)
            return inputs_in_force(instance, pinned->maps);
        if (pinned.error().kind != Errc::NotLoaded)
            return pinned.error();
    }
    TRY_ASSIGN(const Plan plan, make_plan(job.options.value_or(Options{})));
    return inputs_of(plan);
}

std::string describe(const relay::Totals &totals) {
    std::string text = std::to_string(totals.bytes_to_server) + " bytes to the server, " +
                       std::to_string(totals.bytes_to_client) + " to the client";
    for (std::size_t reason = 0; reason < totals.reasons.size(); ++reason)
        if (totals.reasons[reason] != 0 && reason != FGW_ACL_PERMIT)
            text += std::string("; ") + reason_sentence(static_cast<std::uint32_t>(reason));
    return text;
}

Status translate(const InetdJob &job, sys::UniqueFd connection, const sys::Ends &ends) {
    const std::string who = to_string(ends.peer) + " to " + to_string(ends.here);
    if (ends.peer.address.is_v4_mapped()) // D12
        return invalid("connection from IPv4 mapped address? " + who);
    TRY_ASSIGN(const Instance instance, Instance::here());
    TRY_ASSIGN(PolicyInputs inputs, find_inputs(job, instance));
    inputs.witness = make_witness();
    TRY(sys::make_ours(connection.get()));
    relay::Options options;
    options.data_ports = data_ports_by(instance, ends.here.port);
    options.complain = [](std::string_view text) { log::warning(text); };
    log::info("translating from " + who);
    TRY_ASSIGN(const relay::Totals totals,
               relay::relay_one(options, make_policy(std::move(inputs)), std::move(connection)));
    if (totals.sessions_total == 0)
        return Error{.kind = Errc::System,
                     .sys_errno = 0,
                     .text = "not translated: " + who + ": " + describe(totals)};
    log::info("ended: " + who + ": " + describe(totals));
    return Ok{};
}

} // namespace

config::Local inetd_local(std::span<const std::string> words) {
    config::Local local;
    if (words.empty())
        return local;
    local.path = words[0];
    if (local.path.find('/') == std::string::npos) {
        const auto found = std::ranges::find_if(local_directories, [&](const char *directory) {
            return sys::executable(directory + words[0]).has_value();
        });
        local.path =
            (found == std::end(local_directories) ? local_directories[0] : *found) + words[0];
    }
    local.argv.assign(words.begin(), words.end());
    local.argv[0] = local.path;
    return local;
}

Status serve_inetd(const InetdJob &job, sys::UniqueFd connection) {
    TRY_ASSIGN(const sys::Ends ends, sys::ends_of(connection.get()));
    TRY_ASSIGN(const bool ours, is_for_us(ends.here));
    if (ours)
        return serve_local(job.local, connection, ends);
    return translate(job, std::move(connection), ends);
}

} // namespace faith::daemon
