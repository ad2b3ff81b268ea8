/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/destinations.h"

#include "acl/image.h"

#include <algorithm>
#include <bit>

namespace faith::acl {

namespace {

constexpr std::size_t none = SIZE_MAX;

std::vector<Prefix4> targets_of(std::span<const Rule> rules) {
    std::vector<Prefix4> targets;
    targets.reserve(rules.size());
    for (const Rule &rule : rules)
        targets.push_back(rule.target.masked());
    std::sort(targets.begin(), targets.end());
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
    return targets;
}

std::uint64_t addresses_in(const Prefix4 &prefix) {
    return std::uint64_t{1} << (32 - prefix.length);
}

} // namespace

LowestValues::LowestValues(std::size_t size)
    : leaves_(std::bit_ceil(std::max<std::size_t>(size, 1))), tree_(2 * leaves_, no_rule) {}

void LowestValues::set(std::size_t position, std::uint32_t value) {
    std::size_t node = position + leaves_;
    tree_[node] = value;
    for (node /= 2; node > 0; node /= 2)
        tree_[node] = std::min(tree_[2 * node], tree_[2 * node + 1]);
}

std::size_t LowestValues::next(std::size_t from, std::size_t to, std::uint32_t bound) const {
    if (from >= to)
        return to;
    std::size_t node = from + leaves_;
    while (tree_[node] >= bound) {
        while (node % 2 == 1) /* a right child: what follows is beside an ancestor */
            node /= 2;
        if (node == 0)
            return to;
        node++;
    }
    while (node < leaves_) {
        node *= 2;
        if (tree_[node] >= bound)
            node++;
    }
    return std::min(node - leaves_, to);
}

Destinations::Destinations(std::span<const Rule> rules, PortMaps &maps)
    : rules_(rules), maps_(maps), targets_(targets_of(rules)), outer_(targets_.size(), none),
      end_(targets_.size(), targets_.size()), map_(targets_.size(), PortMaps::empty),
      lowest_(targets_.size()) {
    std::vector<std::size_t> around;
    for (std::size_t i = 0; i < targets_.size(); i++) {
        while (!around.empty() && !targets_[around.back()].contains(targets_[i])) {
            end_[around.back()] = i;
            around.pop_back();
        }
        if (!around.empty())
            outer_[i] = around.back();
        around.push_back(i);
    }
    position_of_.reserve(rules.size());
    for (const Rule &rule : rules)
        position_of_.push_back(static_cast<std::size_t>(
            std::lower_bound(targets_.begin(), targets_.end(), rule.target.masked()) -
            targets_.begin()));
}

void Destinations::set(std::size_t position, PortMaps::Id map) {
    map_[position] = map;
    lowest_.set(position, maps_.lowest(map));
}

PortMaps::Id Destinations::claims_of(std::span<const std::pair<std::size_t, std::uint32_t>> rules) {
    std::vector<PortPiece> claims;
    for (const auto &[position, rule] : rules) {
        if (rules_[rule].ports.empty())
            claims.push_back({.rule = rule});
        for (const PortRange &range : rules_[rule].ports)
            claims.push_back({.first = range.first, .last = range.last, .rule = rule});
    }
    return maps_.of(std::move(claims));
}

void Destinations::push(std::span<const std::uint32_t> rules) {
    frames_.push_back(undo_.size());
    std::vector<std::pair<std::size_t, std::uint32_t>> placed;
    placed.reserve(rules.size());
    for (const std::uint32_t rule : rules)
        placed.emplace_back(position_of_[rule], rule);
    std::sort(placed.begin(), placed.end());
    /* In the order of positions, so that what stands around a prefix is complete before
     * it is subtracted. It stays pushed for as long as the result, so nothing is lost. */
    for (std::size_t first = 0, end = 0; first < placed.size(); first = end) {
        const std::size_t position = placed[first].first;
        while (end < placed.size() && placed[end].first == position)
            end++;
        const PortMaps::Id before = map_[position];
        PortMaps::Id map =
            maps_.lower(before, claims_of(std::span(placed).subspan(first, end - first)));
        for (std::size_t outer = outer_[position]; outer != none; outer = outer_[outer])
            map = maps_.left_by(map, map_[outer]);
        if (map == before)
            continue;
        undo_.push_back({.position = position, .before = before});
        set(position, map);
    }
}

void Destinations::pop() {
    for (; undo_.size() > frames_.back(); undo_.pop_back())
        set(undo_.back().position, undo_.back().before);
    frames_.pop_back();
}

Listed Destinations::list(std::vector<Destination> &out, Room &room) {
    out_ = &out;
    room_ = &room;
    listed_ = Listed::All;
    visit(0, targets_.size(), PortMaps::empty);
    return listed_;
}

/* False when there is no room for one more destination with this map. */
bool Destinations::take(PortMaps::Id map) {
    if (room_->destinations == 0) {
        listed_ = Listed::TooManyDestinations;
        return false;
    }
    taken_.resize(maps_.count());
    const std::size_t segments = taken_[map] ? 0 : maps_.split(map).pieces.size();
    if (segments > room_->segments) {
        listed_ = Listed::TooManySegments;
        return false;
    }
    taken_[map] = true;
    room_->segments -= segments;
    room_->destinations--;
    return true;
}

/* How many addresses are covered by what it listed. */
std::uint64_t Destinations::visit(std::size_t from, std::size_t to, PortMaps::Id outer) {
    const std::uint32_t bound = maps_.bound(outer);
    std::uint64_t covered = 0;
    for (std::size_t i = lowest_.next(from, to, bound); i < to && listed_ == Listed::All;
         i = lowest_.next(end_[i], to, bound)) {
        const PortMaps::Id map = maps_.lower(outer, map_[i]);
        const std::uint64_t all = addresses_in(targets_[i]);
        std::uint64_t inside = visit(i + 1, end_[i], map);
        if (map != outer && inside != all && listed_ == Listed::All && take(map)) {
            out_->push_back({.target = targets_[i], .ports = map});
            inside = all;
        }
        covered += inside;
    }
    return covered;
}

} // namespace faith::acl
