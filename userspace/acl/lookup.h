/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An Image asked from user space, in the steps of bpf/lib/acl.h: source to class, class
 * and destination to leaf, port to segment. The cost depends on how many different
 * prefix lengths the rules use, not on how many rules there are.
 */
#pragma once

#include "acl/evaluate.h"
#include "acl/image.h"

#include <array>
#include <cstdint>
#include <vector>

namespace faith::acl {

inline constexpr std::uint32_t no_rule = 0xffffffff;

struct Answer {
    Action action = Action::Deny;
    std::uint32_t rule = no_rule; /* index in the list; no_rule when none matched */
    std::uint32_t slot = no_rule;
    auto operator<=>(const Answer &) const = default;
};

/* Built once for an image, which need not outlive it; then asked from any thread. */
class Lookup {
public:
    explicit Lookup(const Image &image);
    Answer find(const Packet &packet) const;
};

} // namespace faith::acl
