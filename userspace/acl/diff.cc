/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/diff.h"

#include "acl/image.h"
#include "acl/pairing.h"

#include <algorithm>

namespace faith::acl {

namespace {

/* The longest part of the pairs that stands in the order of the old list; the rest is the
 * least that somebody moved. Positions in `pairs`, marked. */
std::vector<bool> in_old_order(const std::vector<std::uint32_t> &pairs) {
    std::vector<std::size_t> tails; /* the last of the best chain of each length */
    std::vector<std::size_t> before(pairs.size(), SIZE_MAX);
    for (std::size_t i = 0; i < pairs.size(); i++) {
        if (pairs[i] == no_rule)
            continue;
        const auto tail = std::lower_bound(
            tails.begin(), tails.end(), pairs[i],
            [&](std::size_t index, std::uint32_t old) { return pairs[index] < old; });
        if (tail != tails.begin())
            before[i] = *(tail - 1);
        if (tail == tails.end())
            tails.push_back(i);
        else
            *tail = i;
    }
    std::vector<bool> marked(pairs.size(), false);
    for (std::size_t i = tails.empty() ? SIZE_MAX : tails.back(); i != SIZE_MAX; i = before[i])
        marked[i] = true;
    return marked;
}

std::string line(char sign, const Rule &rule) {
    std::string text = {sign, ' '};
    text += origin(rule);
    if (rule.line != 0) /* the origin of a derived rule is the rule itself */
        text += ": " + to_string(rule);
    return text;
}

} // namespace

Diff diff(std::span<const Rule> from, std::span<const Rule> to) {
    const std::vector<std::uint32_t> pairs = pair_rules(from, to);
    const std::vector<bool> unmoved = in_old_order(pairs);
    Diff diff;
    std::vector<bool> kept(from.size(), false);
    for (std::uint32_t i = 0; i < to.size(); i++) {
        if (pairs[i] == no_rule) {
            diff.added.push_back(i);
            continue;
        }
        kept[pairs[i]] = true;
        diff.unchanged++;
        if (!unmoved[i])
            diff.moved.push_back(i);
    }
    for (std::uint32_t i = 0; i < from.size(); i++)
        if (!kept[i])
            diff.removed.push_back(i);
    return diff;
}

std::string summary(const Diff &diff) {
    std::string text = "+" + std::to_string(diff.added.size()) + " -" +
                       std::to_string(diff.removed.size()) + " rules";
    if (!diff.moved.empty())
        text += ", " + std::to_string(diff.moved.size()) + " moved";
    return text;
}

std::vector<std::string> lines(const Diff &diff, std::span<const Rule> from,
                               std::span<const Rule> to) {
    std::vector<std::string> out;
    for (const std::uint32_t rule : diff.removed)
        out.push_back(line('-', from[rule]));
    for (const std::uint32_t rule : diff.added)
        out.push_back(line('+', to[rule]));
    for (const std::uint32_t rule : diff.moved)
        out.push_back(line('~', to[rule]));
    return out;
}

} // namespace faith::acl
