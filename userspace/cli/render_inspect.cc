/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/render_inspect.h"

#include <cstdint>
#include <cstdio>

namespace faith::cli {

namespace {

using nlohmann::json;

std::string word(const json &object, const char *key) { return object.value(key, std::string()); }

/* "faithd.conf:7", or what a derived rule stands for. */
std::string origin(const json &rule) {
    const std::uint64_t line = rule.value("line", std::uint64_t{0});
    return line == 0 ? word(rule, "file") : word(rule, "file") + ":" + std::to_string(line);
}

std::string rule_line(const json &rule) {
    return rule.is_null() ? "" : "rule        " + origin(rule) + ": " + word(rule, "text") + "\n";
}

} // namespace

std::string json_text(const json &value) {
    return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string render_rules_with_hits(const json &rules) {
    std::string text;
    for (const json &rule : rules) {
        char hits[32];
        std::snprintf(hits, sizeof hits, "%12llu  ", rule["hits"].get<unsigned long long>());
        text += hits + origin(rule) + ": " + word(rule, "text") + "\n";
    }
    return text.empty() ? "no rule: nothing is permitted\n" : text;
}

std::string render_trial(const json &trial) {
    std::string text = word(trial, "verdict") + ": " + word(trial, "sentence") + "\n";
    text += rule_line(trial["rule"]);
    if (!trial["generation"].is_null())
        text += "generation  " + std::to_string(trial["generation"].get<std::uint64_t>()) + "\n";
    return text;
}

std::string render_event(const json &event) {
    if (event.contains("lost"))
        return "(" + std::to_string(event["lost"].get<std::uint64_t>()) + " events lost)\n";
    return word(event, "interface") + " " + word(event, "hook") + " " + word(event, "reason") +
           ": " + word(event, "text") + "\n";
}

std::string render_diagnosis(const json &diagnosis) {
    std::string text;
    for (const json &finding : diagnosis["findings"]) {
        text += word(finding, "severity") + ": " + word(finding, "check") + ": " +
                word(finding, "about") + ": " + word(finding, "says") + "\n";
        if (!word(finding, "do").empty())
            text += "    " + word(finding, "do") + "\n";
    }
    for (const json &unseen : diagnosis["unseen"])
        text += "not looked at: " + unseen.get<std::string>() + "\n";
    const auto counted = [&](const char *key, const std::string &what) {
        const auto number = diagnosis[key].get<std::uint64_t>();
        return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
    };
    return text + counted("problems", "problem") + ", " + counted("notes", "note") +
           (diagnosis["loaded"].get<bool>() ? "" : "; the gateway is not loaded") + "\n";
}

/* "in by stf0: 198.51.100.1 > 192.0.2.1, inside ... > ...". */
std::string render_tunnel(const json &explanation) {
    const std::string outer =
        word(explanation, "outer_source") + " > " + word(explanation, "outer_destination");
    const std::string inner =
        word(explanation, "source") + " > " + word(explanation, "destination");
    const bool is_in = word(explanation, "direction") == "in";
    std::string text = is_in ? "in, protocol 41: " + outer : "out: " + inner;
    if (!explanation["tunnel"].is_null())
        text += ", by " + word(explanation, "tunnel");
    text += "\n" + word(explanation, "verdict") + ": " + word(explanation, "sentence") + "\n";
    if (is_in && !explanation["tunnel"].is_null())
        text += "inside      " + inner + "\n";
    else if (word(explanation, "verdict") == "permit")
        text += "outside     " + outer + "\n";
    return text;
}

std::string render_explanation(const json &explanation) {
    if (explanation.contains("direction"))
        return render_tunnel(explanation);
    const std::string port = ":" + std::to_string(explanation["port"].get<std::uint64_t>());
    std::string text =
        word(explanation, "source") + " to [" + word(explanation, "destination") + "]" + port;
    if (!explanation["target"].is_null())
        text += ", that is " + word(explanation, "target") + port;
    return text + "\n" + render_trial(explanation) + "client      hears " +
           word(explanation, "client_hears") + "\n";
}

} // namespace faith::cli
