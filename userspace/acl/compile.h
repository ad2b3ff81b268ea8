/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rules -> Image: the list walk of evaluate.h turned into two longest-prefix lookups and
 * a search among ports, with the same answer for every packet.
 *
 * A source prefix that rules name stands for a class: its own rules and those of the
 * prefixes around it, in the order of the list. The destinations of a class are a tree of
 * prefixes in which each carries what the rules around it leave to it, so that the
 * longest match is the first match; what says no more than the prefix around it is left
 * out, and so is what longer prefixes cover completely.
 *
 * Worst case: a class repeats what it inherits. Sources that are not nested cost one
 * entry or less for each rule; S sources below a prefix with W rules cost up to S x W
 * destinations, and a leaf below prefixes with port lists repeats their segments. Time
 * goes with the size of the result, which Limits bound.
 */
#pragma once

#include "acl/image.h"
#include "acl/rule.h"

#include <span>
#include <string>
#include <vector>

namespace faith::acl {

struct Limits {
    std::size_t max_rules = FGW_MAX_RULES;
    std::size_t max_sources = FGW_MAX_ACL_SOURCES;
    std::size_t max_destinations = FGW_MAX_ACL_DESTINATIONS;
    std::size_t max_segments = FGW_MAX_ACL_SEGMENTS;
};

/* The generation before: its rules and their slots (Image::slots), or nothing. */
struct Previous {
    std::span<const Rule> rules = {};
    std::span<const std::uint32_t> slots = {};
};

struct CompileOptions {
    Limits limits = {};
    /* Targets that no rule can open, to warn of rules that try. */
    std::span<const Prefix4> never = {};
    /* A rule that means the same keeps its slot, and with it its hits. A new rule gets a
     * slot that the previous generation does not use. */
    Previous previous = {};
};

struct Warning {
    std::uint32_t rule; /* index in the list */
    std::string text;   /* "faithd.conf:7: ..." */
};

struct Compiled {
    Image image;
    std::vector<Warning> warnings; /* in the order of the list */
};

/* Errc::Invalid past a limit: "FILE:LINE: what is too much and what helps". */
Result<Compiled> compile(std::span<const Rule> rules, const CompileOptions &options = {});

} // namespace faith::acl
