/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/policy.h"

#include "prefix/target.h"
#include "rsh/opening.h"

#include <algorithm>
#include <memory>

namespace faith::daemon {

namespace {

class Judge {
public:
    explicit Judge(PolicyInputs inputs) : in_(std::move(inputs)) {
        std::sort(in_.own_addresses.begin(), in_.own_addresses.end());
    }

    relay::Decision operator()(const relay::Request &request) const {
        const prefix::FaithPrefix *prefix = prefix::find(in_.prefixes, request.destination);
        if (prefix == nullptr)
            return refuse(request, FGW_NOT_CAPTURED, {}, nullptr);
        const prefix::Extracted extracted = prefix::extract(*prefix, request.destination);
        if (extracted.embedding != prefix::Embedding::Good)
            return refuse(request, FGW_BAD_EMBEDDING, {}, nullptr);
        const Ip4 target = extracted.address;
        if (poses(request.client))
            return refuse(request, FGW_BAD_SOURCE, target, nullptr);
        if (prefix::any_contains(in_.never, target))
            return refuse(request, FGW_NEVER_TARGET, target, nullptr);
        if (std::binary_search(in_.own_addresses.begin(), in_.own_addresses.end(), target))
            return refuse(request, FGW_OWN_TARGET, target, nullptr);
        if (prefix::is_well_known(*prefix) && prefix::any_contains(prefix::not_global(), target))
            return refuse(request, FGW_NOT_GLOBAL, target, nullptr);
        return by_rules(request, target);
    }

private:
    /* As what no client is: an IPv4 host behind a prefix of ours, or a 6to4 site at an
     * address that nobody has (RFC 3964 5.3.1). */
    bool poses(const Ip6 &client) const {
        if (const prefix::FaithPrefix *inside = prefix::find(in_.prefixes, client)) {
            const bool exempt = std::ranges::any_of(in_.exempt, [&](const Prefix6 &longer) {
                return longer.length >= inside->prefix.length && longer.contains(client);
            });
            return !exempt;
        }
        const bool is_6to4 = client.bytes[0] == 0x20 && client.bytes[1] == 0x02;
        return is_6to4 && prefix::any_contains(in_.never, Ip4::from_bytes(&client.bytes[2]));
    }

    relay::Decision by_rules(const relay::Request &request, Ip4 target) const {
        const acl::Answer answer = in_.rules->lookup.find(
            acl::Packet{.source = request.client, .target = target, .port = request.port});
        if (answer.rule == acl::no_rule)
            return refuse(request, FGW_ACL_NO_MATCH, target, nullptr);
        const acl::Rule &rule = in_.rules->rules[answer.rule];
        if (answer.action == acl::Action::Deny)
            return refuse(request, FGW_ACL_DENY, target, &rule);
        const config::Service *service = service_of(request.port);
        const std::optional<config::Alg> alg = alg_of(service, request.port);
        if (!alg)
            return refuse(request, FGW_REMOTE_SHELL_OFF, target, nullptr);
        if (is_remote_shell(*alg) && request.client_port != 0 &&
            !rsh::is_reserved(request.client_port))
            return refuse(request, FGW_RSH_CLIENT_PORT, target, nullptr);
        if (rule.log && in_.witness)
            in_.witness(
                {.request = request, .reason = FGW_ACL_PERMIT, .target = target, .rule = &rule});
        return relay::Dial{
            .target = target,
            .port = request.port,
            .source = source_for(request.client, rule),
            .reserved_port = reserved_port_of(service, *alg),
            .rule = answer.rule,
            .idle_timeout =
                own(service, &config::Service::idle_timeout).value_or(in_.relay.idle_timeout),
            .connect_timeout =
                own(service, &config::Service::connect_timeout).value_or(in_.relay.connect_timeout),
            .half_closed_timeout = half_closed_timeout_of(service),
            .data_timeout =
                own(service, &config::Service::data_timeout).value_or(in_.relay.data_timeout),
            .ftp = alg == config::Alg::Ftp ? std::optional(dialect_of(service)) : std::nullopt,
            .rsh = alg == config::Alg::Rsh,
        };
    }

    relay::Refuse refuse(const relay::Request &request, fgw_reason reason, Ip4 target,
                         const acl::Rule *rule) const {
        if (in_.witness)
            in_.witness({.request = request, .reason = reason, .target = target, .rule = rule});
        return relay::Refuse{.reason = reason,
                             .target = target,
                             .rule = rule == nullptr ? relay::no_rule : index_of(rule)};
    }

    std::uint32_t index_of(const acl::Rule *rule) const {
        return static_cast<std::uint32_t>(rule - in_.rules->rules.data());
    }

    /* The rule's own address, else one of the pool; a client /64 keeps its address. */
    std::optional<Ip4> source_for(const Ip6 &client, const acl::Rule &rule) const {
        if (rule.bind_source)
            return rule.bind_source;
        if (in_.relay.source_addresses.empty())
            return std::nullopt;
        std::uint64_t hash = 0xcbf29ce484222325; // FNV-1a over the /64
        for (std::size_t i = 0; i < 8; ++i)
            hash = (hash ^ client.bytes[i]) * 0x100000001b3;
        return in_.relay.source_addresses[hash % in_.relay.source_addresses.size()];
    }

    const config::Service *service_of(std::uint16_t port) const {
        const auto found =
            std::find_if(in_.services.begin(), in_.services.end(),
                         [port](const config::Service &one) { return one.port == port; });
        return found == in_.services.end() ? nullptr : &*found;
    }

    using Timeout = std::optional<relay::Millis>;

    static Timeout own(const config::Service *service, Timeout config::Service::*which) {
        return service == nullptr ? std::nullopt : service->*which;
    }

    relay::Millis half_closed_timeout_of(const config::Service *service) const {
        return own(service, &config::Service::half_closed_timeout)
            .value_or(in_.relay.half_closed_timeout.value_or(relay::Millis{0}));
    }

    /* What the port's connections are read as; nothing: they are refused (D59). */
    static std::optional<config::Alg> alg_of(const config::Service *service, std::uint16_t port) {
        if (service != nullptr && service->alg)
            return service->alg;
        if (port == config::login_port || port == config::shell_port)
            return std::nullopt;
        return port == config::ftp_port ? config::Alg::Ftp : config::Alg::None;
    }

    static bool is_remote_shell(config::Alg alg) {
        return alg == config::Alg::Rlogin || alg == config::Alg::Rsh;
    }

    static bool reserved_port_of(const config::Service *service, config::Alg alg) {
        return service != nullptr && service->reserved_source_port.value_or(is_remote_shell(alg));
    }

    ftp::Dialect dialect_of(const config::Service *service) const {
        const config::AlgFtp dialect =
            service != nullptr ? service->alg_ftp.value_or(in_.relay.alg_ftp) : in_.relay.alg_ftp;
        return dialect == config::AlgFtp::Faithd ? ftp::Dialect::Faithd : ftp::Dialect::Rfc6384;
    }

    PolicyInputs in_;
};

} // namespace

relay::PolicyRef make_policy(PolicyInputs inputs) {
    auto policy = std::make_shared<relay::Policy>();
    policy->generation = inputs.generation;
    policy->max_sessions = inputs.relay.max_sessions;
    policy->max_sessions_per_source = inputs.relay.max_sessions_per_source;
    const auto judge = std::make_shared<const Judge>(std::move(inputs));
    policy->judge = [judge](const relay::Request &request) { return (*judge)(request); };
    return policy;
}

} // namespace faith::daemon
