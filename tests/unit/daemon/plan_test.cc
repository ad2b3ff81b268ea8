/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/plan.h"

#include <catch2/catch.hpp>

#include <stdlib.h>

#include <filesystem>
#include <fstream>

using namespace faith;
using daemon::Options;

namespace {

/* A directory of its own for each test, gone with it. */
class Directory {
public:
    Directory() {
        std::string made = (std::filesystem::temp_directory_path() / "fgw-plan-XXXXXX").string();
        REQUIRE(::mkdtemp(made.data()) != nullptr);
        path_ = made;
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    std::string write(const std::string &name, const std::string &text) const {
        std::ofstream(path_ + "/" + name) << text;
        return path_ + "/" + name;
    }
    std::string at(const std::string &name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

Options with_config(const std::string &file) {
    Options options;
    options.config = file;
    return options;
}

} // namespace

TEST_CASE("plan: the ACL beside the configuration is found without being named") {
    const Directory dir;
    dir.write("faithd.conf", "::/0 permit 192.0.2.0/24\n");
    const auto plan = daemon::make_plan(with_config(dir.write("gw.toml", "")));
    REQUIRE(plan);
    CHECK(plan->acl_file == dir.at("faithd.conf"));
    CHECK(plan->rules->rules.size() == 1);
    CHECK(plan->prefixes == std::vector<prefix::FaithPrefix>{prefix::well_known()});
}

TEST_CASE("plan: a local daemon that is missing or no program is found at once, with its place") {
    const Directory dir;
    const std::string toml = dir.write("gw.toml", "[[service]]\nport = 21\n"
                                                  "local = [\"/bin/sh\"]\n");
    const auto plan = daemon::make_plan(with_config(toml));
    REQUIRE(plan);
    CHECK(plan->config.services[0].local.argv == std::vector<std::string>{"sh"});

    dir.write("gw.toml", "[[service]]\nport = 21\nlocal = [\"/nosuch/ftpd\"]\n"
                         "[[service]]\nport = 23\nlocal = [\"/etc/passwd\", \"telnetd\"]\n");
    const auto missing = daemon::make_plan(with_config(toml));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == Errc::Invalid);
    CHECK(missing.error().text == toml + ":3:9: local: /nosuch/ftpd: No such file or directory\n" +
                                      toml + ":6:9: local: /etc/passwd: Permission denied");
}

TEST_CASE("plan: a named ACL is taken relative to the configuration and must exist (D6)") {
    const Directory dir;
    dir.write("mine.conf", "::/0 deny 0.0.0.0/0\n");
    const std::string toml = dir.write("gw.toml", "[faith]\nacl = \"mine.conf\"\n");
    CHECK(daemon::make_plan(with_config(toml))->acl_file == dir.at("mine.conf"));

    dir.write("gw.toml", "[faith]\nacl = \"missing.conf\"\n");
    const auto missing = daemon::make_plan(with_config(toml));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == Errc::Invalid);
    CHECK_THAT(missing.error().text, Catch::Contains("missing.conf"));
}

TEST_CASE("plan: an ACL with an error fails closed and says where (D26, D29)") {
    const Directory dir;
    const std::string acl =
        dir.write("faithd.conf", "::/0 permit 192.0.2.0/24\n::/0 permitt 0/0\n");
    const auto plan = daemon::make_plan(with_config(dir.write("gw.toml", "")));
    REQUIRE_FALSE(plan);
    CHECK(plan.error().kind == Errc::Invalid);
    CHECK_THAT(plan.error().text, Catch::StartsWith(acl + ":2:"));
}

TEST_CASE("plan: an empty ACL permits nothing, an absent one the interfaces' networks (D29)") {
    const Directory dir;
    const std::string toml = dir.write("gw.toml", "");
    const std::vector<Prefix6> networks = {*parse_prefix6("2001:db8:6::/64"),
                                           *parse_prefix6("fe80::/64")};
    dir.write("faithd.conf", "# nothing\n");
    CHECK(
        (*daemon::effective_rules(*daemon::make_plan(with_config(toml)), networks))->rules.empty());

    const auto rules = daemon::default_rules(networks);
    REQUIRE(rules.size() == 1); // not link-local
    CHECK(rules[0].source == networks[0]);
    CHECK(rules[0].target.length == 0);
}

TEST_CASE("plan: --prefix replaces the file's prefixes, --permit comes before its rules") {
    const Directory dir;
    dir.write("faithd.conf", "::/0 deny 0.0.0.0/0\n");
    Options options =
        with_config(dir.write("gw.toml", "[faith]\nprefixes = [\"2001:db8:1::/96\"]\n"));
    options.prefixes = {"2001:db8:2::/96"};
    options.permits = {"2001:db8:6::/64"};
    const auto plan = daemon::make_plan(options);
    REQUIRE(plan);
    REQUIRE(plan->prefixes.size() == 1);
    CHECK(to_string(plan->prefixes[0].prefix) == "2001:db8:2::/96");
    const daemon::RuleSetRef set = *daemon::effective_rules(*plan, {});
    const std::vector<acl::Rule> &rules = set->rules;
    REQUIRE(rules.size() == 2);
    CHECK(rules[0].action == acl::Action::Permit);
    CHECK(rules[1].action == acl::Action::Deny);
}

TEST_CASE("plan: bad options are configuration errors that name the option") {
    for (const auto &[prefix, permit] : std::vector<std::pair<std::string, std::string>>{
             {"2001:db8::/129", "2001:db8::/64"}, {"64:ff9b::/96", "not-an-address"}}) {
        const Directory dir;
        Options options = with_config(dir.write("gw.toml", ""));
        options.prefixes = {prefix};
        options.permits = {permit};
        const auto plan = daemon::make_plan(options);
        REQUIRE_FALSE(plan);
        CHECK(plan.error().kind == Errc::Invalid);
        CHECK_THAT(plan.error().text, Catch::StartsWith("--p"));
    }
}

TEST_CASE("plan: a changed file or option changes the fingerprint, an interface does not") {
    const Directory dir;
    const std::string toml = dir.write("gw.toml", "");
    Options options = with_config(toml);
    const std::string before = daemon::make_plan(options)->fingerprint;
    options.interfaces = {"eth0"};
    CHECK(daemon::make_plan(options)->fingerprint == before);
    dir.write("faithd.conf", "::/0 permit 192.0.2.0/24\n");
    CHECK(daemon::make_plan(options)->fingerprint != before);
    options.permits = {"2001:db8::/32"};
    CHECK(daemon::make_plan(options)->fingerprint != before);
}

TEST_CASE("plan: rules that cannot do what they say are warned of, with their line") {
    const Directory dir;
    const std::string acl = dir.write("faithd.conf", "::/0 deny 0.0.0.0/0\n"
                                                     "2001:db8::/32 permit 192.0.2.0/24\n");
    const auto plan = daemon::make_plan(with_config(dir.write("gw.toml", "")));
    REQUIRE(plan);
    REQUIRE(plan->rules->warnings.size() == 1);
    CHECK_THAT(plan->rules->warnings[0], Catch::StartsWith(acl + ":2"));
}

TEST_CASE("plan: a prefix given twice is refused") {
    Options options;
    options.prefixes = {"2001:db8::/96", "2001:db8::/96"};
    const auto plan = daemon::make_plan(options);
    REQUIRE_FALSE(plan);
    CHECK_THAT(plan.error().text, Catch::Contains("twice"));
}
