/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/document.h"

#include "base/complaints.h"
#include "base/text.h"

/* Some of its assertions fail on wrong input: "[" before anything but a key aborts in 3.3
 * (marzer/tomlplusplus #301), although the code behind the assertion reports it properly.
 * With NDEBUG it would promise them to the compiler instead, which is worse. */
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

namespace faith::config {

namespace {

/* The library recurses once for each part of a dotted key and has no limit: half a million
 * parts overrun the stack. A configuration has a handful. */
constexpr std::size_t most_bare_dots = 1000;

struct Finding {
    Place place;
    std::string text;
};

/* Walks a text just well enough to know what is inside quotes or a comment, and refuses
 * what the library cannot be trusted with. Nothing that it refuses has a use in a
 * configuration. */
class Scanner {
public:
    std::optional<Finding> run(std::string_view text);

private:
    void start_line();
    void skip_quoted(char letter);
    const char *trouble_with(char letter, std::string_view rest);

    Place place_;
    char quote_ = 0; /* what ends the string; '#' in a comment, which the line ends */
    bool escaped_ = false;
    char before_ = '\n'; /* the last letter that is neither blank nor quoted */
    std::size_t dots_ = 0;
};

void Scanner::start_line() {
    place_ = {.line = place_.line + 1, .column = 1};
    quote_ = 0;
    escaped_ = false;
    before_ = '\n';
}

void Scanner::skip_quoted(char letter) {
    const bool ends = letter == quote_ && quote_ != '#' && !escaped_;
    escaped_ = letter == '\\' && quote_ == '"' && !escaped_;
    if (ends)
        quote_ = 0;
}

const char *Scanner::trouble_with(char letter, std::string_view rest) {
    if (rest.starts_with("\"\"\"") || rest.starts_with("'''"))
        return "strings of several lines are not taken"; /* they would make this a parser */
    if (static_cast<std::uint8_t>(letter) >= 0x80)
        return "a letter outside of ASCII needs quotes"; /* its blanks are undefined behaviour */
    if (letter == '.' && ++dots_ > most_bare_dots)
        return "too many dotted keys";
    if (letter == '"' || letter == '\'') {
        /* Elsewhere the library reads it as a letter of the word, and what follows as well. */
        if (std::string_view("\n=,[{.\"'").find(before_) == std::string_view::npos)
            return "a quote cannot stand here";
        quote_ = letter;
    } else if (letter == '#') {
        quote_ = letter;
    }
    if (letter != ' ' && letter != '\t')
        before_ = letter;
    return nullptr;
}

std::optional<Finding> Scanner::run(std::string_view text) {
    const std::size_t start = text.starts_with("\xef\xbb\xbf") ? 3 : 0; /* byte order mark */
    for (std::size_t i = start; i < text.size(); i++) {
        if (text[i] == '\n') {
            start_line();
            continue;
        }
        if (quote_ != 0)
            skip_quoted(text[i]);
        else if (const char *trouble = trouble_with(text[i], text.substr(i)))
            return Finding{.place = place_, .text = trouble};
        place_.column++;
    }
    return std::nullopt;
}

/* What the library would say in its own words, much later, or not at all. */
std::optional<Finding> find_trouble(std::string_view text) {
    if (text.size() > max_text_bytes)
        return Finding{.place = {}, .text = "the file is larger than 1 MiB: not a configuration"};
    if (const std::optional<BadByte> bad = find_control_byte(text))
        return Finding{.place = {.line = bad->line, .column = bad->column}, .text = describe(*bad)};
    return Scanner().run(text);
}

Place place_of(const toml::source_region &region) {
    return {.line = region.begin.line, .column = region.begin.column};
}

Node convert(const toml::node &from);

void convert_members(const toml::table &from, Node &to) {
    for (const auto &[key, value] : from)
        to.members.push_back({.name = std::string(key.str()),
                              .place = place_of(key.source()),
                              .value = convert(value)});
    /* The library sorts by name; people read from top to bottom. */
    std::sort(to.members.begin(), to.members.end(),
              [](const Member &a, const Member &b) { return a.place < b.place; });
}

Node convert(const toml::node &from) {
    Node to;
    to.place = place_of(from.source());
    if (const toml::table *table = from.as_table()) {
        to.kind = Node::Kind::Table;
        convert_members(*table, to);
    } else if (const toml::array *list = from.as_array()) {
        to.kind = Node::Kind::List;
        for (const toml::node &element : *list)
            to.elements.push_back(convert(element));
    } else if (const toml::value<std::string> *string = from.as_string()) {
        to.kind = Node::Kind::String;
        to.string = string->get();
    } else if (const toml::value<std::int64_t> *integer = from.as_integer()) {
        to.kind = Node::Kind::Integer;
        to.integer = integer->get();
    } else if (const toml::value<bool> *boolean = from.as_boolean()) {
        to.kind = Node::Kind::Boolean;
        to.boolean = boolean->get();
    } else {
        to.kind = from.is_floating_point() ? Node::Kind::Float : Node::Kind::Time;
    }
    return to;
}

/* A word without quotes is what people most often write, and the library takes it for a
 * boolean or a date. */
std::string describe_syntax_error(std::string_view description) {
    std::string text = printable(description);
    if (description.find("parsing boolean") != std::string_view::npos ||
        description.find("value type") != std::string_view::npos)
        text += "; text is written in quotes";
    return text;
}

Error error_at(std::string_view file, const Finding &finding) {
    return invalid(position(file, finding.place.line, finding.place.column) + ": " + finding.text);
}

} // namespace

bool Node::is_list_of_tables() const {
    return kind == Kind::List && !elements.empty() &&
           std::all_of(elements.begin(), elements.end(),
                       [](const Node &element) { return element.kind == Kind::Table; });
}

const Node *Node::member(std::string_view name) const {
    for (const Member &member : members)
        if (member.name == name)
            return &member.value;
    return nullptr;
}

Result<Node> read_document(std::string_view text, std::string_view file) {
    if (const std::optional<Finding> trouble = find_trouble(text))
        return error_at(file, *trouble);
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed)
        return error_at(file, {.place = place_of(parsed.error().source()),
                               .text = describe_syntax_error(parsed.error().description())});
    return convert(parsed.table());
}

} // namespace faith::config
