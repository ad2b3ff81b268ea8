/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/reader.h"

#include "base/complaints.h"

namespace faith::config {

namespace {

std::string_view kind_name(const Node &node) {
    switch (node.kind) {
    case Node::Kind::Table:
        return "a table";
    case Node::Kind::List:
        return node.is_list_of_tables() ? "a list of tables" : "a list";
    case Node::Kind::String:
        return "a string";
    case Node::Kind::Integer:
        return "a number";
    case Node::Kind::Float:
        return "a number with a fraction";
    case Node::Kind::Boolean:
        return "true or false";
    case Node::Kind::Time:
        break;
    }
    return "a date or time";
}

} // namespace

void Reader::fail(Place place, std::string text) { found_.emplace(place, std::move(text)); }

void Reader::fail_not_in_release(const Node &node, const std::string &what) {
    fail(node, what + " is not in this release");
}

void Reader::fail_wrong_kind(const Node &node, std::string_view expected) {
    fail(node, "expected " + std::string(expected) + ", found " + std::string(kind_name(node)));
}

std::optional<bool> Reader::boolean(const Node &node) {
    if (node.kind == Node::Kind::Boolean)
        return node.boolean;
    fail_wrong_kind(node, "true or false");
    return std::nullopt;
}

std::optional<std::string_view> Reader::string(const Node &node, std::string_view expected) {
    if (node.kind == Node::Kind::String)
        return node.string;
    fail_wrong_kind(node, expected);
    return std::nullopt;
}

std::optional<std::int64_t> Reader::integer(const Node &node, std::int64_t first,
                                            std::int64_t last) {
    if (node.kind != Node::Kind::Integer)
        fail_wrong_kind(node, "a number");
    else if (node.integer < first || node.integer > last)
        fail(node, std::to_string(node.integer) + " is out of range: " + std::to_string(first) +
                       " to " + std::to_string(last));
    else
        return node.integer;
    return std::nullopt;
}

std::span<const Node> Reader::list(const Node &node, std::string_view expected) {
    if (node.kind != Node::Kind::List)
        fail_wrong_kind(node, expected);
    return node.elements; /* empty unless it is a list */
}

std::span<const Node> Reader::tables(const Node &node, std::string_view name) {
    const bool none = node.kind == Node::Kind::List && node.elements.empty();
    if (none || node.is_list_of_tables())
        return node.elements;
    fail_wrong_kind(node, "tables " + std::string(name));
    return {};
}

Error Reader::error() const {
    Complaints complaints;
    for (const auto &[place, text] : found_)
        complaints.add(position(file_, place.line, place.column), text);
    return complaints.error();
}

std::string Reader::where(const Node &node) const {
    return position(file_, node.place.line, node.place.column);
}

std::string suggestion(std::string_view word, std::span<const std::string_view> names) {
    const std::optional<std::string_view> name = closest(word, names);
    return name ? "; did you mean " + quoted(*name) + "?" : "";
}

} // namespace faith::config
