/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/plan.h"

#include "acl/parse.h"
#include "base/complaints.h"
#include "faith/abi.h"
#include "prefix/target.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <algorithm>
#include <filesystem>

namespace faith::daemon {

namespace {

constexpr std::size_t longest_config = 1 << 20;
constexpr std::size_t longest_acl = 32 << 20;

struct Source {
    std::string text;
    std::string file; /* "" when there is none */
};

Result<Source> read_config(const Options &options) {
    if (!options.config && !sys::file_exists(default_config))
        return Source{};
    const std::string file = options.config.value_or(default_config);
    Result<std::string> text = sys::read_file(file, longest_config);
    if (!text) {
        Error error = std::move(text).error();
        error.kind = Errc::Invalid; // what the operator named cannot be used
        return error;
    }
    return Source{.text = *std::move(text), .file = file};
}

/* Where the ACL is: the command line, the configuration (relative to its own place),
 * faithd.conf beside it, /etc/faithd.conf. Only the last two may be missing (D6). */
Result<Source> read_acl(const Options &options, const config::Config &config,
                        const std::string &config_file) {
    namespace fs = std::filesystem;
    const fs::path beside =
        fs::path(config_file.empty() ? default_config : config_file).parent_path();
    std::string file;
    if (options.acl)
        file = *options.acl;
    else if (config.faith.acl)
        file = (beside / *config.faith.acl).string(); // an absolute path stays as it is
    else if (const std::string near = (beside / default_acl_name).string(); sys::file_exists(near))
        file = near;
    else if (sys::file_exists(fallback_acl))
        file = fallback_acl;
    else
        return Source{};
    Result<std::string> text = sys::read_file(file, longest_acl);
    if (!text) {
        Error error = std::move(text).error();
        error.kind = Errc::Invalid;
        return std::move(error).wrap("access control list");
    }
    return Source{.text = *std::move(text), .file = file};
}

Result<prefix::FaithPrefix> prefix_of(const Prefix6 &written, prefix::Layout layout,
                                      const std::string &where) {
    Result<prefix::FaithPrefix> made = prefix::make_prefix(written, layout);
    if (!made)
        return std::move(made).error().wrap(where);
    return made;
}

Status check_tunnels_alone(const Options &options, const config::Config &config) {
    if (config.tunnels.empty())
        return invalid("name the interfaces where clients come in, or configure a [[stf]]");
    if (!options.prefixes.empty() || !config.faith.prefixes.empty())
        return invalid("name the interfaces where the clients of the prefix come in");
    return Ok{};
}

Result<std::vector<prefix::FaithPrefix>> choose_prefixes(const Options &options,
                                                         const config::Config &config) {
    std::vector<prefix::FaithPrefix> chosen;
    if (options.tunnels_alone) {
        TRY(check_tunnels_alone(options, config));
        return chosen;
    }
    for (const std::string &text : options.prefixes) {
        Result<Prefix6> written = parse_prefix6(text);
        if (!written)
            return std::move(written).error().wrap("--prefix " + text);
        TRY_ASSIGN(const prefix::FaithPrefix made,
                   prefix_of(*written, prefix::Layout::FaithLast32, "--prefix " + text));
        chosen.push_back(made);
    }
    if (!chosen.empty())
        return chosen;
    for (const config::PrefixEntry &entry : config.faith.prefixes) {
        const prefix::Layout layout =
            entry.rfc6052 ? prefix::Layout::Rfc6052 : prefix::Layout::FaithLast32;
        TRY_ASSIGN(const prefix::FaithPrefix made, prefix_of(entry.prefix, layout, entry.where));
        chosen.push_back(made);
    }
    if (chosen.empty())
        chosen.push_back(prefix::well_known());
    return chosen;
}

Status refuse_duplicates(std::vector<prefix::FaithPrefix> prefixes) {
    std::sort(prefixes.begin(), prefixes.end());
    for (std::size_t i = 1; i < prefixes.size(); ++i)
        if (prefixes[i].prefix == prefixes[i - 1].prefix)
            return invalid("prefix " + to_string(prefixes[i].prefix) + " is given twice");
    if (prefixes.size() > FGW_MAX_PREFIXES)
        return invalid("more than " + std::to_string(FGW_MAX_PREFIXES) + " prefixes");
    return Ok{};
}

acl::Rule permit_everything_from(const Prefix6 &source, const std::string &why) {
    acl::Rule rule;
    rule.source = source;
    rule.action = acl::Action::Permit;
    rule.target = Prefix4{.address = {}, .length = 0};
    rule.file = why;
    return rule;
}

Result<std::vector<acl::Rule>> permit_rules(const Options &options) {
    std::vector<acl::Rule> rules;
    for (const std::string &text : options.permits) {
        Result<Prefix6> source = parse_prefix6(text);
        if (!source)
            return std::move(source).error().wrap("--permit " + text);
        rules.push_back(permit_everything_from(*source, "--permit"));
    }
    return rules;
}

/* A local daemon that is missing is found now, not by the first client. */
Status check_local_programs(const config::Config &config) {
    Complaints complaints;
    for (const config::Service &service : config.services)
        if (!service.local.path.empty())
            if (const Status found = sys::executable(service.local.path); !found)
                complaints.add(service.local.where, "local: " + found.error().text);
    if (!complaints.empty())
        return complaints.error();
    return Ok{};
}

std::string fingerprint_of(const Options &options, const Source &config, const Source &acl) {
    std::string all = config.text + '\0' + acl.file + '\0' + acl.text + '\0';
    for (const std::string &prefix : options.prefixes)
        all += prefix + '\0';
    for (const std::string &permit : options.permits)
        all += permit + '\0';
    all += options.relay ? "relay" : "no relay";
    return std::to_string(std::hash<std::string>{}(all));
}

std::vector<acl::Rule> joined(std::vector<acl::Rule> first, const std::vector<acl::Rule> &rest) {
    first.insert(first.end(), rest.begin(), rest.end());
    return first;
}

} // namespace

std::vector<Prefix4> never_targets(const config::Faith &faith) {
    std::vector<Prefix4> never(prefix::built_in_never().begin(), prefix::built_in_never().end());
    never.insert(never.end(), faith.never.begin(), faith.never.end());
    return never;
}

Result<Plan> make_plan(const Options &options, const RuleSet *before) {
    TRY_ASSIGN(const Source config_source, read_config(options));
    TRY_ASSIGN(config::Config config, config::parse(config_source.text, config_source.file));
    TRY(check_local_programs(config));
    TRY_ASSIGN(std::vector<prefix::FaithPrefix> prefixes, choose_prefixes(options, config));
    TRY(refuse_duplicates(prefixes));
    TRY_ASSIGN(std::vector<acl::Rule> permits, permit_rules(options));
    TRY_ASSIGN(const Source acl_source, read_acl(options, config, config_source.file));
    TRY_ASSIGN(const std::vector<acl::Rule> written, acl::parse(acl_source.text, acl_source.file));
    TRY_ASSIGN(RuleSetRef rules,
               make_rule_set(joined(permits, written), never_targets(config.faith), before));
    return Plan{
        .options = options,
        .config = std::move(config),
        .config_file = config_source.file,
        .prefixes = std::move(prefixes),
        .acl_file = acl_source.file,
        .permits = std::move(permits),
        .rules = std::move(rules),
        .fingerprint = fingerprint_of(options, config_source, acl_source),
    };
}

std::vector<std::string> warnings_of(const Plan &plan, const RuleSet &rules) {
    std::vector<std::string> warnings = config::warnings(plan.config);
    warnings.insert(warnings.end(), rules.warnings.begin(), rules.warnings.end());
    return warnings;
}

std::vector<acl::Rule> default_rules(const std::vector<Prefix6> &interface_networks) {
    std::vector<acl::Rule> rules;
    for (const Prefix6 &network : interface_networks)
        if (!network.address.is_link_local())
            rules.push_back(permit_everything_from(network.masked(), "default"));
    return rules;
}

Result<RuleSetRef> effective_rules(const Plan &plan, const std::vector<Prefix6> &interface_networks,
                                   const RuleSet *before) {
    if (!plan.acl_file.empty())
        return plan.rules;
    return make_rule_set(joined(plan.permits, default_rules(interface_networks)),
                         never_targets(plan.config.faith), before);
}

} // namespace faith::daemon
