/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/parse.h"

#include "base/complaints.h"
#include "base/text.h"

#include <algorithm>

namespace faith::acl {

namespace {

constexpr std::string_view shape = "SRC6[/len] permit|deny DST4[/len] [IPV4-SOURCE]";

struct Word {
    std::string_view text;
    std::size_t column = 1;
};

/* A mistake and the column where it stands. */
struct Mistake {
    std::size_t column;
    std::string text;
};

/* The words of one line, comment removed, and the place where the line ends. */
class Words {
public:
    explicit Words(std::string_view line) : line_(line.substr(0, line.find('#'))) { skip(); }

    bool at_end() const { return next_ == line_.size(); }
    std::size_t column() const { return next_ + 1; }
    /* The word at the reading position; empty at the end. */
    Word peek() const {
        const std::size_t end = std::min(line_.find_first_of(blanks, next_), line_.size());
        return {.text = line_.substr(next_, end - next_), .column = next_ + 1};
    }
    Word take() {
        const Word word = peek();
        next_ += word.text.size();
        skip();
        return word;
    }

private:
    static constexpr std::string_view blanks = " \t";
    void skip() { next_ = std::min(line_.find_first_not_of(blanks, next_), line_.size()); }

    std::string_view line_;
    std::size_t next_ = 0;
};

class RuleParser {
public:
    RuleParser(std::string_view line, Rule &rule) : words_(line), rule_(rule) {}

    /* False and mistake() on the first thing that is wrong; the rest of the line would
     * only be misread after it. */
    bool run() {
        if (!source() || !action() || !target() || !bind_source())
            return false;
        while (!words_.at_end())
            if (!added_word())
                return false;
        return true;
    }
    const Mistake &mistake() const { return mistake_; }

private:
    bool fail(std::size_t column, std::string text) {
        mistake_ = {.column = column, .text = std::move(text)};
        return false;
    }
    bool need(std::string_view what) {
        if (!words_.at_end())
            return true;
        return fail(words_.column(), "the rule ends where " + std::string(what) +
                                         " is expected: " + std::string(shape));
    }

    bool source();
    bool action();
    bool target();
    bool bind_source();
    bool added_word();
    bool ports(const Word &keyword);
    bool limit(const Word &keyword);
    bool log(const Word &keyword);
    bool port_range(const Word &range);

    Words words_;
    Rule &rule_;
    Mistake mistake_;
};

bool RuleParser::source() {
    const Word word = words_.take();
    Result<Prefix6> prefix = parse_prefix6(word.text);
    if (prefix) {
        rule_.source = *prefix;
        return true;
    }
    if (parse_prefix4(word.text))
        return fail(word.column, quoted(word.text) +
                                     " is an IPv4 address; a rule begins with the client's IPv6 "
                                     "address: " +
                                     std::string(shape));
    return fail(word.column, prefix.error().text);
}

bool RuleParser::action() {
    if (!need("permit or deny"))
        return false;
    const Word word = words_.take();
    if (equal_ignoring_case(word.text, "permit"))
        rule_.action = Action::Permit;
    else if (equal_ignoring_case(word.text, "deny"))
        rule_.action = Action::Deny;
    else
        return fail(word.column, quoted(word.text) + " is neither permit nor deny");
    return true;
}

bool RuleParser::target() {
    if (!need("the IPv4 destination"))
        return false;
    const Word word = words_.take();
    Result<Prefix4> prefix = parse_prefix4(word.text);
    if (prefix) {
        rule_.target = *prefix;
        return true;
    }
    if (parse_prefix6(word.text))
        return fail(word.column,
                    quoted(word.text) + " is an IPv6 address; only IPv4 targets can be relayed");
    return fail(word.column, prefix.error().text);
}

bool RuleParser::bind_source() {
    const Word word = words_.peek();
    if (word.text.empty() || word.text[0] < '0' || word.text[0] > '9')
        return true;
    words_.take();
    Result<Ip4> address = parse_ip4(word.text);
    if (!address && word.text.find('/') != std::string_view::npos)
        return fail(word.column, quoted(word.text) + " has a length; the fourth word is the one "
                                                     "IPv4 address to connect from");
    if (!address)
        return fail(word.column, address.error().text);
    if (!address->can_be_source())
        return fail(word.column, quoted(word.text) + " cannot be the source of a connection");
    rule_.bind_source = *address;
    return true;
}

bool RuleParser::added_word() {
    const Word keyword = words_.take();
    if (equal_ignoring_case(keyword.text, "port"))
        return ports(keyword);
    if (equal_ignoring_case(keyword.text, "limit"))
        return limit(keyword);
    if (equal_ignoring_case(keyword.text, "log"))
        return log(keyword);
    return fail(keyword.column, "unexpected " + quoted(keyword.text) +
                                    "; after the addresses a rule takes port, limit or log");
}

bool RuleParser::ports(const Word &keyword) {
    if (!rule_.ports.empty())
        return fail(keyword.column, "a rule takes one port list: write port 22,8000-8099");
    if (!need("a port list like 22,8000-8099"))
        return false;
    Word rest = words_.take();
    for (;;) {
        const std::size_t comma = rest.text.find(',');
        if (!port_range({.text = rest.text.substr(0, comma), .column = rest.column}))
            return false;
        if (comma == std::string_view::npos)
            return true;
        rest.text.remove_prefix(comma + 1);
        rest.column += comma + 1;
    }
}

bool RuleParser::port_range(const Word &range) {
    if (range.text.empty())
        return fail(range.column, "empty port in the list; write it without blanks: 22,8000-8099");
    const std::size_t dash = range.text.find('-');
    Result<std::uint16_t> first = parse_port(range.text.substr(0, dash));
    if (!first)
        return fail(range.column, first.error().text);
    PortRange parsed = {.first = *first, .last = *first};
    if (dash != std::string_view::npos) {
        Result<std::uint16_t> last = parse_port(range.text.substr(dash + 1));
        if (!last)
            return fail(range.column + dash + 1, last.error().text);
        parsed.last = *last;
    }
    if (parsed.last < parsed.first)
        return fail(range.column, "port range " + quoted(range.text) + " runs backwards");
    rule_.ports.push_back(parsed);
    return true;
}

bool RuleParser::limit(const Word &keyword) {
    if (rule_.limit_per_second)
        return fail(keyword.column, "a rule takes one limit");
    if (!need("a limit like 10/s"))
        return false;
    const Word word = words_.take();
    const std::size_t slash = word.text.find('/');
    const std::optional<std::uint64_t> number =
        parse_decimal(word.text.substr(0, slash), max_limit_per_second);
    if (slash == std::string_view::npos || !number || *number == 0 ||
        !equal_ignoring_case(word.text.substr(slash), "/s"))
        return fail(word.column, quoted(word.text) + " is not a limit: N/s with N from 1 to " +
                                     std::to_string(max_limit_per_second));
    if (rule_.action == Action::Deny)
        return fail(keyword.column, "a deny rule lets no connection through to be limited");
    rule_.limit_per_second = static_cast<std::uint32_t>(*number);
    return true;
}

bool RuleParser::log(const Word &keyword) {
    if (rule_.log)
        return fail(keyword.column, "log is written twice");
    rule_.log = true;
    return true;
}

/* Cuts the next line off text, without its LF or CRLF. */
std::string_view take_line(std::string_view &text) {
    const std::size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

enum class Next { GoOn, GiveUp };

/* One file on its way to rules. */
class FileParser {
public:
    FileParser(std::string_view text, std::string_view file) : text_(text), file_(file) {}

    Result<std::vector<Rule>> run() {
        if (text_.size() > max_text_bytes)
            complain(1, 1, "the file is larger than 32 MiB: not a list of rules");
        else
            while (!text_.empty() && line() == Next::GoOn) {
            }
        if (!complaints_.empty())
            return complaints_.error();
        return std::move(rules_);
    }

private:
    Next line();
    void complain(std::size_t line, std::size_t column, const std::string &text) {
        complaints_.add(position(file_, line, column), text);
    }

    std::string_view text_;
    std::string_view file_;
    Complaints complaints_;
    std::vector<Rule> rules_;
    std::size_t number_ = 0;
};

/* Gives up where going on would only repeat the complaint: the file is not text, or
 * does not end. */
Next FileParser::line() {
    const std::string_view line = take_line(text_);
    number_++;
    if (const std::optional<BadByte> bad = find_control_byte(line.substr(0, max_line_bytes + 1))) {
        complain(number_, bad->column, describe(*bad));
        return Next::GiveUp;
    }
    if (line.size() > max_line_bytes) {
        complain(number_, max_line_bytes + 1,
                 "the line is longer than " + std::to_string(max_line_bytes) + " bytes");
        return Next::GiveUp;
    }
    if (Words(line).at_end())
        return Next::GoOn;
    if (rules_.size() == max_rules) {
        complain(number_, 1, "more than " + std::to_string(max_rules) + " rules");
        return Next::GiveUp;
    }
    Rule rule;
    RuleParser parser(line, rule);
    if (!parser.run()) {
        complain(number_, parser.mistake().column, parser.mistake().text);
        return complaints_.full() ? Next::GiveUp : Next::GoOn;
    }
    rule.file = file_;
    rule.line = static_cast<std::uint32_t>(number_);
    rules_.push_back(std::move(rule));
    return Next::GoOn;
}

} // namespace

Result<std::vector<Rule>> parse(std::string_view text, std::string_view file) {
    return FileParser(text, file).run();
}

} // namespace faith::acl
