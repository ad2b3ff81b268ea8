/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/ports.h"

#include "acl/image.h"

#include <algorithm>
#include <queue>

namespace faith::acl {

namespace {

/* Ports are counted in 32 bits here: the one behind the last is 65536. */
constexpr std::uint32_t ports_end = 65536;

/* Appends [first, end) in ascending order, joined to the piece before where it can be. */
void append(std::vector<PortPiece> &pieces, std::uint32_t first, std::uint32_t end,
            std::uint32_t rule) {
    if (!pieces.empty() && pieces.back().rule == rule && pieces.back().last + 1U == first)
        pieces.back().last = static_cast<std::uint16_t>(end - 1);
    else
        pieces.push_back({.first = static_cast<std::uint16_t>(first),
                          .last = static_cast<std::uint16_t>(end - 1),
                          .rule = rule});
}

/* Reads a map from the first port to the last. */
class Reader {
public:
    explicit Reader(std::span<const PortPiece> pieces) : left_(pieces) {}

    /* What holds at a port, and where that ends. Ports must not go down. */
    struct Here {
        std::uint32_t rule;
        std::uint32_t end;
    };
    Here at(std::uint32_t port) {
        while (!left_.empty() && left_.front().last < port)
            left_ = left_.subspan(1);
        if (left_.empty())
            return {.rule = no_rule, .end = ports_end};
        if (port < left_.front().first)
            return {.rule = no_rule, .end = left_.front().first};
        return {.rule = left_.front().rule, .end = left_.front().last + 1U};
    }

private:
    std::span<const PortPiece> left_;
};

std::uint64_t hash_of(const std::vector<PortPiece> &pieces) {
    std::uint64_t hash = pieces.size();
    for (const PortPiece &piece : pieces) {
        hash ^= std::uint64_t{piece.first} << 48 | std::uint64_t{piece.last} << 32 | piece.rule;
        hash *= 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    }
    return hash;
}

/* Among equally frequent rules the later: it is the one written to hold otherwise. */
std::uint32_t most_frequent(const std::vector<PortPiece> &pieces) {
    std::vector<std::uint32_t> rules;
    rules.reserve(pieces.size());
    for (const PortPiece &piece : pieces)
        rules.push_back(piece.rule);
    std::sort(rules.begin(), rules.end());
    std::uint32_t best = no_rule;
    std::size_t most = 0;
    for (std::size_t i = 0, first = 0; i < rules.size(); i++) {
        if (rules[i] != rules[first])
            first = i;
        if (i - first + 1 >= most) {
            most = i - first + 1;
            best = rules[i];
        }
    }
    return best;
}

} // namespace

PortMaps::PortMaps() { intern({}); }

PortMaps::Id PortMaps::of(std::vector<PortPiece> claims) {
    std::sort(claims.begin(), claims.end(),
              [](const PortPiece &a, const PortPiece &b) { return a.first < b.first; });
    const auto later = [](const PortPiece &a, const PortPiece &b) { return a.rule > b.rule; };
    std::priority_queue<PortPiece, std::vector<PortPiece>, decltype(later)> open(later);
    scratch_.clear();
    std::size_t next = 0;
    std::uint32_t port = 0;
    while (next < claims.size() || !open.empty()) {
        if (open.empty())
            port = std::max<std::uint32_t>(port, claims[next].first);
        while (next < claims.size() && claims[next].first <= port)
            open.push(claims[next++]);
        while (!open.empty() && open.top().last < port)
            open.pop();
        if (open.empty())
            continue;
        std::uint32_t end = open.top().last + 1U;
        if (next < claims.size())
            end = std::min<std::uint32_t>(end, claims[next].first);
        append(scratch_, port, end, open.top().rule);
        port = end;
    }
    return intern(scratch_);
}

PortMaps::Id PortMaps::intern(const std::vector<PortPiece> &pieces) {
    const std::uint64_t hash = hash_of(pieces);
    const auto [first, last] = by_hash_.equal_range(hash);
    for (auto known = first; known != last; ++known)
        if (std::ranges::equal(this->pieces(known->second), pieces))
            return known->second;
    Map map = {.first = pool_.size(), .size = pieces.size(), .lowest = no_rule, .bound = 0};
    std::uint32_t decided = 0;
    for (const PortPiece &piece : pieces) {
        map.lowest = std::min(map.lowest, piece.rule);
        map.bound = std::max(map.bound, piece.rule);
        decided += piece.last - piece.first + 1U;
    }
    if (decided < ports_end)
        map.bound = no_rule;
    pool_.insert(pool_.end(), pieces.begin(), pieces.end());
    const Id id = static_cast<Id>(maps_.size());
    maps_.push_back(map);
    by_hash_.emplace(hash, id);
    return id;
}

std::span<const PortPiece> PortMaps::pieces(Id map) const {
    return std::span(pool_).subspan(maps_[map].first, maps_[map].size);
}

template <class Pick>
PortMaps::Id PortMaps::combine(Memo &memo, Id a, Id b, Pick pick) {
    const auto [known, fresh] = memo.try_emplace(std::uint64_t{a} << 32 | b, empty);
    if (!fresh)
        return known->second;
    Reader reader_a(pieces(a));
    Reader reader_b(pieces(b));
    scratch_.clear();
    for (std::uint32_t port = 0; port < ports_end;) {
        const Reader::Here here_a = reader_a.at(port);
        const Reader::Here here_b = reader_b.at(port);
        const std::uint32_t end = std::min(here_a.end, here_b.end);
        const std::uint32_t rule = pick(here_a.rule, here_b.rule);
        if (rule != no_rule)
            append(scratch_, port, end, rule);
        port = end;
    }
    return known->second = intern(scratch_);
}

PortMaps::Id PortMaps::lower(Id a, Id b) {
    if (a == b || bound(a) < lowest(b) || b == empty)
        return a;
    if (bound(b) < lowest(a) || a == empty)
        return b;
    return combine(lower_, a, b, [](std::uint32_t rule_a, std::uint32_t rule_b) {
        return std::min(rule_a, rule_b);
    });
}

PortMaps::Id PortMaps::left_by(Id a, Id before) {
    if (a == empty || before == empty)
        return a;
    if (bound(before) < lowest(a))
        return empty;
    return combine(left_by_, a, before, [](std::uint32_t rule, std::uint32_t rule_before) {
        return rule_before < rule ? no_rule : rule;
    });
}

PortSplit PortMaps::split(Id map) const {
    PortSplit split = {.otherwise = no_rule, .pieces = {}};
    Reader reader(pieces(map));
    for (std::uint32_t port = 0; port < ports_end;) {
        const Reader::Here here = reader.at(port);
        append(split.pieces, port, here.end, here.rule);
        port = here.end;
    }
    split.otherwise = most_frequent(split.pieces);
    std::erase_if(split.pieces,
                  [&](const PortPiece &piece) { return piece.rule == split.otherwise; });
    return split;
}

} // namespace faith::acl
