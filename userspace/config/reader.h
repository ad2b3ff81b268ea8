/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Takes values out of a document and remembers everything that is wrong with them. Each
 * function either gives a value of the wanted kind or has complained: there is no third
 * way, which is how nothing in a file is silently ignored.
 */
#pragma once

#include "base/text.h"
#include "config/document.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace faith::config {

class Reader {
public:
    explicit Reader(std::string_view file) : file_(file) {}

    void fail(Place place, std::string text);
    void fail(const Node &node, std::string text) { fail(node.place, std::move(text)); }
    /* A switch that is accepted and does nothing would deceive. */
    void fail_not_in_release(const Node &node, const std::string &what);
    void fail_wrong_kind(const Node &node, std::string_view expected);

    std::optional<bool> boolean(const Node &node);
    std::optional<std::string_view> string(const Node &node, std::string_view expected);
    std::optional<std::int64_t> integer(const Node &node, std::int64_t first, std::int64_t last);
    /* The elements; none after a complaint. */
    std::span<const Node> list(const Node &node, std::string_view expected);
    std::span<const Node> tables(const Node &node, std::string_view name);

    bool complained() const { return !found_.empty(); }
    /* In the order of the text. Only when complained(). */
    Error error() const;
    std::string where(const Node &node) const;

private:
    std::string file_;
    std::multimap<Place, std::string> found_;
};

/* A key of a table: its name, and how its value gets into a T. */
template <class T>
struct Key {
    std::string_view name;
    void (*read)(Reader &, const Node &, T &);
};

/* " did you mean NAME?", or nothing. */
std::string suggestion(std::string_view word, std::span<const std::string_view> names);

/* Every member of the table must be one of the keys. */
template <class T>
void read_keys(Reader &reader, const Node &table, std::span<const Key<T>> keys,
               std::string_view table_name, T &out) {
    if (table.kind != Node::Kind::Table)
        return reader.fail_wrong_kind(table, table_name);
    for (const Member &member : table.members) {
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key<T> &candidate) {
            return candidate.name == member.name;
        });
        if (key != keys.end()) {
            key->read(reader, member.value, out);
            continue;
        }
        std::vector<std::string_view> names;
        for (const Key<T> &candidate : keys)
            names.push_back(candidate.name);
        reader.fail(member.place, "unknown key " + quoted(member.name) + " in " +
                                      std::string(table_name) + suggestion(member.name, names));
    }
}

template <class T>
struct Choice {
    std::string_view name;
    T value;
};

template <class T>
void read_choice(Reader &reader, const Node &node, std::span<const Choice<T>> choices, T &out) {
    std::string all;
    std::vector<std::string_view> names;
    for (const Choice<T> &choice : choices) {
        all += (all.empty() ? "" : ", ") + quoted(choice.name);
        names.push_back(choice.name);
    }
    const std::optional<std::string_view> word = reader.string(node, "one of " + all);
    if (!word)
        return;
    for (const Choice<T> &choice : choices)
        if (choice.name == *word) {
            out = choice.value;
            return;
        }
    reader.fail(node, quoted(*word) + " is not one of " + all + suggestion(*word, names));
}

/* Stores what parsed, complains about what did not. */
template <class T>
bool store(Reader &reader, const Node &node, Result<T> parsed, T &out) {
    if (!parsed) {
        reader.fail(node, std::move(parsed).error().text);
        return false;
    }
    out = *std::move(parsed);
    return true;
}

} // namespace faith::config
