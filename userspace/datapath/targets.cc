/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/targets.h"

#include <algorithm>
#include <map>

namespace faith::datapath {

namespace {

fgw_target_key key_of(const Prefix4 &prefix) {
    fgw_target_key key{};
    key.prefix_len = prefix.length;
    std::ranges::copy(prefix.masked().address.bytes(), key.addr);
    return key;
}

using Said = std::map<Prefix4, fgw_target_val>;

fgw_target_val &said_of(Said &said, const Prefix4 &prefix) {
    return said.try_emplace(prefix.masked(), fgw_target_val{}).first->second;
}

bool same_key(const fgw_target_key &a, const fgw_target_key &b) {
    return a.prefix_len == b.prefix_len && std::ranges::equal(a.addr, b.addr);
}

} // namespace

std::vector<TargetEntry> make_target_entries(const TargetLists &lists) {
    Said said; /* sorted: what is around a prefix comes before it */
    for (const Prefix4 &prefix : lists.never)
        said_of(said, prefix).never = 1;
    for (const Ip4 &address : lists.own)
        said_of(said, {.address = address, .length = 32}).own = 1;
    for (const Prefix4 &prefix : lists.not_global)
        said_of(said, prefix).not_global = 1;

    std::vector<TargetEntry> entries;
    std::vector<const Said::value_type *> around;
    for (auto &each : said) {
        while (!around.empty() && !around.back()->first.contains(each.first))
            around.pop_back();
        if (!around.empty()) {
            const fgw_target_val &outer = around.back()->second;
            each.second.never |= outer.never;
            each.second.own |= outer.own;
            each.second.not_global |= outer.not_global;
        }
        around.push_back(&each);
        entries.emplace_back(key_of(each.first), each.second);
    }
    return entries;
}

Status write_targets(const Maps &maps, const TargetLists &lists) {
    const std::vector<TargetEntry> wanted = make_target_entries(lists);
    if (wanted.size() > FGW_MAX_TARGETS)
        return Error{.kind = Errc::Unsupported,
                     .sys_errno = 0,
                     .text = "more than " + std::to_string(FGW_MAX_TARGETS) +
                             " IPv4 addresses of the gateway and entries of `never` together"};
    TRY_ASSIGN(const std::vector<TargetEntry> present, maps.targets.entries());
    /* Written first, the outer ones too, and only then erased: whatever order the kernel
     * sees, the longest entry that is there is one of before or one of now. */
    for (const auto &[key, value] : wanted)
        TRY(maps.targets.put(key, value));
    for (const auto &[key, value] : present)
        if (std::ranges::none_of(
                wanted, [&](const TargetEntry &kept) { return same_key(kept.first, key); }))
            TRY(maps.targets.erase(key));
    return Ok{};
}

} // namespace faith::datapath
