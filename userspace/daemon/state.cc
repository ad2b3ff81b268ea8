/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/state.h"

#include "acl/parse.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <filesystem>
#include <map>

namespace faith::daemon {

namespace {

using Json = nlohmann::json;

constexpr std::size_t longest_rules = 64 << 20;
constexpr std::size_t longest_options = 1 << 20;

std::string options_file(const Instance &instance) { return instance.directory() + "/options"; }
std::string rules_file(const Instance &instance, std::uint32_t generation) {
    return instance.directory() + "/rules-" + std::to_string(generation);
}

Error damaged(const std::string &what) {
    return Error{.kind = Errc::System, .sys_errno = 0, .text = "saved " + what + " is damaged"};
}

/* The next word of a line of numbers. */
bool take_number(std::string_view &line, std::uint32_t &number) {
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error != std::errc{} || end == line.data() + line.size() || *end != ' ')
        return false;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
    return true;
}

std::string_view take_line(std::string_view &text) {
    const std::size_t newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    return line;
}

} // namespace

std::string print_rules(const RuleSet &rules) {
    std::map<std::string, std::size_t> numbers;
    std::string files;
    std::string lines;
    for (std::size_t i = 0; i < rules.rules.size(); ++i) {
        const acl::Rule &rule = rules.rules[i];
        const auto [file, is_new] = numbers.try_emplace(rule.file, numbers.size());
        if (is_new)
            files += "file " + rule.file + "\n";
        lines += std::to_string(rules.image.slots[i]) + " " + std::to_string(file->second) + " " +
                 std::to_string(rule.line) + " " + to_string(rule) + "\n";
    }
    return files + lines;
}

Result<SavedRules> read_rules(std::string_view text) {
    struct Origin {
        std::uint32_t slot = 0, file = 0, line = 0;
    };
    std::vector<std::string> files;
    std::vector<Origin> origins;
    std::string written; /* the rules alone, a line each, to be parsed in one go */
    while (!text.empty()) {
        std::string_view line = take_line(text);
        if (line.starts_with("file ")) {
            files.emplace_back(line.substr(5));
            continue;
        }
        Origin &origin = origins.emplace_back();
        if (!take_number(line, origin.slot) || !take_number(line, origin.file) ||
            !take_number(line, origin.line) || origin.file >= files.size())
            return damaged("list of rules");
        written.append(line).push_back('\n');
    }
    SavedRules saved;
    TRY_ASSIGN(saved.rules, acl::parse(written, "saved rules"));
    if (saved.rules.size() != origins.size())
        return damaged("list of rules");
    for (std::size_t i = 0; i < origins.size(); ++i) {
        saved.rules[i].file = files[origins[i].file];
        saved.rules[i].line = origins[i].line;
        saved.slots.push_back(origins[i].slot);
    }
    return saved;
}

Status save_rules(const Instance &instance, const RuleSet &rules, std::uint32_t generation) {
    return sys::replace_file(rules_file(instance, generation), print_rules(rules));
}

Result<SavedRules> load_rules(const Instance &instance, std::uint32_t generation) {
    TRY_ASSIGN(const std::string text,
               sys::read_file(rules_file(instance, generation), longest_rules));
    return read_rules(text);
}

void forget_rules(const Instance &instance, std::uint32_t generation) {
    /* One left over is found by nobody, and goes with unload. */
    static_cast<void>(sys::remove_file(rules_file(instance, generation)));
}

Status save_options(const Instance &instance, const Options &options) {
    Json json = {{"prefixes", options.prefixes},
                 {"permits", options.permits},
                 {"relay", options.relay},
                 {"tunnels_alone", options.tunnels_alone}};
    if (options.config)
        json["config"] = *options.config;
    if (options.acl)
        json["acl"] = *options.acl;
    return sys::replace_file(options_file(instance),
                             json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

Result<Options> load_options(const Instance &instance) {
    TRY_ASSIGN(const std::string text, sys::read_file(options_file(instance), longest_options));
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object())
        return damaged("command line");
    Options options;
    try { // nlohmann reports a wrong type by throwing
        options.prefixes = json.at("prefixes").get<std::vector<std::string>>();
        options.permits = json.at("permits").get<std::vector<std::string>>();
        options.relay = json.at("relay").get<bool>();
        options.tunnels_alone = json.value("tunnels_alone", false);
        if (json.contains("config"))
            options.config = json["config"].get<std::string>();
        if (json.contains("acl"))
            options.acl = json["acl"].get<std::string>();
    } catch (const Json::exception &) {
        return damaged("command line");
    }
    return options;
}

void remove_state(const Instance &instance) {
    std::error_code failed;
    std::vector<std::string> files;
    for (const auto &entry : std::filesystem::directory_iterator(instance.directory(), failed))
        if (const std::string name = entry.path().filename();
            name.starts_with("rules-") || name.starts_with("options"))
            files.push_back(entry.path());
    for (const std::string &file : files)
        static_cast<void>(sys::remove_file(file));
}

} // namespace faith::daemon
