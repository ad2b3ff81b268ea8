/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The gateway between start and stop: interfaces, the network's changes, requests. */
#include "daemon/gateway.h"

#include "base/log.h"
#include "daemon/fast_path.h"
#include "daemon/kernel_rules.h"
#include "daemon/reload.h"
#include "daemon/state.h"
#include "daemon/status.h"
#include "sys/ethtool.h"

#include <algorithm>

namespace faith::daemon {

namespace {

/* What the relay would say to a connection that the programs in the kernel let pass. */
Result<Json> judge(const relay::PolicyRef &policy, const Json &request) {
    TRY_ASSIGN(const Ip6 client, parse_ip6(request.at("client").get<std::string>()));
    TRY_ASSIGN(const Ip6 destination, parse_ip6(request.at("destination").get<std::string>()));
    const relay::Decision decision = policy->judge({.client = client,
                                                    .destination = destination,
                                                    .port = request.at("port").get<std::uint16_t>(),
                                                    .client_port = 0});
    const auto *refused = std::get_if<relay::Refuse>(&decision);
    return Json{{"reason", refused != nullptr ? refused->reason : FGW_ACL_PERMIT}};
}

} // namespace

/* Our XDP program on an interface the operator named. */
Status Gateway::attach(const std::string &name) {
    const sys::Interface *interface = network_.by_name(name);
    if (interface == nullptr)
        return Error{.kind = Errc::System, .sys_errno = ENODEV, .text = "no interface " + name};
    TRY_ASSIGN(const datapath::XdpLink *link,
               dataplane_->attach(interface->index, name, mode_for(name)));
    if (!link->note.empty())
        notes_.push_back(link->note + "; using generic XDP, which is slower");
    std::erase_if(loaded_, [&](const Loaded &l) { return l.name == name; });
    loaded_.push_back({.name = name, .named = true, .index = interface->index, .mode = link->mode});
    return Ok{};
}

Gateway::Loaded *Gateway::find_loaded(const std::string &name) {
    const auto found = std::find_if(loaded_.begin(), loaded_.end(),
                                    [&](const Loaded &loaded) { return loaded.name == name; });
    return found == loaded_.end() ? nullptr : &*found;
}

bool Gateway::is_uplink(const std::string &name) const {
    return std::any_of(tunnels_.begin(), tunnels_.end(),
                       [&](const Tunnel &tunnel) { return tunnel.uplink == name; });
}

/* Uplinks are native or nothing: what generic XDP passes on has lost the length of its
 * link-layer header on kernels that copy it first (seen on 6.18), and what TC then moves to
 * the tunnel's device arrives cut. */
datapath::XdpMode Gateway::mode_for(const std::string &name) const {
    return is_uplink(name) ? datapath::XdpMode::Native : plan_.options.xdp;
}

/* An uplink has our XDP whether or not the operator named it. Its networks get no
 * permission from that (loaded_indexes()). */
Status Gateway::attach_uplink(const std::string &name) {
    if (find_loaded(name) != nullptr)
        return Ok{};
    if (Status attached = attach(name); !attached)
        return std::move(attached).error().wrap("an uplink needs native XDP");
    find_loaded(name)->named = false;
    return Ok{};
}

/* Maps and programs of the tunnels follow addresses and interfaces (S3). */
Status Gateway::follow_tunnels() {
    std::vector<TunnelErrors::OnUplink> on_uplinks;
    for (const Tunnel &tunnel : tunnels_) {
        const sys::Interface *uplink = network_.by_name(tunnel.uplink);
        const sys::Interface *peer = network_.by_name(tunnel.peer);
        const sys::Interface *device = network_.by_name(tunnel.name);
        if (uplink != nullptr && peer != nullptr)
            TRY(dataplane_->serve_tunnel(uplink->index, peer->index));
        if (device != nullptr && device->up)
            TRY(set_mtu(tunnel));
        if (uplink != nullptr)
            on_uplinks.push_back({.uplink = uplink->index, .tunnel = tunnel});
    }
    if (slow_path_)
        slow_path_->set_tunnels(std::move(on_uplinks));
    if (tunnels_.empty())
        return Ok{};
    TRY(dataplane_->set_local_ip4(ip4_entries(tunnels_, network_)));
    TRY(follow_fast_path());
    return dataplane_->set_tunnels(stf_entries(tunnels_, network_));
}

/* Which interfaces take part in it, and their station addresses. */
Status Gateway::follow_fast_path() {
    const bool wanted = has_fast_path(tunnels_);
    for (Loaded &loaded : loaded_) {
        const sys::Interface *interface = network_.by_index(loaded.index);
        if (loaded.index == 0 || interface == nullptr)
            continue;
        loaded.fast =
            wanted && fast_path_obstacle(loaded.mode, sys::driver_of(loaded.name)).empty();
        TRY(dataplane_->set_forwarding(loaded.index, loaded.fast, interface->mac));
    }
    return Ok{};
}

/* A prefix is captured whatever interface a packet comes in by (F1), so every interface
 * without our XDP gets the TC guard, lo among them (F6). */
Status Gateway::guard_others() {
    if (plan_.prefixes.empty())
        return Ok{};
    for (const sys::Interface &interface : network_.interfaces) {
        Status guarded = dataplane_->guard(interface.index);
        if (!guarded && guarded.error().sys_errno != ENODEV) // gone meanwhile
            return std::move(guarded).error().wrap("guard " + interface.name);
    }
    return Ok{};
}

/* Interfaces that went or came back since the last reading. */
void Gateway::follow_interfaces() {
    for (Loaded &loaded : loaded_) {
        const sys::Interface *now = network_.by_name(loaded.name);
        if (loaded.index != 0 && (now == nullptr || now->index != loaded.index)) {
            log::warning("interface " + loaded.name + " disappeared; waiting for its return");
            dataplane_->forget(loaded.index);
            loaded.index = 0;
        }
        if (loaded.index != 0 || now == nullptr)
            continue;
        const Result<datapath::XdpLink *> link =
            dataplane_->attach(now->index, loaded.name, mode_for(loaded.name));
        if (!link) {
            log::error("interface " + loaded.name + " is back: " + link.error().text);
            continue;
        }
        loaded.index = now->index;
        loaded.mode = (*link)->mode;
        log::info("interface " + loaded.name + " is back, attached again");
    }
}

Status Gateway::refresh() {
    TRY_ASSIGN(network_, read_network());
    follow_interfaces();
    TRY(guard_others());
    TRY(follow_tunnels());
    TRY(dataplane_->set_prefixes(capture_of(plan_), exemptions(network_, plan_.prefixes)));
    TRY(dataplane_->set_targets(targets_of(plan_, network_)));
    if (plan_.acl_file.empty()) { // default rules follow the interfaces' networks
        TRY_ASSIGN(RuleSetRef rules,
                   effective_rules(plan_, networks_on(network_, loaded_indexes()), rules_.get()));
        if (rules->image.hash != rules_->image.hash)
            return put_in_force(std::move(rules));
    }
    if (relay_)
        relay_->set_policy(policy());
    return Ok{};
}

Status Gateway::put_in_force(RuleSetRef rules) {
    const std::uint32_t before = generation_;
    const KernelRules kernel = kernel_rules(*rules, rules_.get(), before + 1);
    TRY(dataplane_->prepare_acl(kernel.update));
    TRY(save_rules(instance_, *rules, before + 1));
    rules_.swap(rules);
    generation_ = before + 1;
    /* The relay first: between its change and the kernel's a connection needs the consent
     * of both, so nothing slips through that the new rules deny. */
    if (relay_)
        relay_->set_policy(policy());
    rules_before_ = std::move(rules);
    Status committed = dataplane_->commit_acl(kernel.update);
    drain_kernel_events(); // the last of the generation before
    rules_before_.reset();
    TRY(std::move(committed));
    forget_rules(instance_, before);
    return Ok{};
}

Result<Json> Gateway::reload(bool dry_run, bool revoke) {
    const sys::Millis began = clock_.now();
    TRY_ASSIGN(Plan next, make_plan(plan_.options, rules_.get()));
    TRY(refuse_unchangeable(plan_, next));
    TRY_ASSIGN(network_, read_network());
    TRY_ASSIGN(RuleSetRef rules,
               effective_rules(next, networks_on(network_, loaded_indexes()), rules_.get()));
    Json report = describe_reload(rules_->rules, rules->rules, generation_, generation_ + 1);
    report["warnings"] = warnings_of(next, *rules);
    if (dry_run) {
        report["affected"] = denied_by(next, rules);
        return report;
    }
    TRY_ASSIGN(LocalServices::Opened listeners_to_be, local_->open(next.config.services));
    const bool keepfaith_changed = next.config.faith.keepfaith != plan_.config.faith.keepfaith;
    std::swap(plan_, next);
    if (Status done = put_in_force(std::move(rules)); !done) {
        std::swap(plan_, next);
        return std::move(done).error();
    }
    local_->commit(std::move(listeners_to_be), plan_.config.services);
    TRY(dataplane_->set_settings(settings_of(plan_)));
    TRY(dataplane_->set_targets(targets_of(plan_, network_)));
    if (keepfaith_changed) // what the command of that name said since stays, else
        TRY(do_keepfaith({{"on", plan_.config.faith.keepfaith}}));
    if (revoke)
        report["revoked"] = relay_ ? relay_->revoke() : 0;
    report["milliseconds"] = (clock_.now() - began).count();
    log::info("reloaded: generation " + std::to_string(generation_ - 1) + " -> " +
              std::to_string(generation_) + ": " + report["summary"].get<std::string>());
    return report;
}

/* Live sessions that other rules would not permit. */
std::size_t Gateway::denied_by(const Plan &plan, const RuleSetRef &rules) const {
    if (!relay_)
        return 0;
    PolicyInputs inputs = policy_inputs(plan, rules);
    inputs.witness = nullptr;
    const relay::PolicyRef judge = make_policy(std::move(inputs));
    const std::vector<relay::SessionInfo> sessions = relay_->sessions();
    return static_cast<std::size_t>(
        std::ranges::count_if(sessions, [&](const relay::SessionInfo &session) {
            return std::holds_alternative<relay::Refuse>(
                judge->judge({.client = session.client,
                              .destination = session.destination,
                              .port = session.port,
                              .client_port = session.client_port}));
        }));
}

PolicyInputs Gateway::policy_inputs(const Plan &plan, const RuleSetRef &rules) const {
    return PolicyInputs{
        .prefixes = plan.prefixes,
        .exempt = exemptions(network_, plan.prefixes),
        .rules = rules,
        .never = never_targets(plan.config.faith),
        .own_addresses = own_addresses4(network_),
        .services = plan.config.services,
        .relay = plan.config.relay,
        .generation = generation_,
        .witness = witness_,
    };
}

relay::PolicyRef Gateway::policy() const { return make_policy(policy_inputs(plan_, rules_)); }

std::set<std::uint32_t> Gateway::loaded_indexes() const {
    std::set<std::uint32_t> indexes;
    for (const Loaded &loaded : loaded_)
        if (loaded.index != 0 && loaded.named)
            indexes.insert(loaded.index);
    return indexes;
}

std::vector<int> Gateway::listeners() const {
    return relay_ ? relay_->listeners() : std::vector<int>();
}

/* Every request of the control socket; interface.md has the commands that make them. */
std::map<std::string, ControlServer::Handler> Gateway::handlers() {
    std::map<std::string, ControlServer::Handler> table;
    table["status"] = [this](const Json &, Reply reply) { reply.give(status()); };
    table["load"] = [this](const Json &request, Reply reply) { reply.give(do_load(request)); };
    table["keepfaith"] = [this](const Json &request, Reply reply) {
        reply.give(do_keepfaith(request));
    };
    table["reload"] = [this](const Json &request, Reply reply) { reply.give(do_reload(request)); };
    table["judge"] = [this](const Json &request, Reply reply) {
        PolicyInputs inputs = policy_inputs(plan_, rules_);
        inputs.witness = nullptr; // it is no connection
        reply.give(judge(make_policy(std::move(inputs)), request));
    };
    table["events"] = [this](const Json &request, Reply reply) {
        do_events(request, std::move(reply));
    };
    table["unload-interfaces"] = [this](const Json &request, Reply reply) {
        reply.give(do_unload_some(request));
    };
    table["unload"] = [this](const Json &, Reply reply) {
        unloading_.emplace(std::move(reply)); // answered when all is gone
        loop_->stop();
    };
    return table;
}

/* `load` on a loaded gateway: further interfaces join, the same ones are fine, another
 * configuration is refused. */
Result<Json> Gateway::do_load(const Json &request) {
    if (request.value("fingerprint", "") != plan_.fingerprint)
        return Error{.kind = Errc::AlreadyLoaded,
                     .sys_errno = 0,
                     .text = "already loaded with another configuration, which stays in force; "
                             "faith-gw unload first"};
    TRY_ASSIGN(network_, read_network());
    Json added = Json::array();
    Json present = Json::array();
    for (const Json &entry : request.value("interfaces", Json::array())) {
        const std::string name = entry.get<std::string>();
        if (Loaded *known = find_loaded(name); known != nullptr) {
            (known->named ? present : added).push_back(name);
            known->named = true;
            continue;
        }
        Status attached = attach(name);
        if (!attached) {
            for (const Json &undo : added)
                static_cast<void>(do_unload_some({{"interfaces", {undo}}}));
            return std::move(attached).error();
        }
        added.push_back(name);
    }
    TRY(refresh());
    return Json{{"added", added}, {"present", present}};
}

Result<Json> Gateway::do_unload_some(const Json &request) {
    const Json names = request.value("interfaces", Json::array());
    for (const Json &entry : names) {
        const Loaded *found = find_loaded(entry.get<std::string>());
        if (found == nullptr || !found->named)
            return Error{.kind = Errc::NotLoaded,
                         .sys_errno = 0,
                         .text = "not loaded on " + entry.get<std::string>()};
    }
    for (const Json &entry : names) {
        const std::string name = entry.get<std::string>();
        Loaded *found = find_loaded(name);
        if (found == nullptr)
            continue; // named twice
        if (is_uplink(name)) {
            found->named = false; // its tunnel still needs it
            continue;
        }
        if (found->index != 0)
            TRY(dataplane_->detach(found->index));
        std::erase_if(loaded_, [&](const Loaded &l) { return l.name == name; });
    }
    TRY(refresh());
    return Json{{"left", loaded_.size()}};
}

Result<Json> Gateway::do_keepfaith(const Json &request) {
    if (request.contains("on")) {
        const bool on = request["on"].get<bool>();
        TRY(dataplane_->set_keepfaith(on));
        keepfaith_ = on;
        log::info(on ? "keepfaith on" : "keepfaith off: nothing is captured");
    }
    return Json{{"keepfaith", keepfaith_}};
}

Result<Json> Gateway::do_reload(const Json &request) {
    return reload(request.value("dry_run", false), request.value("revoke", false));
}

Json Gateway::status() const {
    StatusReport report;
    report.loaded = true;
    for (const Loaded &loaded : loaded_)
        report.interfaces.push_back(
            {.name = loaded.name,
             .index = loaded.index,
             .mode = loaded.index == 0 ? "absent" : datapath::mode_name(loaded.mode),
             .fast_path = loaded.fast});
    report.prefixes = plan_.prefixes;
    report.keepfaith = keepfaith_;
    report.acl_file = plan_.acl_file;
    report.generation = generation_;
    report.rules = rules_->rules.size();
    if (const auto now = read_network()) // counters move without news
        report.tunnels = report_tunnels(tunnels_, *now);
    if (const auto services = datapath::list_services(dataplane_->maps()))
        report.services = *services;
    report.local = local_->report();
    if (relay_)
        report.relay = relay_->totals();
    if (const auto sums = dataplane_->reasons())
        report.kernel_reasons = *sums;
    if (slow_path_)
        report.slow_path_reasons = slow_path_->reasons();
    return to_json(report);
}

} // namespace faith::daemon
