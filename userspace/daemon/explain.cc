/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/explain.h"

#include "daemon/capture.h"
#include "daemon/control.h"
#include "daemon/event.h"
#include "daemon/explain_tunnel.h"
#include "daemon/kernel_view.h"
#include "daemon/reason_text.h"
#include "datapath/probe.h"
#include "prefix/target.h"

#include <algorithm>

namespace faith::daemon {

namespace {

/* The first prefix, but for a private address one that may carry it (R23). */
Result<Ip6> embedded(const datapath::Maps &maps, Ip4 target) {
    TRY_ASSIGN(const std::vector<prefix::FaithPrefix> prefixes, read_prefixes(maps));
    if (prefixes.empty())
        return Error{.kind = Errc::NotLoaded, .sys_errno = 0, .text = "no prefix is captured"};
    const auto carries = [&](const prefix::FaithPrefix &prefix) {
        return !prefix::is_well_known(prefix) ||
               !prefix::any_contains(prefix::not_global(), target);
    };
    const auto best = std::ranges::find_if(prefixes, carries);
    return prefix::embed(best == prefixes.end() ? prefixes.front() : *best, target);
}

Result<Ip6> destination_of(const datapath::Maps &maps, const Question &question) {
    if (const Ip4 *target = std::get_if<Ip4>(&question.destination))
        return embedded(maps, *target);
    return std::get<Ip6>(question.destination);
}

/* The program that captured the port; none: it is the relay's. */
Result<std::optional<datapath::Service>> service_on(const datapath::Maps &maps,
                                                    std::uint16_t port) {
    TRY_ASSIGN(const std::vector<datapath::Service> services, datapath::list_services(maps));
    const auto found = std::ranges::find(services, port, &datapath::Service::port);
    return found == services.end() ? std::optional<datapath::Service>() : *found;
}

/* Why sk_lookup chose no listener for what the guard let pass. */
Result<fgw_reason> why_no_listener(const datapath::Maps &maps, std::uint16_t port,
                                   bool is_service) {
    if (is_service)
        return FGW_SERVICE_GONE;
    TRY_ASSIGN(const auto config, maps.config.find(0));
    TRY_ASSIGN(const auto word, maps.ports.find(port / 64U));
    const bool captured =
        (config && config->all_ports) || (word && (word->bits >> (port % 64) & 1) != 0);
    return captured ? FGW_NO_LISTENER : FGW_PORT_NOT_CAPTURED;
}

/* The relay has the last word, on what only a [[service]] says. Without a daemon nobody would
 * hear it, and then there is no listener either. */
Result<fgw_reason> ask_relay(const Instance &instance, const datapath::Attempt &attempt) {
    constexpr sys::Millis patience{5000};
    const Result<Answer> said = ask_daemon(instance.socket(),
                                           {{"do", "judge"},
                                            {"client", to_string(attempt.source)},
                                            {"destination", to_string(attempt.destination)},
                                            {"port", attempt.destination_port}},
                                           patience);
    if (said)
        return static_cast<fgw_reason>(
            said->value.value("reason", static_cast<int>(FGW_ACL_PERMIT)));
    if (said.error().kind == Errc::NotLoaded || said.error().kind == Errc::Unsupported)
        return FGW_ACL_PERMIT;
    return said.error();
}

bool by_policy(std::uint32_t reason) {
    switch (reason) {
#define ORIGIN_GUARD false
#define ORIGIN_LOOKUP false
#define ORIGIN_RELAY false
#define ORIGIN_POLICY true
#define ORIGIN_STF false
#define CASE(name, number, origin, sentence)                                                       \
    case number:                                                                                   \
        return ORIGIN_##origin;
#define RETIRED(number)
        FGW_REASONS(CASE, RETIRED)
#undef CASE
#undef RETIRED
#undef ORIGIN_GUARD
#undef ORIGIN_LOOKUP
#undef ORIGIN_RELAY
#undef ORIGIN_POLICY
#undef ORIGIN_STF
    default:
        return false;
    }
}

/* Of a connection that nobody denies. */
std::string who_answers(const std::string &verdict,
                        const std::optional<datapath::Service> &service) {
    if (verdict != "permit")
        return "whoever has that address";
    return service ? datapath::owner_of(*service) + ", which captured the port" : "the server";
}

std::string hears_of_denial(std::uint32_t reason, std::uint32_t deny, bool by_relay) {
    if (by_relay || reason == FGW_NO_LISTENER || reason == FGW_PORT_NOT_CAPTURED ||
        reason == FGW_SERVICE_GONE)
        return "a reset";
    if (!by_policy(reason) || deny == FGW_DENY_SILENT)
        return "nothing";
    return deny == FGW_DENY_RESET ? "a reset" : "ICMPv6 administratively prohibited";
}

struct Asked {
    fgw_probe probe{};
    LiveRules rules; /* of the probe's generation, if rules were asked */
};

Result<Asked> ask(const Instance &instance, const datapath::Maps &maps,
                  const datapath::Probe &probe, const datapath::Attempt &attempt) {
    constexpr int attempts = 10; // a reload may come in between
    Asked asked;
    for (int i = 0; i < attempts; ++i) {
        TRY_ASSIGN(asked.rules, read_live_rules(instance, maps));
        TRY_ASSIGN(asked.probe, probe.ask_guard(attempt));
        if (asked.probe.generation == 0 || asked.probe.generation == asked.rules.generation)
            break;
    }
    return asked;
}

} // namespace

Result<Json> explain(const Instance &instance, const Question &question) {
    const datapath::Pins pins(instance.netns_inode);
    TRY_ASSIGN(const datapath::PinnedMaps pinned, datapath::open_pinned_maps(pins));
    TRY_ASSIGN(const datapath::Probe probe, datapath::Probe::open(pins));
    datapath::Attempt attempt;
    attempt.source = question.source;
    attempt.destination_port = question.port;
    TRY_ASSIGN(attempt.destination, destination_of(pinned.maps, question));
    TRY_ASSIGN(const Asked asked, ask(instance, pinned.maps, probe, attempt));

    if (asked.probe.reason == FGW_PASS_NOT_PREFIX) {
        TRY_ASSIGN(const std::optional<Json> tunnel, explain_out(pinned.maps, probe, attempt));
        if (tunnel)
            return *tunnel;
    }
    const acl::Rule *rule =
        deciding_rule(asked.probe.verdict, asked.rules.rules, asked.rules.by_slot);
    std::uint32_t reason = asked.probe.reason;
    std::string verdict = reason < FGW_FIRST_DROP ? "pass" : "deny";
    bool listener = false;
    TRY_ASSIGN(const auto service, service_on(pinned.maps, question.port));
    if (reason == FGW_PASS_TCP) {
        TRY_ASSIGN(listener, probe.finds_listener(attempt));
        verdict = listener ? "permit" : "deny";
        TRY_ASSIGN(const fgw_reason why_not,
                   why_no_listener(pinned.maps, question.port, service.has_value()));
        reason = listener ? FGW_ACL_PERMIT : why_not;
    }
    const bool at_relay = listener && !service;
    if (at_relay) {
        TRY_ASSIGN(reason, ask_relay(instance, attempt));
        verdict = reason == FGW_ACL_PERMIT ? "permit" : "deny";
    }
    TRY_ASSIGN(const auto config, pinned.maps.config.find(0));
    const Ip4 target = Ip4::from_bytes(asked.probe.target);
    return Json{{"verdict", verdict},
                {"reason", reason_name(reason)},
                {"sentence", reason_sentence(reason)},
                {"source", to_string(question.source)},
                {"destination", to_string(attempt.destination)},
                {"port", question.port},
                {"target", target == Ip4{} ? Json(nullptr) : Json(to_string(target))},
                {"rule", rule_json(rule)},
                {"generation", asked.rules.generation},
                {"listener", listener},
                {"service", service ? to_json(*service) : Json(nullptr)},
                {"client_hears", verdict == "deny"
                                     ? hears_of_denial(reason, config ? config->deny : 0U, at_relay)
                                     : who_answers(verdict, service)}};
}

} // namespace faith::daemon
