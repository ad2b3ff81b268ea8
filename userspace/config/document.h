/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A TOML text as a tree of values, each with its place in the text. The tree is all that
 * the rest of this room knows of TOML; document.cc alone knows the library that reads it.
 */
#pragma once

#include "base/result.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace faith::config {

struct Place {
    std::size_t line = 1;
    std::size_t column = 1;
    auto operator<=>(const Place &) const = default;
};

struct Member;

struct Node {
    enum class Kind { Table, List, String, Integer, Float, Boolean, Time };

    Kind kind = Kind::Table;
    Place place;
    std::vector<Member> members; /* Table */
    std::vector<Node> elements;  /* List */
    std::string string;
    std::int64_t integer = 0;
    bool boolean = false;

    bool is_list_of_tables() const; /* not empty, and nothing but tables */
    const Node *member(std::string_view name) const;
};

struct Member {
    std::string name;
    Place place;
    Node value;
};

/* A bigger file is no configuration. */
inline constexpr std::size_t max_text_bytes = 1U << 20;

/* The root table. Errors read "FILE:LINE:COL: what is wrong". */
Result<Node> read_document(std::string_view text, std::string_view file);

} // namespace faith::config
