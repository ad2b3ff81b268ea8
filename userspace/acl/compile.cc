/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/compile.h"

#include "acl/classes.h"
#include "acl/lookup.h"
#include "acl/pairing.h"

#include <algorithm>

namespace faith::acl {

namespace {

/* A rule that stayed keeps its slot, and a new one gets the lowest that the generation
 * before did not have: until that one is gone, its programs still count there. There are
 * twice as many slots as rules, so there always is one. */
std::vector<std::uint32_t> assign_slots(std::span<const Rule> rules, const Previous &previous) {
    std::vector<bool> taken(previous.slots.size() + rules.size(), false);
    const auto take = [&](std::uint32_t slot) {
        if (slot < taken.size()) /* others are never offered to a new rule */
            taken[slot] = true;
    };
    std::ranges::for_each(previous.slots, take);
    std::vector<std::uint32_t> slots;
    slots.reserve(rules.size());
    std::uint32_t next = 0;
    for (const std::uint32_t old : pair_rules(previous.rules, rules)) {
        if (old != no_rule) {
            slots.push_back(previous.slots[old]);
            continue;
        }
        while (taken[next])
            next++;
        slots.push_back(next++);
    }
    return slots;
}

/* Classes -> the arrays of an image, remembering which rules decide anything at all. */
class Renderer {
public:
    Renderer(std::span<const Rule> rules, std::vector<std::uint32_t> slots, const PortMaps &maps)
        : rules_(rules), maps_(maps), deciding_(rules.size(), false),
          leaf_of_(maps.count(), no_leaf) {
        image_.slots = std::move(slots);
    }

    Image run(const Classes &classes);
    const std::vector<bool> &deciding() const { return deciding_; }

private:
    /* Not a leaf: more segments than there are ports. */
    static constexpr fgw_acl_leaf no_leaf = {
        .verdict = 0, .first_segment = 0, .segments = 0xffffffff, .pad = 0};

    std::uint32_t verdict_of(std::uint32_t rule);
    const fgw_acl_leaf &leaf_of(PortMaps::Id map);

    std::span<const Rule> rules_;
    const PortMaps &maps_;
    std::vector<bool> deciding_;
    std::vector<fgw_acl_leaf> leaf_of_; /* by map */
    Image image_;
};

std::uint32_t Renderer::verdict_of(std::uint32_t rule) {
    if (rule == no_rule)
        return FGW_VERDICT_NO_RULE;
    deciding_[rule] = true;
    return verdict_word(rules_[rule], image_.slots[rule]);
}

const fgw_acl_leaf &Renderer::leaf_of(PortMaps::Id map) {
    fgw_acl_leaf &leaf = leaf_of_[map];
    if (leaf.segments != no_leaf.segments)
        return leaf;
    const PortSplit split = maps_.split(map);
    leaf = {.verdict = verdict_of(split.otherwise),
            .first_segment =
                split.pieces.empty() ? 0 : static_cast<std::uint32_t>(image_.segments.size()),
            .segments = static_cast<std::uint32_t>(split.pieces.size()),
            .pad = 0};
    for (const PortPiece &piece : split.pieces)
        image_.segments.push_back({.first_port = piece.first,
                                   .last_port = piece.last,
                                   .verdict = verdict_of(piece.rule)});
    return leaf;
}

Image Renderer::run(const Classes &classes) {
    std::uint32_t class_id = 0;
    for (const SourceClass &source : classes.sources) {
        class_id++;
        fgw_prefix_key source_key = {.prefix_len = source.source.length, .addr = {}};
        std::ranges::copy(source.source.address.bytes, source_key.addr);
        image_.source_keys.push_back(source_key);
        image_.source_values.push_back({.class_id = class_id});
        for (std::size_t i = source.first; i < source.end; i++) {
            const Destination &destination = classes.destinations[i];
            fgw_acl_dst_key key = {.prefix_len = std::uint32_t{FGW_ACL_CLASS_BITS} +
                                                 destination.target.length,
                                   .class_id = {},
                                   .addr = {}};
            std::ranges::copy(Ip4{.value = class_id}.bytes(), key.class_id);
            std::ranges::copy(destination.target.address.bytes(), key.addr);
            image_.destination_keys.push_back(key);
            image_.destination_values.push_back(leaf_of(destination.ports));
        }
    }
    image_.hash = hash_of(image_);
    return std::move(image_);
}

bool covers(const Rule &rule, const Rule &other) {
    const auto covers_range = [&](const PortRange &range) {
        return std::ranges::any_of(rule.ports, [&](const PortRange &wider) {
            return wider.first <= range.first && range.last <= wider.last;
        });
    };
    return rule.source.contains(other.source) && rule.target.contains(other.target) &&
           (rule.ports.empty() ||
            (!other.ports.empty() && std::ranges::all_of(other.ports, covers_range)));
}

/* Why a rule decides nothing, by the rule that decides the first packet it is written for. */
std::string why_never(std::span<const Rule> rules, const Rule &rule, const Lookup &lookup) {
    const Answer answer =
        lookup.find({.source = rule.source.masked().address,
                     .target = rule.target.masked().address,
                     .port = rule.ports.empty() ? std::uint16_t{0} : rule.ports.front().first});
    const Rule &earlier = rules[answer.rule];
    const std::string where = origin(earlier);
    if (covers(earlier, rule))
        return "this rule can never match: " + where + " comes first and covers it";
    return "this rule can never match: earlier rules cover it between them, one is " + where;
}

std::vector<Warning> warnings_of(std::span<const Rule> rules, std::span<const Prefix4> never,
                                 const std::vector<bool> &deciding, const Image &image) {
    std::vector<Warning> warnings;
    const auto warn = [&](std::uint32_t rule, const std::string &text) {
        warnings.push_back({.rule = rule, .text = origin(rules[rule]) + ": " + text});
    };
    const Lookup lookup(image);
    for (std::uint32_t i = 0; i < rules.size(); i++) {
        if (!deciding[i])
            warn(i, why_never(rules, rules[i], lookup));
        if (rules[i].action != Action::Permit)
            continue;
        const auto closed = std::ranges::find_if(
            never, [&](const Prefix4 &prefix) { return prefix.contains(rules[i].target); });
        if (closed != never.end())
            warn(i, "this rule permits nothing: " + to_string(*closed) +
                        " is never relayed to, whatever the rules say");
    }
    return warnings;
}

} // namespace

Result<Compiled> compile(std::span<const Rule> rules, const CompileOptions &options) {
    const Limits &limits = options.limits;
    if (rules.size() > limits.max_rules)
        return invalid(origin(rules[limits.max_rules]) + ": more than " +
                       std::to_string(limits.max_rules) +
                       " rules; give clients with the same rights a common prefix");
    PortMaps maps;
    TRY_ASSIGN(const Classes classes, classify(rules, limits, maps));
    Renderer renderer(rules, assign_slots(rules, options.previous), maps);
    Compiled compiled;
    compiled.image = renderer.run(classes);
    compiled.warnings = warnings_of(rules, options.never, renderer.deciding(), compiled.image);
    return compiled;
}

} // namespace faith::acl
