/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TOML -> Config. This is the only file that knows toml++.
 *
 * Each table of the file is an array of keys below; a key is its name and the function
 * that reads its value. What is not in the array is an unknown key. A function either
 * stores the value or calls Reader::fail: there is no third way.
 */
#include "config/config.h"

#include "base/complaints.h"
#include "base/text.h"
#include "faith/abi.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#include <toml++/toml.h>

#include <algorithm>
#include <span>

namespace faith::config {

namespace {

class Reader {
public:
    explicit Reader(std::string_view file) : file_(file) {}

    void fail(const toml::source_region &at, std::string text) {
        found_.push_back({.at = at.begin, .text = std::move(text)});
    }
    void fail(const toml::node &at, std::string text) { fail(at.source(), std::move(text)); }
    /* `what` is the key with its value, or what else was asked for. */
    void fail_not_in_release(const toml::node &at, const std::string &what) {
        fail(at, what + " is not in this release");
    }

    /* The values a node can have; on another type they complain and return nothing. */
    std::optional<bool> boolean(const toml::node &node);
    std::optional<std::string_view> string(const toml::node &node, std::string_view what);
    std::optional<std::int64_t> integer(const toml::node &node, std::int64_t first,
                                        std::int64_t last);
    const toml::array *array(const toml::node &node, std::string_view what);
    void wrong_type(const toml::node &node, std::string_view expected);

    std::string where(const toml::node &node) const {
        return position(file_, node.source().begin.line, node.source().begin.column);
    }
    bool empty() const { return found_.empty(); }
    Error error();

private:
    struct Found {
        toml::source_position at;
        std::string text;
    };

    std::string file_;
    std::vector<Found> found_;
};

template <class T>
struct Key {
    std::string_view name;
    void (*read)(Reader &, const toml::node &, T &);
};

std::string_view type_name(const toml::node &node) {
    switch (node.type()) {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return node.is_array_of_tables() ? "a list of tables" : "a list";
    case toml::node_type::string:
        return "a string";
    case toml::node_type::integer:
        return "a number";
    case toml::node_type::floating_point:
        return "a number with a fraction";
    case toml::node_type::boolean:
        return "true or false";
    default:
        return "a date or time";
    }
}

void Reader::wrong_type(const toml::node &node, std::string_view expected) {
    fail(node, "expected " + std::string(expected) + ", found " + std::string(type_name(node)));
}

std::optional<bool> Reader::boolean(const toml::node &node) {
    if (const toml::value<bool> *value = node.as_boolean())
        return value->get();
    wrong_type(node, "true or false");
    return std::nullopt;
}

std::optional<std::string_view> Reader::string(const toml::node &node, std::string_view what) {
    if (const toml::value<std::string> *value = node.as_string())
        return value->get();
    wrong_type(node, what);
    return std::nullopt;
}

std::optional<std::int64_t> Reader::integer(const toml::node &node, std::int64_t first,
                                            std::int64_t last) {
    const toml::value<std::int64_t> *value = node.as_integer();
    if (value == nullptr) {
        wrong_type(node, "a number");
        return std::nullopt;
    }
    if (value->get() < first || value->get() > last) {
        fail(node, std::to_string(value->get()) + " is out of range: " + std::to_string(first) +
                       " to " + std::to_string(last));
        return std::nullopt;
    }
    return value->get();
}

const toml::array *Reader::array(const toml::node &node, std::string_view what) {
    if (const toml::array *array = node.as_array())
        return array;
    wrong_type(node, what);
    return nullptr;
}

/* Tables are walked in the order of their keys; people read in the order of lines. */
Error Reader::error() {
    std::stable_sort(found_.begin(), found_.end(), [](const Found &a, const Found &b) {
        return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
    });
    Complaints complaints;
    for (const Found &found : found_)
        complaints.add(position(file_, found.at.line, found.at.column), found.text);
    return complaints.error();
}

std::string with_neighbour(std::string text, std::string_view word,
                           std::span<const std::string_view> candidates) {
    if (const std::optional<std::string_view> name = closest(word, candidates))
        text += "; did you mean " + std::string(*name) + "?";
    return text;
}

template <class T>
void read_keys(Reader &reader, const toml::table &table, std::span<const Key<T>> keys,
               std::string_view table_name, T &out) {
    for (const auto &[key, node] : table) {
        const std::string_view name = key.str();
        const auto known = std::find_if(keys.begin(), keys.end(),
                                        [name](const Key<T> &entry) { return entry.name == name; });
        if (known != keys.end()) {
            known->read(reader, node, out);
            continue;
        }
        std::vector<std::string_view> names;
        for (const Key<T> &entry : keys)
            names.push_back(entry.name);
        reader.fail(key.source(),
                    with_neighbour("unknown key " + quoted(name) + " in " + std::string(table_name),
                                   name, names));
    }
}

template <class T>
void read_table(Reader &reader, const toml::node &node, std::span<const Key<T>> keys,
                std::string_view table_name, T &out) {
    if (const toml::table *table = node.as_table())
        read_keys(reader, *table, keys, table_name, out);
    else
        reader.wrong_type(node, "the table " + std::string(table_name));
}

/* --- values ------------------------------------------------------------------------ */

template <class T>
void store(Reader &reader, const toml::node &node, Result<T> parsed, T &out) {
    if (parsed)
        out = *std::move(parsed);
    else
        reader.fail(node, std::move(parsed).error().text);
}

void read_duration(Reader &reader, const toml::node &node, Millis &out) {
    if (const auto text = reader.string(node, R"(a duration like "30m")"))
        store(reader, node, parse_duration(*text), out);
}

void read_count(Reader &reader, const toml::node &node, std::uint32_t &out) {
    if (const auto number = reader.integer(node, 0, UINT32_MAX))
        out = static_cast<std::uint32_t>(*number);
}

template <class T>
struct Choice {
    std::string_view name;
    T value;
};

template <class T>
void read_choice(Reader &reader, const toml::node &node, std::span<const Choice<T>> choices,
                 T &out) {
    std::string expected;
    std::vector<std::string_view> names;
    for (const Choice<T> &choice : choices) {
        expected += (expected.empty() ? "\"" : ", \"") + std::string(choice.name) + "\"";
        names.push_back(choice.name);
    }
    const auto text = reader.string(node, "one of " + expected);
    if (!text)
        return;
    for (const Choice<T> &choice : choices)
        if (choice.name == *text) {
            out = choice.value;
            return;
        }
    reader.fail(node, with_neighbour(quoted(*text) + " is not one of " + expected, *text, names));
}

/* A later release reads these keys. Until then only the value that asks for nothing is
 * taken: a switch that is accepted and does nothing would deceive. */
void read_inactive(Reader &reader, const toml::node &node, std::string_view key,
                   std::string_view inactive, std::span<const std::string_view> later) {
    const auto text = reader.string(node, "a string");
    if (!text || *text == inactive)
        return;
    if (std::find(later.begin(), later.end(), *text) != later.end())
        reader.fail_not_in_release(node, std::string(key) + " = " + quoted(*text));
    else
        reader.fail(node, std::string(key) + " = " + quoted(*text) +
                              " is not known; this release " + "has " + quoted(inactive));
}

bool can_be_source(Ip4 address) {
    const std::uint32_t first = address.value >> 24;
    return first != 0 && first < 224;
}

void read_port_entry(Reader &reader, const toml::node &node, std::vector<PortRange> &out) {
    PortRange range;
    if (node.is_integer()) {
        if (const auto number = reader.integer(node, 1, 65535)) {
            range.first = range.last = static_cast<std::uint16_t>(*number);
            out.push_back(range);
        }
        return;
    }
    if (const auto text = reader.string(node, R"(a port: 22, "ftp" or "8000-8099")")) {
        store(reader, node, parse_ports(*text), range);
        if (range.first != 0)
            out.push_back(range);
    }
}

/* --- [faith] ----------------------------------------------------------------------- */

void read_layout(Reader &reader, const toml::node &node, PrefixEntry &out) {
    static constexpr Choice<bool> layouts[] = {{"faith", false}, {"rfc6052", true}};
    read_choice<bool>(reader, node, layouts, out.rfc6052);
}

void read_prefix(Reader &reader, const toml::node &node, PrefixEntry &out) {
    if (const auto text = reader.string(node, "an IPv6 prefix")) {
        if (text->find('/') == std::string_view::npos)
            reader.fail(node, quoted(*text) + " has no length; write ADDRESS/96");
        else
            store(reader, node, parse_prefix6(*text), out.prefix);
    }
}

constexpr Key<PrefixEntry> prefix_keys[] = {{"prefix", read_prefix}, {"layout", read_layout}};

void read_prefixes(Reader &reader, const toml::node &node, Faith &out) {
    const toml::array *array = reader.array(node, "a list of prefixes");
    if (array == nullptr)
        return;
    if (array->empty())
        reader.fail(node, "an empty list captures nothing; leave the key out for 64:ff9b::/96");
    for (const toml::node &element : *array) {
        PrefixEntry entry = {.prefix = {}, .rfc6052 = false, .where = reader.where(element)};
        if (const toml::table *table = element.as_table()) {
            read_keys<PrefixEntry>(reader, *table, prefix_keys, "a prefix", entry);
            if (!table->contains("prefix"))
                reader.fail(element, "a prefix without its address: { prefix = \"...\", layout = "
                                     "\"rfc6052\" }");
        } else {
            read_prefix(reader, element, entry);
        }
        out.prefixes.push_back(std::move(entry));
    }
}

void read_acl(Reader &reader, const toml::node &node, Faith &out) {
    const auto text = reader.string(node, "the name of a file");
    if (!text)
        return;
    if (text->empty() || find_control_byte(*text) || text->find('\n') != std::string_view::npos)
        reader.fail(node, quoted(*text) + " is not the name of a file");
    else
        out.acl = *text;
}

void read_ports(Reader &reader, const toml::node &node, Faith &out) {
    if (const toml::value<std::string> *word = node.as_string(); word && word->get() == "all")
        return;
    const toml::array *array = reader.array(node, R"("all" or a list of ports)");
    if (array == nullptr)
        return;
    if (array->empty())
        reader.fail(node, R"(an empty list captures nothing; write "all" or name the ports)");
    for (const toml::node &element : *array)
        read_port_entry(reader, element, out.ports);
}

void read_never(Reader &reader, const toml::node &node, Faith &out) {
    const toml::array *array = reader.array(node, "a list of IPv4 prefixes");
    if (array == nullptr)
        return;
    for (const toml::node &element : *array) {
        Prefix4 prefix;
        if (const auto text = reader.string(element, "an IPv4 prefix"))
            store(reader, element, parse_prefix4(*text), prefix);
        out.never.push_back(prefix);
    }
}

constexpr Key<Faith> faith_keys[] = {
    {"keepfaith", [](Reader &reader, const toml::node &node,
                     Faith &out) { out.keepfaith = reader.boolean(node).value_or(out.keepfaith); }},
    {"prefixes", read_prefixes},
    {"acl", read_acl},
    {"ports", read_ports},
    {"never", read_never},
};

/* --- [relay] ----------------------------------------------------------------------- */

void read_workers(Reader &reader, const toml::node &node, Relay &out) {
    if (const toml::value<std::string> *word = node.as_string(); word && word->get() == "auto")
        return;
    if (!node.is_integer())
        reader.wrong_type(node, R"("auto" or a number)");
    else if (const auto number = reader.integer(node, 1, FGW_MAX_LISTENERS))
        out.workers = static_cast<std::uint32_t>(*number);
}

void read_source_addresses(Reader &reader, const toml::node &node, Relay &out) {
    const toml::array *array = reader.array(node, "a list of IPv4 addresses");
    if (array == nullptr)
        return;
    for (const toml::node &element : *array) {
        const auto text = reader.string(element, "an IPv4 address");
        Result<Ip4> address = text ? parse_ip4(*text) : Result<Ip4>(Ip4{});
        if (!text)
            continue;
        if (!address)
            reader.fail(element, address.error().text);
        else if (!can_be_source(*address))
            reader.fail(element, quoted(*text) + " cannot be the source of a connection");
        else if (std::find(out.source_addresses.begin(), out.source_addresses.end(), *address) !=
                 out.source_addresses.end())
            reader.fail(element, quoted(*text) + " is given twice");
        else
            out.source_addresses.push_back(*address);
    }
}

constexpr std::string_view alg_ftp_modes[] = {"rfc6384", "faithd"};

constexpr Key<Relay> relay_keys[] = {
    {"workers", read_workers},
    {"idle_timeout", [](Reader &reader, const toml::node &node,
                        Relay &out) { read_duration(reader, node, out.idle_timeout); }},
    {"connect_timeout", [](Reader &reader, const toml::node &node,
                           Relay &out) { read_duration(reader, node, out.connect_timeout); }},
    {"max_sessions", [](Reader &reader, const toml::node &node,
                        Relay &out) { read_count(reader, node, out.max_sessions); }},
    {"max_sessions_per_source",
     [](Reader &reader, const toml::node &node, Relay &out) {
         read_count(reader, node, out.max_sessions_per_source);
     }},
    {"source_addresses", read_source_addresses},
    {"handshake",
     [](Reader &reader, const toml::node &node, Relay &) {
         static constexpr std::string_view later[] = {"truthful"};
         read_inactive(reader, node, "handshake", "early", later);
     }},
    {"alg_ftp", [](Reader &reader, const toml::node &node,
                   Relay &) { read_inactive(reader, node, "alg_ftp", "off", alg_ftp_modes); }},
};

/* --- [[service]] ------------------------------------------------------------------- */

void read_service_port(Reader &reader, const toml::node &node, Service &out) {
    std::vector<PortRange> ranges;
    read_port_entry(reader, node, ranges);
    if (ranges.empty())
        return;
    if (ranges[0].first != ranges[0].last)
        reader.fail(node, "a [[service]] has one port, not a range");
    out.port = ranges[0].first;
}

constexpr Key<Service> service_keys[] = {
    {"port", read_service_port},
    {"idle_timeout", [](Reader &reader, const toml::node &node,
                        Service &out) { read_duration(reader, node, out.idle_timeout.emplace()); }},
    {"alg",
     [](Reader &reader, const toml::node &node, Service &) {
         static constexpr std::string_view later[] = {"ftp"};
         read_inactive(reader, node, "alg", "off", later);
     }},
    {"alg_ftp", [](Reader &reader, const toml::node &node,
                   Service &) { read_inactive(reader, node, "alg_ftp", "off", alg_ftp_modes); }},
    {"reserved_source_port",
     [](Reader &reader, const toml::node &node, Service &) {
         if (reader.boolean(node).value_or(false))
             reader.fail_not_in_release(node, "reserved_source_port = true");
     }},
    {"proxy_protocol",
     [](Reader &reader, const toml::node &node, Service &) {
         static constexpr std::string_view later[] = {"v1", "v2"};
         read_inactive(reader, node, "proxy_protocol", "off", later);
     }},
    {"local",
     [](Reader &reader, const toml::node &node, Service &) {
         const toml::array *command = reader.array(node, "a command as a list of words");
         if (command != nullptr && !command->empty())
             reader.fail_not_in_release(node, "local = [...], a command for own addresses,");
     }},
};

void read_services(Reader &reader, const toml::node &node, Config &out) {
    const toml::array *array = node.as_array();
    if (array == nullptr || (!array->empty() && !array->is_array_of_tables())) {
        reader.wrong_type(node, "tables [[service]]");
        return;
    }
    for (const toml::node &element : *array) {
        const toml::table &table = *element.as_table();
        Service service = {.port = 0, .idle_timeout = {}, .where = reader.where(element)};
        read_keys<Service>(reader, table, service_keys, "[[service]]", service);
        if (!table.contains("port"))
            reader.fail(element, "a [[service]] needs its port");
        out.services.push_back(std::move(service));
    }
}

/* --- [log], and what later releases read -------------------------------------------- */

constexpr Choice<LogLevel> log_levels[] = {{"error", LogLevel::Error},
                                           {"warning", LogLevel::Warning},
                                           {"info", LogLevel::Info},
                                           {"debug", LogLevel::Debug}};
constexpr Choice<LogTarget> log_targets[] = {{"auto", LogTarget::Auto},
                                             {"journal", LogTarget::Journal},
                                             {"stderr", LogTarget::Stderr},
                                             {"syslog", LogTarget::Syslog}};

constexpr Key<Log> log_keys[] = {
    {"level", [](Reader &reader, const toml::node &node,
                 Log &out) { read_choice<LogLevel>(reader, node, log_levels, out.level); }},
    {"target", [](Reader &reader, const toml::node &node,
                  Log &out) { read_choice<LogTarget>(reader, node, log_targets, out.target); }},
};

struct Metrics {};

constexpr Key<Metrics> metrics_keys[] = {
    {"listen",
     [](Reader &reader, const toml::node &node, Metrics &) {
         const auto text = reader.string(node, "a string");
         if (text && !text->empty())
             reader.fail_not_in_release(node, "listen = " + quoted(*text));
     }},
};

void read_stf(Reader &reader, const toml::node &node, Config &) {
    const toml::array *array = node.as_array();
    if (array != nullptr && array->empty())
        return;
    if (array != nullptr && array->is_array_of_tables())
        reader.fail_not_in_release(array->front(), "[[stf]]");
    else
        reader.wrong_type(node, "tables [[stf]]");
}

constexpr Key<Config> root_keys[] = {
    {"faith",
     [](Reader &reader, const toml::node &node, Config &out) {
         read_table<Faith>(reader, node, faith_keys, "[faith]", out.faith);
     }},
    {"relay",
     [](Reader &reader, const toml::node &node, Config &out) {
         read_table<Relay>(reader, node, relay_keys, "[relay]", out.relay);
     }},
    {"service", read_services},
    {"stf", read_stf},
    {"metrics",
     [](Reader &reader, const toml::node &node, Config &) {
         Metrics metrics;
         read_table<Metrics>(reader, node, metrics_keys, "[metrics]", metrics);
     }},
    {"log", [](Reader &reader, const toml::node &node,
               Config &out) { read_table<Log>(reader, node, log_keys, "[log]", out.log); }},
};

/* toml++ would say these things too, in its own words and much later. */
Status check_text(std::string_view text, std::string_view file) {
    if (text.size() > max_text_bytes)
        return invalid(position(file, 1, 1) +
                       ": the file is larger than 1 MiB: not a configuration");
    if (const std::optional<BadByte> bad = find_control_byte(text))
        return invalid(position(file, bad->line, bad->column) + ": byte " +
                       quoted(std::string_view(reinterpret_cast<const char *>(&bad->byte), 1)) +
                       " does not belong in a text file");
    return Ok{};
}

} // namespace

Result<Config> parse(std::string_view text, std::string_view file) {
    TRY(check_text(text, file));
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        const toml::source_position at = parsed.error().source().begin;
        return invalid(position(file, at.line, at.column) + ": " +
                       std::string(parsed.error().description()));
    }
    Reader reader(file);
    Config config;
    read_keys<Config>(reader, parsed.table(), root_keys, "the file", config);
    if (!reader.empty())
        return reader.error();
    TRY(check(config));
    return config;
}

} // namespace faith::config
