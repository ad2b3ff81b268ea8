/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Document -> Config. Each table of the file is an array of keys below, in the order of
 * faith-gw.toml(5); whatever is not in an array is an unknown key.
 */
#include "config/config.h"

#include "config/local.h"
#include "config/reader.h"
#include "config/stf.h"
#include "faith/abi.h"

namespace faith::config {

namespace {

/* --- values ------------------------------------------------------------------------ */

void read_duration(Reader &reader, const Node &node, Millis &out) {
    if (const auto text = reader.string(node, R"(a duration like "30m")"))
        store(reader, node, parse_duration(*text), out);
}

template <auto member, class Table>
void read_timeout(Reader &reader, const Node &node, Table &out) {
    Millis value{};
    read_duration(reader, node, value);
    if (value > Millis{0}) /* what parse_duration() never says */
        out.*member = value;
}

void read_count(Reader &reader, const Node &node, std::uint32_t &out) {
    if (const auto number = reader.integer(node, 0, UINT32_MAX))
        out = static_cast<std::uint32_t>(*number);
}

std::optional<PortRange> read_port_entry(Reader &reader, const Node &node) {
    PortRange range;
    if (node.kind == Node::Kind::Integer) {
        const auto number = reader.integer(node, 1, 65535);
        if (!number)
            return std::nullopt;
        range.first = range.last = static_cast<std::uint16_t>(*number);
        return range;
    }
    const auto text = reader.string(node, R"(a port: 22, "ftp" or "8000-8099")");
    if (!text || !store(reader, node, parse_ports(*text), range))
        return std::nullopt;
    return range;
}

/* Keys that a later release reads: until then only the value that asks for nothing. */
void read_inactive(Reader &reader, const Node &node, std::string_view key,
                   std::string_view inactive, std::span<const std::string_view> later) {
    const auto text = reader.string(node, "a string");
    if (!text || *text == inactive)
        return;
    const std::string written = std::string(key) + " = " + quoted(*text);
    if (std::find(later.begin(), later.end(), *text) != later.end())
        reader.fail_not_in_release(node, written);
    else
        reader.fail(node, written + " is not known; this release takes " + quoted(inactive));
}

constexpr Choice<AlgFtp> ftp_dialects[] = {{"rfc6384", AlgFtp::Rfc6384},
                                           {"faithd", AlgFtp::Faithd}};
constexpr Choice<Alg> algs[] = {
    {"ftp", Alg::Ftp}, {"rlogin", Alg::Rlogin}, {"rsh", Alg::Rsh}, {"none", Alg::None}};

/* --- [faith] ----------------------------------------------------------------------- */

void read_prefix_address(Reader &reader, const Node &node, PrefixEntry &out) {
    const auto text = reader.string(node, "an IPv6 prefix");
    if (!text)
        return;
    if (text->find('/') == std::string_view::npos)
        reader.fail(node, quoted(*text) + " has no length; a prefix is written ADDRESS/LENGTH");
    else
        store(reader, node, parse_prefix6(*text), out.prefix);
}

void read_layout(Reader &reader, const Node &node, PrefixEntry &out) {
    static constexpr Choice<bool> layouts[] = {{"faith", false}, {"rfc6052", true}};
    read_choice<bool>(reader, node, layouts, out.rfc6052);
}

constexpr Key<PrefixEntry> prefix_keys[] = {{"prefix", read_prefix_address},
                                            {"layout", read_layout}};

void read_prefix(Reader &reader, const Node &node, PrefixEntry &out) {
    if (node.kind == Node::Kind::String)
        return read_prefix_address(reader, node, out);
    constexpr std::string_view shape = R"("PREFIX/LEN" or { prefix = "...", layout = "rfc6052" })";
    read_keys<PrefixEntry>(reader, node, prefix_keys, shape, out);
    if (node.kind == Node::Kind::Table && node.member("prefix") == nullptr)
        reader.fail(node, "the prefix is missing in " + std::string(shape));
}

void read_prefixes(Reader &reader, const Node &node, Faith &out) {
    for (const Node &element : reader.list(node, "a list of prefixes")) {
        PrefixEntry entry = {.prefix = {}, .rfc6052 = false, .where = reader.where(element)};
        read_prefix(reader, element, entry);
        out.prefixes.push_back(std::move(entry));
    }
    if (node.kind == Node::Kind::List && node.elements.empty())
        reader.fail(node, "an empty list captures nothing; leave the key out for 64:ff9b::/96, or "
                          "use keepfaith = false");
}

void read_acl(Reader &reader, const Node &node, Faith &out) {
    const auto text = reader.string(node, "the name of a file");
    if (!text)
        return;
    if (text->empty() || find_control_byte(*text) || text->find('\n') != std::string_view::npos)
        reader.fail(node, quoted(*text) + " is not the name of a file");
    else
        out.acl = *text;
}

void read_ports(Reader &reader, const Node &node, Faith &out) {
    if (node.kind == Node::Kind::String && node.string == "all")
        return;
    for (const Node &element : reader.list(node, R"("all" or a list of ports)"))
        if (const std::optional<PortRange> range = read_port_entry(reader, element))
            out.ports.push_back(*range);
    if (node.kind == Node::Kind::List && node.elements.empty())
        reader.fail(node, R"(an empty list captures nothing; write "all" or name the ports)");
}

void read_never(Reader &reader, const Node &node, Faith &out) {
    for (const Node &element : reader.list(node, "a list of IPv4 prefixes")) {
        Prefix4 prefix;
        const auto text = reader.string(element, "an IPv4 prefix");
        if (text && store(reader, element, parse_prefix4(*text), prefix))
            out.never.push_back(prefix);
    }
}

void read_deny(Reader &reader, const Node &node, Faith &out) {
    static constexpr Choice<Deny> answers[] = {
        {"reset", Deny::Reset}, {"silent", Deny::Silent}, {"prohibited", Deny::Prohibited}};
    read_choice<Deny>(reader, node, answers, out.deny);
}

constexpr Key<Faith> faith_keys[] = {
    {"keepfaith", [](Reader &reader, const Node &node,
                     Faith &out) { out.keepfaith = reader.boolean(node).value_or(out.keepfaith); }},
    {"prefixes", read_prefixes},
    {"acl", read_acl},
    {"ports", read_ports},
    {"never", read_never},
    {"deny", read_deny},
};

/* --- [relay] ----------------------------------------------------------------------- */

void read_workers(Reader &reader, const Node &node, Relay &out) {
    if (node.kind == Node::Kind::String && node.string == "auto")
        return;
    if (node.kind != Node::Kind::Integer)
        return reader.fail_wrong_kind(node, R"("auto" or a number)");
    if (const auto number = reader.integer(node, 1, FGW_MAX_LISTENERS))
        out.workers = static_cast<std::uint32_t>(*number);
}

void read_handshake(Reader &reader, const Node &node, Relay &) {
    static constexpr std::string_view later[] = {"truthful"};
    read_inactive(reader, node, "handshake", "early", later);
}

void read_source_address(Reader &reader, const Node &node, std::vector<Ip4> &out) {
    Ip4 address;
    const auto text = reader.string(node, "an IPv4 address");
    if (!text || !store(reader, node, parse_ip4(*text), address))
        return;
    if (!address.can_be_source())
        reader.fail(node, quoted(*text) + " cannot be the source of a connection");
    else if (std::find(out.begin(), out.end(), address) != out.end())
        reader.fail(node, quoted(*text) + " is given twice");
    else
        out.push_back(address);
}

constexpr Key<Relay> relay_keys[] = {
    {"workers", read_workers},
    {"idle_timeout", read_timeout<&Relay::idle_timeout>},
    {"connect_timeout", read_timeout<&Relay::connect_timeout>},
    {"half_closed_timeout", read_timeout<&Relay::half_closed_timeout>},
    {"data_timeout", read_timeout<&Relay::data_timeout>},
    {"handshake", read_handshake},
    {"max_sessions", [](Reader &reader, const Node &node,
                        Relay &out) { read_count(reader, node, out.max_sessions); }},
    {"max_sessions_per_source",
     [](Reader &reader, const Node &node, Relay &out) {
         read_count(reader, node, out.max_sessions_per_source);
     }},
    {"max_rate_per_source", [](Reader &reader, const Node &node,
                               Relay &out) { read_count(reader, node, out.max_rate_per_source); }},
    {"source_addresses",
     [](Reader &reader, const Node &node, Relay &out) {
         for (const Node &element : reader.list(node, "a list of IPv4 addresses"))
             read_source_address(reader, element, out.source_addresses);
     }},
    {"alg_ftp", [](Reader &reader, const Node &node,
                   Relay &out) { read_choice<AlgFtp>(reader, node, ftp_dialects, out.alg_ftp); }},
};

/* --- [[service]] ------------------------------------------------------------------- */

void read_service_port(Reader &reader, const Node &node, Service &out) {
    const std::optional<PortRange> range = read_port_entry(reader, node);
    if (!range)
        return;
    if (range->first != range->last)
        reader.fail(node, "a [[service]] is for one port, not for a range");
    out.port = range->first;
}

void read_local(Reader &reader, const Node &node, Service &out) {
    std::vector<std::string> words;
    for (const Node &element : reader.list(node, "a command as a list of words"))
        if (const auto word = reader.string(element, "a word of a command"))
            words.emplace_back(*word);
    Local local;
    if (words.empty() || !store(reader, node, parse_local(words), local))
        return; // an empty list is no command
    out.local.path = std::move(local.path);
    out.local.argv = std::move(local.argv);
    out.local.where = reader.where(node);
}

constexpr Key<Service> service_keys[] = {
    {"port", read_service_port},
    {"idle_timeout", read_timeout<&Service::idle_timeout>},
    {"connect_timeout", read_timeout<&Service::connect_timeout>},
    {"half_closed_timeout", read_timeout<&Service::half_closed_timeout>},
    {"data_timeout", read_timeout<&Service::data_timeout>},
    {"alg", [](Reader &reader, const Node &node,
               Service &out) { read_choice<Alg>(reader, node, algs, out.alg.emplace()); }},
    {"alg_ftp",
     [](Reader &reader, const Node &node, Service &out) {
         read_choice<AlgFtp>(reader, node, ftp_dialects, out.alg_ftp.emplace());
     }},
    {"reserved_source_port", [](Reader &reader, const Node &node,
                                Service &out) { out.reserved_source_port = reader.boolean(node); }},
    {"proxy_protocol",
     [](Reader &reader, const Node &node, Service &) {
         static constexpr std::string_view later[] = {"v1", "v2"};
         read_inactive(reader, node, "proxy_protocol", "off", later);
     }},
    {"local", read_local},
    {"local_max", [](Reader &reader, const Node &node,
                     Service &out) { read_count(reader, node, out.local.most); }},
    {"local_rate", [](Reader &reader, const Node &node,
                      Service &out) { read_count(reader, node, out.local.rate); }},
};

void read_services(Reader &reader, const Node &node, Config &out) {
    for (const Node &table : reader.tables(node, "[[service]]")) {
        Service service = {.port = 0, .idle_timeout = {}, .where = reader.where(table)};
        read_keys<Service>(reader, table, service_keys, "[[service]]", service);
        if (table.member("port") == nullptr)
            reader.fail(table, "a [[service]] needs its port");
        for (const std::string_view limit : {"local_max", "local_rate"})
            if (const Node *given = table.member(limit);
                given != nullptr && table.member("local") == nullptr)
                reader.fail(*given, std::string(limit) + " is for a service with local");
        out.services.push_back(std::move(service));
    }
}

void read_tunnels(Reader &reader, const Node &node, Config &out) {
    for (const Node &table : reader.tables(node, "[[stf]]")) {
        Stf &stf = out.tunnels.emplace_back();
        stf.where = reader.where(table);
        read_stf(reader, table, stf);
    }
}

/* --- [log] ------------------------------------------------------------------------- */

constexpr Choice<LogLevel> log_levels[] = {{"error", LogLevel::Error},
                                           {"warning", LogLevel::Warning},
                                           {"info", LogLevel::Info},
                                           {"debug", LogLevel::Debug}};
constexpr Choice<LogTarget> log_targets[] = {{"auto", LogTarget::Auto},
                                             {"journal", LogTarget::Journal},
                                             {"stderr", LogTarget::Stderr},
                                             {"syslog", LogTarget::Syslog}};

constexpr Key<Log> log_keys[] = {
    {"level", [](Reader &reader, const Node &node,
                 Log &out) { read_choice<LogLevel>(reader, node, log_levels, out.level); }},
    {"target", [](Reader &reader, const Node &node,
                  Log &out) { read_choice<LogTarget>(reader, node, log_targets, out.target); }},
};

/* --- the file ---------------------------------------------------------------------- */

struct Metrics {};

constexpr Key<Metrics> metrics_keys[] = {
    {"listen",
     [](Reader &reader, const Node &node, Metrics &) {
         const auto text = reader.string(node, "a string");
         if (text && !text->empty())
             reader.fail_not_in_release(node, "listen = " + quoted(*text));
     }},
};

constexpr Key<Config> root_keys[] = {
    {"faith",
     [](Reader &reader, const Node &node, Config &out) {
         read_keys<Faith>(reader, node, faith_keys, "[faith]", out.faith);
     }},
    {"relay",
     [](Reader &reader, const Node &node, Config &out) {
         read_keys<Relay>(reader, node, relay_keys, "[relay]", out.relay);
     }},
    {"service", read_services},
    {"stf", read_tunnels},
    {"metrics",
     [](Reader &reader, const Node &node, Config &) {
         Metrics metrics;
         read_keys<Metrics>(reader, node, metrics_keys, "[metrics]", metrics);
     }},
    {"log", [](Reader &reader, const Node &node,
               Config &out) { read_keys<Log>(reader, node, log_keys, "[log]", out.log); }},
};

} // namespace

Result<Config> parse(std::string_view text, std::string_view file) {
    TRY_ASSIGN(const Node root, read_document(text, file));
    Reader reader(file);
    Config config;
    read_keys<Config>(reader, root, root_keys, "the file", config);
    if (reader.complained())
        return reader.error();
    TRY(check(config));
    return config;
}

} // namespace faith::config
