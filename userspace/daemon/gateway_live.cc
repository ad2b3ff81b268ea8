/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The gateway between start and stop: interfaces, the network's changes, requests. */
#include "daemon/gateway.h"

#include "base/log.h"
#include "daemon/status.h"

#include <algorithm>

namespace faith::daemon {

/* Our XDP program on an interface the operator named. */
Status Gateway::attach(const std::string &name) {
    const sys::Interface *interface = network_.by_name(name);
    if (interface == nullptr)
        return Error{.kind = Errc::System, .sys_errno = ENODEV, .text = "no interface " + name};
    TRY_ASSIGN(const datapath::XdpLink *link,
               dataplane_->attach(interface->index, name, plan_.options.xdp));
    if (!link->note.empty())
        notes_.push_back(link->note + "; using generic XDP, which is slower");
    std::erase_if(loaded_, [&](const Loaded &l) { return l.name == name; });
    loaded_.push_back({.name = name, .index = interface->index, .mode = link->mode});
    return Ok{};
}

/* A prefix is captured whatever interface a packet comes in by (F1), so every interface
 * without our XDP gets the TC guard, lo among them (F6). */
Status Gateway::guard_others() {
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
            dataplane_->attach(now->index, loaded.name, plan_.options.xdp);
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
    TRY(dataplane_->set_prefixes(capture(), exemptions(network_, plan_.prefixes)));
    if (plan_.acl_file.empty()) { // default rules follow the interfaces' networks
        TRY_ASSIGN(rules_, effective_rules(plan_, networks_on(network_, loaded_indexes())));
    }
    if (relay_)
        relay_->set_policy(policy());
    return Ok{};
}

relay::PolicyRef Gateway::policy() const {
    return make_policy(PolicyInputs{
        .prefixes = plan_.prefixes,
        .rules = rules_,
        .never = never_targets(plan_.config.faith),
        .own_addresses = own_addresses4(network_),
        .services = plan_.config.services,
        .relay = plan_.config.relay,
        .generation = generation_,
        .witness = witness_,
    });
}

std::set<std::uint32_t> Gateway::loaded_indexes() const {
    std::set<std::uint32_t> indexes;
    for (const Loaded &loaded : loaded_)
        if (loaded.index != 0)
            indexes.insert(loaded.index);
    return indexes;
}

std::vector<datapath::CapturePrefix> Gateway::capture() const {
    std::vector<datapath::CapturePrefix> capture;
    for (const prefix::FaithPrefix &prefix : plan_.prefixes)
        capture.push_back({.prefix = prefix.prefix,
                           .layout = prefix.layout == prefix::Layout::Rfc6052 ? FGW_LAYOUT_RFC6052
                                                                              : FGW_LAYOUT_FAITH});
    return capture;
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
        const bool known = std::any_of(loaded_.begin(), loaded_.end(),
                                       [&](const Loaded &l) { return l.name == name; });
        if (known) {
            present.push_back(name);
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
        const auto found = std::find_if(loaded_.begin(), loaded_.end(), [&](const Loaded &loaded) {
            return loaded.name == entry.get<std::string>();
        });
        if (found == loaded_.end())
            return Error{.kind = Errc::NotLoaded,
                         .sys_errno = 0,
                         .text = "not loaded on " + entry.get<std::string>()};
    }
    for (const Json &entry : names) {
        const auto found = std::find_if(loaded_.begin(), loaded_.end(), [&](const Loaded &loaded) {
            return loaded.name == entry.get<std::string>();
        });
        if (found == loaded_.end())
            continue; // named twice
        if (found->index != 0)
            TRY(dataplane_->detach(found->index));
        loaded_.erase(found);
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

Json Gateway::status() const {
    StatusReport report;
    report.loaded = true;
    for (const Loaded &loaded : loaded_)
        report.interfaces.push_back(
            {.name = loaded.name,
             .index = loaded.index,
             .mode = loaded.index == 0 ? "absent" : datapath::mode_name(loaded.mode)});
    report.prefixes = plan_.prefixes;
    report.keepfaith = keepfaith_;
    report.acl_file = plan_.acl_file;
    report.generation = generation_;
    report.rules = rules_->rules.size();
    if (relay_)
        report.relay = relay_->totals();
    if (const auto sums = dataplane_->reasons())
        report.kernel_reasons = *sums;
    return to_json(report);
}

} // namespace faith::daemon
