/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any text is a configuration or errors with a place; a configuration printed as TOML
 * reads back as the same one, and is within its promises. */
#include "config/config.h"
#include "faith/abi.h"
#include "tests/fuzz/fuzz.h"

using namespace faith;
using fuzz::promise;

namespace {

std::string quote(const std::string &text) {
    std::string out = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\')
            out += '\\';
        out += letter;
    }
    return out + "\"";
}

std::string duration(config::Millis value) { return quote(std::to_string(value.count()) + "ms"); }

std::string faith_table(const config::Faith &faith) {
    std::string out = "[faith]\nkeepfaith = " + std::string(faith.keepfaith ? "true" : "false");
    for (std::size_t i = 0; i < faith.prefixes.size(); i++)
        out += (i == 0 ? "\nprefixes = [" : ", ") + std::string("{ prefix = ") +
               quote(to_string(faith.prefixes[i].prefix)) +
               ", layout = " + (faith.prefixes[i].rfc6052 ? "\"rfc6052\" }" : "\"faith\" }");
    if (!faith.prefixes.empty())
        out += "]";
    if (faith.acl)
        out += "\nacl = " + quote(*faith.acl);
    for (std::size_t i = 0; i < faith.ports.size(); i++)
        out += (i == 0 ? "\nports = [" : ", ") + quote(std::to_string(faith.ports[i].first) + "-" +
                                                       std::to_string(faith.ports[i].last));
    out += faith.ports.empty() ? "\nnever = [" : "]\nnever = [";
    for (const Prefix4 &prefix : faith.never)
        out += quote(to_string(prefix)) + ", ";
    return out + "]\n";
}

std::string alg_ftp(config::AlgFtp dialect) {
    return std::string("alg_ftp = ") +
           (dialect == config::AlgFtp::Faithd ? "\"faithd\"\n" : "\"rfc6384\"\n");
}

std::string optional_duration(const char *key, std::optional<config::Millis> value) {
    return value ? std::string(key) + " = " + duration(*value) + "\n" : std::string();
}

std::string to_toml(const config::Config &config) {
    static constexpr const char *levels[] = {"error", "warning", "info", "debug"};
    static constexpr const char *targets[] = {"auto", "journal", "stderr", "syslog"};
    std::string out = faith_table(config.faith) + "[relay]\n";
    if (config.relay.workers != 0)
        out += "workers = " + std::to_string(config.relay.workers) + "\n";
    out += "idle_timeout = " + duration(config.relay.idle_timeout) +
           "\nconnect_timeout = " + duration(config.relay.connect_timeout) +
           "\ndata_timeout = " + duration(config.relay.data_timeout) + "\n" +
           optional_duration("half_closed_timeout", config.relay.half_closed_timeout) +
           "max_sessions = " + std::to_string(config.relay.max_sessions) +
           "\nmax_sessions_per_source = " + std::to_string(config.relay.max_sessions_per_source) +
           "\nsource_addresses = [";
    for (const Ip4 address : config.relay.source_addresses)
        out += quote(to_string(address)) + ", ";
    out += "]\n" + alg_ftp(config.relay.alg_ftp);
    for (const config::Service &service : config.services) {
        out += "[[service]]\nport = " + std::to_string(service.port) + "\n";
        out += optional_duration("idle_timeout", service.idle_timeout) +
               optional_duration("connect_timeout", service.connect_timeout) +
               optional_duration("half_closed_timeout", service.half_closed_timeout) +
               optional_duration("data_timeout", service.data_timeout);
        if (service.alg)
            out += std::string("alg = ") +
                   (*service.alg == config::Alg::Ftp ? "\"ftp\"\n" : "\"none\"\n");
        if (service.alg_ftp)
            out += alg_ftp(*service.alg_ftp);
    }
    return out + "[log]\nlevel = " + quote(levels[static_cast<std::size_t>(config.log.level)]) +
           "\ntarget = " + quote(targets[static_cast<std::size_t>(config.log.target)]) + "\n";
}

bool in_range(config::Millis value) {
    return value.count() > 0 && value <= std::chrono::hours(365 * 24);
}

void check_promises(const config::Config &config) {
    promise(config::check(config).has_value(), "parse() has checked");
    promise(config.faith.prefixes.size() <= FGW_MAX_PREFIXES, "prefixes fit the map");
    promise(config.relay.workers <= FGW_MAX_LISTENERS, "workers fit the map");
    promise(in_range(config.relay.idle_timeout) && in_range(config.relay.connect_timeout),
            "timeouts in range");
    for (const config::PortRange &range : config.faith.ports)
        promise(range.first > 0 && range.first <= range.last, "ports in range");
    for (const config::Service &service : config.services)
        promise(service.port > 0 && (!service.idle_timeout || in_range(*service.idle_timeout)),
                "services in range");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Result<config::Config> config = config::parse(fuzz::text_of(data, size), "f");
    if (!config) {
        fuzz::promise_error(config.error().text);
        return 0;
    }
    check_promises(*config);
    const std::string printed = to_toml(*config);
    Result<config::Config> again = config::parse(printed, "f");
    promise(again.has_value(), "what is printed parses:\n" + printed);
    promise(to_toml(*again) == printed, "the same configuration");
    return 0;
}
