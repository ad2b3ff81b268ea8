/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/classes.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>

namespace faith::acl {

namespace {

/* The address behind the last one of the prefix; none behind the last of all. */
std::optional<Ip6> end_of(const Prefix6 &prefix) {
    Ip6 address = prefix.masked().address;
    for (std::size_t bit = prefix.length; bit-- > 0;) {
        const auto mask = static_cast<std::uint8_t>(0x80 >> bit % 8);
        address.bytes[bit / 8] ^= mask;
        if (address.bytes[bit / 8] & mask)
            return address;
    }
    return std::nullopt;
}

/* One source prefix and the rules that name it. */
struct Source {
    Prefix6 prefix;
    std::size_t first; /* in the list of rules sorted by source */
    std::size_t end;
};

/* A source that the walk is inside of. */
struct Open {
    Prefix6 prefix;
    std::size_t first; /* its destinations */
    std::size_t end;
    std::optional<std::size_t> listed; /* its place among the sources, if it has one */
    std::optional<Ip6> uncovered;      /* the first address not known to be inside a longer
                                          listed prefix; none: all are */
};

class Classifier {
public:
    Classifier(std::span<const Rule> rules, const Limits &limits, PortMaps &maps)
        : rules_(rules), limits_(limits), tree_(rules, maps),
          room_{.destinations = limits.max_destinations, .segments = limits.max_segments} {}

    Result<Classes> run();

private:
    std::vector<Source> sort_by_source();
    Status enter(const Source &source);
    void leave();
    Error too_many(Listed listed, const Source &source) const;
    Error at(const Source &source, std::string text) const;

    std::span<const Rule> rules_;
    const Limits &limits_;
    Destinations tree_;
    Room room_;
    std::vector<std::uint32_t> by_source_; /* rules, by source and then in their order */
    std::vector<Open> open_;
    std::vector<bool> hidden_; /* sources that longer ones cover */
    Classes classes_;
};

std::vector<Source> Classifier::sort_by_source() {
    std::vector<Prefix6> prefixes;
    prefixes.reserve(rules_.size());
    for (const Rule &rule : rules_)
        prefixes.push_back(rule.source.masked());
    by_source_.resize(rules_.size());
    std::iota(by_source_.begin(), by_source_.end(), 0);
    std::sort(by_source_.begin(), by_source_.end(), [&](std::uint32_t a, std::uint32_t b) {
        return std::tie(prefixes[a], a) < std::tie(prefixes[b], b);
    });
    std::vector<Source> sources;
    for (std::size_t i = 0; i < by_source_.size(); i++) {
        const Prefix6 &prefix = prefixes[by_source_[i]];
        if (sources.empty() || sources.back().prefix != prefix)
            sources.push_back({.prefix = prefix, .first = i, .end = i});
        sources.back().end = i + 1;
    }
    return sources;
}

Result<Classes> Classifier::run() {
    for (const Source &source : sort_by_source()) {
        while (!open_.empty() && !open_.back().prefix.contains(source.prefix))
            leave();
        TRY(enter(source));
    }
    while (!open_.empty())
        leave();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < classes_.sources.size(); i++)
        if (!hidden_[i])
            classes_.sources[kept++] = classes_.sources[i];
    classes_.sources.resize(kept);
    return std::move(classes_);
}

Status Classifier::enter(const Source &source) {
    std::vector<Destination> &all = classes_.destinations;
    Open open = {.prefix = source.prefix,
                 .first = all.size(),
                 .end = 0,
                 .listed = std::nullopt,
                 .uncovered = source.prefix.address};
    const Room room = room_;
    tree_.push(std::span(by_source_).subspan(source.first, source.end - source.first));
    if (const Listed listed = tree_.list(all, room_); listed != Listed::All)
        return too_many(listed, source);
    open.end = all.size();
    if (!open_.empty() &&
        std::ranges::equal(
            std::span(all).subspan(open.first),
            std::span(all).subspan(open_.back().first, open_.back().end - open_.back().first))) {
        all.resize(open.first);
        open.first = open_.back().first;
        open.end = open_.back().end;
        room_ = room;
    } else {
        if (classes_.sources.size() == limits_.max_sources)
            return at(source, "more than " + std::to_string(limits_.max_sources) +
                                  " source prefixes with rules of their own; give clients with "
                                  "the same rights a common prefix");
        open.listed = classes_.sources.size();
        classes_.sources.push_back({.source = source.prefix, .first = open.first, .end = open.end});
        hidden_.push_back(false);
    }
    open_.push_back(open);
    return Ok{};
}

void Classifier::leave() {
    const Open source = open_.back();
    open_.pop_back();
    tree_.pop();
    const std::optional<Ip6> end = end_of(source.prefix);
    const bool covered = source.uncovered == end;
    if (source.listed && covered)
        hidden_[*source.listed] = true;
    if (!open_.empty() && (source.listed || covered) &&
        open_.back().uncovered == source.prefix.address)
        open_.back().uncovered = end;
}

Error Classifier::at(const Source &source, std::string text) const {
    return invalid(origin(rules_[by_source_[source.first]]) + ": " + text);
}

Error Classifier::too_many(Listed listed, const Source &source) const {
    if (listed == Listed::TooManySegments)
        return at(source,
                  "more than " + std::to_string(limits_.max_segments) +
                      " ranges of ports once the rules are combined: a destination repeats the "
                      "port lists of the wider ones around it; name ranges instead of single "
                      "ports, or fewer ports on wide destinations");
    std::string text = "more than " + std::to_string(limits_.max_destinations) +
                       " pairs of source and destination once the rules are combined";
    if (!open_.empty())
        text += ": " + to_string(source.prefix) + " repeats the " +
                std::to_string(open_.back().end - open_.back().first) + " destinations of " +
                to_string(open_.back().prefix) +
                " around it, as each source inside does; write fewer rules for the wide source, "
                "or give clients with the same rights a common prefix";
    return at(source, text);
}

} // namespace

Result<Classes> classify(std::span<const Rule> rules, const Limits &limits, PortMaps &maps) {
    return Classifier(rules, limits, maps).run();
}

} // namespace faith::acl
