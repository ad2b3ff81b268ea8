/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/render.h"

#include "faith/reasons.h"

#include <array>
#include <cstdint>
#include <cstdio>

namespace faith::cli {

namespace {

using nlohmann::json;

std::string row(const char *label, const std::string &text) {
    char line[64];
    std::snprintf(line, sizeof line, "%-12s", label);
    return line + text + "\n";
}

std::string render_interfaces(const json &status) {
    std::string text;
    for (const json &interface : status["interfaces"])
        text += row("interface", interface["name"].get<std::string>() + " (XDP " +
                                     interface["xdp_mode"].get<std::string>() + ")");
    return text;
}

std::string render_prefixes(const json &status) {
    std::string text;
    for (const json &prefix : status["prefixes"])
        text += row("prefix", prefix["prefix"].get<std::string>() + " (layout " +
                                  prefix["layout"].get<std::string>() + ")");
    return text;
}

std::string render_tunnels(const json &status) {
    std::string text;
    for (const json &tunnel : status["stf"]) {
        const auto word = [&](const char *key) { return tunnel[key].get<std::string>(); };
        const auto number = [&](const char *key) {
            return std::to_string(tunnel[key].get<std::uint64_t>());
        };
        text += row("tunnel",
                    word("name") + " over " + word("uplink") + ", " + word("address") + " at " +
                        word("ipv4") + (tunnel["active"].get<bool>() ? ", " : " (not active), ") +
                        (tunnel.value("fast_path", false) ? "fast path, " : "") +
                        number("rx_packets") + " packets in, " + number("tx_packets") + " out");
    }
    return text;
}

std::string render_services(const json &status) {
    std::string text;
    for (const json &service : status["services"])
        text += row("service",
                    std::to_string(service["port"].get<std::uint64_t>()) + " by " +
                        service["program"].get<std::string>() + " (process " +
                        std::to_string(service["pid"].get<std::uint64_t>()) + "), " +
                        (service["state"] == "gone" ? "gone: clients are reset" : "listening"));
    return text;
}

std::string render_local(const json &status) {
    std::string text;
    for (const json &service : status["local"]) {
        const auto number = [&](const char *key) {
            return std::to_string(service[key].get<std::uint64_t>());
        };
        text += row("local", "port " + number("port") + ", " + service["path"].get<std::string>() +
                                 ": " + number("running") + " running, " + number("started") +
                                 " in all, " + number("refused") + " refused");
    }
    return text;
}

std::string render_acl(const json &acl) {
    if (acl["generation"].get<std::uint64_t>() == 0) // read from pins alone
        return row("acl", "not known without the daemon");
    const std::string file = acl["file"].get<std::string>();
    return row("acl", (file.empty() ? "default rules" : file) + ", generation " +
                          std::to_string(acl["generation"].get<std::uint64_t>()) + ", " +
                          std::to_string(acl["rules"].get<std::uint64_t>()) + " rules");
}

std::string render_relay(const json &relay) {
    const auto number = [&](const char *key) { return relay[key].get<std::uint64_t>(); };
    if (number("workers") == 0)
        return row("relay", "not running");
    return row("relay", std::to_string(number("workers")) + " workers, " +
                            std::to_string(number("sessions_active")) + " sessions now, " +
                            std::to_string(number("sessions_total")) + " in all, " +
                            std::to_string(number("connect_failures")) + " connect failures") +
           row("bytes", render_bytes(number("bytes_to_server")) + " to servers, " +
                            render_bytes(number("bytes_to_client")) + " to clients, " +
                            render_bytes(number("bytes_spliced")) + " of them spliced");
}

std::string render_reasons(const json &reasons) {
    std::string text;
    const auto line = [&](const char *name, const char *sentence) {
        const std::uint64_t count = reasons.value(name, std::uint64_t{0});
        if (count == 0)
            return;
        char start[64];
        std::snprintf(start, sizeof start, "%12llu  %-22s ", static_cast<unsigned long long>(count),
                      name);
        text += start + std::string(sentence) + "\n";
    };
#define LINE(name, number, origin, sentence) line(#name, sentence);
#define RETIRED(number)
    FGW_REASONS(LINE, RETIRED)
#undef LINE
#undef RETIRED
    return text.empty() ? "" : "\nreasons\n" + text;
}

} // namespace

std::string render_bytes(std::uint64_t bytes) {
    constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024)
        return std::to_string(bytes) + " B";
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %s", value, units[unit]);
    return text;
}

std::string render_status(const json &status) {
    if (!status["loaded"].get<bool>())
        return "not loaded\n";
    return render_interfaces(status) + render_prefixes(status) + render_tunnels(status) +
           row("keepfaith", status["keepfaith"].get<bool>() ? "on" : "off: nothing is captured") +
           render_acl(status["acl"]) + render_relay(status["relay"]) + render_services(status) +
           render_local(status) + render_reasons(status["reasons"]);
}

} // namespace faith::cli
