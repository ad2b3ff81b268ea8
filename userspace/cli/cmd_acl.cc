/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* acl show, acl test: the rules in force and what they count; a verdict and its rule. */
#include "cli/commands.h"

#include "cli/render_inspect.h"
#include "daemon/kernel_view.h"
#include "daemon/trial.h"

#include <cstdio>

namespace faith::cli {

namespace {

struct Pinned {
    daemon::Instance instance;
    datapath::PinnedMaps maps;
};

Result<Pinned> open_pinned() {
    TRY_ASSIGN(const daemon::Instance instance, daemon::Instance::here());
    TRY_ASSIGN(datapath::PinnedMaps maps,
               datapath::open_pinned_maps(datapath::Pins(instance.netns_inode)));
    return Pinned{.instance = instance, .maps = std::move(maps)};
}

Result<daemon::Json> show() {
    TRY_ASSIGN(const Pinned pinned, open_pinned());
    TRY_ASSIGN(const daemon::RulesWithHits read,
               daemon::read_hits(pinned.instance, pinned.maps.maps));
    daemon::Json list = daemon::Json::array();
    for (std::size_t i = 0; i < read.hits.size(); ++i) {
        list.push_back(daemon::rule_json(&read.live.rules[i]));
        list.back()["hits"] = read.hits[i];
    }
    return list;
}

/* As the file would decide, were it loaded; own addresses are those of another machine
 * perhaps, so they are left out. */
Result<daemon::Json> try_offline(const daemon::Options &options, const acl::Packet &packet) {
    TRY_ASSIGN(const daemon::Plan plan, daemon::make_plan(options));
    daemon::PolicyInputs inputs{};
    inputs.prefixes = plan.prefixes;
    inputs.never = daemon::never_targets(plan.config.faith);
    inputs.rules = plan.rules;
    return to_json(daemon::try_connection(std::move(inputs), packet), std::nullopt);
}

Result<daemon::Json> try_live(const acl::Packet &packet) {
    TRY_ASSIGN(const Pinned pinned, open_pinned());
    TRY_ASSIGN(daemon::PolicyInputs inputs, daemon::read_policy(pinned.instance, pinned.maps.maps));
    const std::uint32_t generation = inputs.generation;
    return to_json(daemon::try_connection(std::move(inputs), packet), generation);
}

Result<acl::Packet> packet_of(const Connection &connection) {
    acl::Packet packet;
    TRY_ASSIGN(packet.source, parse_ip6(connection.source));
    TRY_ASSIGN(packet.target, parse_ip4(connection.destination));
    TRY_ASSIGN(packet.port, parse_port(connection.port));
    return packet;
}

} // namespace

int cmd_acl_show(Output output) {
    const Result<daemon::Json> rules = show();
    if (!rules)
        return fail(rules.error());
    const std::string text =
        output == Output::Json ? json_text(*rules) : render_rules_with_hits(*rules);
    std::fputs(text.c_str(), stdout);
    return 0;
}

int cmd_acl_test(const Connection &connection, const daemon::Options &options, Output output) {
    const Result<acl::Packet> packet = packet_of(connection);
    if (!packet)
        return fail(packet.error());
    const Result<daemon::Json> verdict =
        options.acl ? try_offline(options, *packet) : try_live(*packet);
    if (!verdict)
        return fail(verdict.error());
    const std::string text = output == Output::Json ? json_text(*verdict) : render_trial(*verdict);
    std::fputs(text.c_str(), stdout);
    return (*verdict)["verdict"] == "permit" ? 0 : 1;
}

} // namespace faith::cli
