/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The example files of config/ are read from the source tree: tests run in its root. */
#include "acl/evaluate.h"
#include "acl/parse.h"
#include "config/config.h"
#include "prefix/prefix.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

using namespace faith;

namespace {

std::string read(const char *path) {
    std::ifstream file(path);
    INFO("run the tests in the root of the source tree: " << path);
    REQUIRE(file);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/* "#key = value" and "#[[table]]" are settings, "# text" is prose. An opened setting takes
 * the place of the same key in the line before it. */
std::string with_comments_opened(const std::string &text) {
    std::istringstream lines(text);
    std::vector<std::string> out = {""};
    for (std::string line; std::getline(lines, line);) {
        const bool setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
        if (setting) {
            line.erase(0, 1);
            if (out.back().starts_with(line.substr(0, line.find('=') + 1)))
                out.pop_back();
        }
        out.push_back(line);
    }
    std::string joined;
    for (const std::string &line : out)
        joined += line + "\n";
    return joined;
}

config::Config config_of(const std::string &text) {
    Result<config::Config> config = config::parse(text, "faith-gw.toml.example");
    INFO((config ? "" : config.error().text));
    REQUIRE(config);
    return *std::move(config);
}

bool permitted(const std::vector<acl::Rule> &rules, std::string_view source,
               std::string_view target, std::uint16_t port) {
    return acl::evaluate(rules,
                         {.source = *parse_ip6(source), .target = *parse_ip4(target), .port = port})
               .action == acl::Action::Permit;
}

} // namespace

TEST_CASE("examples: faith-gw.toml.example is the defaults, spelled out") {
    const config::Config config = config_of(read("config/faith-gw.toml.example"));
    const config::Config defaults;
    REQUIRE(config.faith.prefixes.size() == 1);
    CHECK(config.faith.prefixes[0].prefix == prefix::well_known().prefix);
    CHECK(config.faith.keepfaith == defaults.faith.keepfaith);
    CHECK(config.faith.acl == defaults.faith.acl);
    CHECK(config.faith.ports == defaults.faith.ports);
    CHECK(config.faith.never == defaults.faith.never);
    CHECK(config.relay.workers == defaults.relay.workers);
    CHECK(config.relay.idle_timeout == defaults.relay.idle_timeout);
    CHECK(config.relay.connect_timeout == defaults.relay.connect_timeout);
    CHECK(config.relay.half_closed_timeout == defaults.relay.half_closed_timeout);
    CHECK(config.relay.data_timeout == defaults.relay.data_timeout);
    CHECK(config.relay.max_sessions == defaults.relay.max_sessions);
    CHECK(config.relay.max_sessions_per_source == defaults.relay.max_sessions_per_source);
    CHECK(config.relay.source_addresses == defaults.relay.source_addresses);
    CHECK(config.relay.alg_ftp == defaults.relay.alg_ftp);
    CHECK(config.services.empty());
    CHECK(config.tunnels.empty());
    CHECK(config.log.level == defaults.log.level);
    CHECK(config.log.target == defaults.log.target);
}

TEST_CASE("examples: what faith-gw.toml.example shows in comments can be switched on") {
    const config::Config config =
        config_of(with_comments_opened(read("config/faith-gw.toml.example")));
    CHECK(config.faith.acl == "faithd.conf");
    CHECK(config.faith.ports.size() == 6);
    CHECK(config.faith.never.size() == 2);
    CHECK(config.relay.source_addresses.size() == 2);
    REQUIRE(config.services.size() == 5);
    CHECK(config.services[0].port == 22);
    CHECK(config.services[0].idle_timeout == config::Millis(std::chrono::hours(2)));
    CHECK(config.services[1].alg == config::Alg::Ftp);
    CHECK(config.services[1].alg_ftp == config::AlgFtp::Faithd);
    CHECK(config.services[2].port == 2049);
    CHECK(config.services[2].reserved_source_port == true);
    CHECK(config.services[3].local.path == "/usr/sbin/vsftpd");
    CHECK(config.services[4].port == 514);
    CHECK(config.services[4].alg == config::Alg::Rsh);
    CHECK(config::warnings(config).size() == 1);
    REQUIRE(config.tunnels.size() == 2);
    CHECK(to_string(config::own_ip4(config.tunnels[0])) == "192.0.2.1");
    CHECK(config.tunnels[1].sixrd->border_relay);
}

TEST_CASE("examples: faith-gw.toml.example names every key that is honoured") {
    const std::string text = read("config/faith-gw.toml.example");
    for (const char *key : {"keepfaith",
                            "prefixes",
                            "acl",
                            "ports",
                            "never",
                            "workers",
                            "idle_timeout",
                            "connect_timeout",
                            "half_closed_timeout",
                            "data_timeout",
                            "max_sessions",
                            "max_sessions_per_source",
                            "source_addresses",
                            "handshake",
                            "port",
                            "reserved_source_port",
                            "local",
                            "local_max",
                            "local_rate",
                            "name",
                            "uplink",
                            "address",
                            "sixrd",
                            "input",
                            "ecn",
                            "ecn_log",
                            "ingress_filter",
                            "permit_rfc1918",
                            "mtu",
                            "ttl",
                            "level",
                            "target"}) {
        CAPTURE(key);
        CHECK((text.find("\n" + std::string(key) + " = ") != std::string::npos ||
               text.find("\n#" + std::string(key) + " = ") != std::string::npos));
    }
}

TEST_CASE("examples: faithd.conf.example means what its comments say") {
    Result<std::vector<acl::Rule>> parsed =
        acl::parse(read("config/faithd.conf.example"), "faithd.conf.example");
    INFO((parsed ? "" : parsed.error().text));
    REQUIRE(parsed);
    const std::vector<acl::Rule> &rules = *parsed;
    CHECK(rules.size() == 4);
    CHECK(permitted(rules, "2001:db8:1::5", "203.0.113.1", 80));
    CHECK_FALSE(permitted(rules, "2001:db8:1::5", "10.1.1.1", 80));
    CHECK_FALSE(permitted(rules, "2001:db8:1::5", "127.0.0.1", 80));
    CHECK_FALSE(permitted(rules, "2001:db8:3::5", "203.0.113.1", 80));
    CHECK(permitted(rules, "2001:db8:2:1::5", "192.0.2.1", 22));
    CHECK(permitted(rules, "2001:db8:2:1::5", "192.0.2.1", 8042));
    CHECK_FALSE(permitted(rules, "2001:db8:2:1::5", "192.0.2.1", 80));
    CHECK(rules[3].log);
    CHECK(rules[3].bind_source == *parse_ip4("198.51.100.10"));
}
