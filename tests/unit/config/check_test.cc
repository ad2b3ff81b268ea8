/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/config.h"
#include "faith/abi.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::config;

namespace {

PrefixEntry prefix(std::string_view text, std::string where) {
    return {.prefix = *parse_prefix6(text), .rfc6052 = false, .where = std::move(where)};
}

std::string error_of(const Config &config) {
    Status status = check(config);
    return status ? "no error" : status.error().text;
}

} // namespace

TEST_CASE("check: defaults are fine") { CHECK(check(Config{})); }

TEST_CASE("check: a prefix once, in one layout") {
    Config config;
    config.faith.prefixes = {prefix("2001:db8::/96", "f:1:1"), prefix("2001:db8::/64", "f:2:1"),
                             prefix("2001:db8:1::/96", "f:3:1")};
    CHECK(error_of(config) == "no error"); /* nested is no contradiction: longest match (F2) */
    config.faith.prefixes.push_back(prefix("2001:db8::/64", "--prefix"));
    config.faith.prefixes.back().rfc6052 = true;
    CHECK(error_of(config) == "--prefix: prefix 2001:db8::/64 is given twice; first at f:2:1");
    config.faith.prefixes.back() = prefix("2001:db8::77/64", "f:4:1");
    CHECK(error_of(config) == "f:4:1: prefix 2001:db8::77/64 is given twice; first at f:2:1");
}

TEST_CASE("check: as many prefixes as the maps hold") {
    Config config;
    for (std::uint32_t i = 0; i < FGW_MAX_PREFIXES; i++) {
        config.faith.prefixes.push_back(prefix("2001:db8::/96", "f:" + std::to_string(i) + ":1"));
        config.faith.prefixes.back().prefix.address.bytes[5] = static_cast<std::uint8_t>(i);
    }
    CHECK(error_of(config) == "no error");
    config.faith.prefixes.push_back(prefix("2001:db9::/96", "f:99:1"));
    CHECK(error_of(config) == "f:99:1: more than 64 prefixes");
}

TEST_CASE("check: one [[service]] for a port") {
    Config config;
    config.services = {{.port = 21, .idle_timeout = {}, .where = "f:1:1"},
                       {.port = 22, .idle_timeout = {}, .where = "f:5:1"},
                       {.port = 21, .idle_timeout = {}, .where = "f:9:1"}};
    CHECK(error_of(config) == "f:9:1: a second [[service]] for port 21; first at f:1:1");
}

TEST_CASE("check: a [[service]] is for a captured port") {
    Config config;
    config.faith.ports = {{.first = 20, .last = 21}, {.first = 80, .last = 80}};
    config.services = {{.port = 21, .idle_timeout = {}, .where = "f:1:1"},
                       {.port = 80, .idle_timeout = {}, .where = "f:2:1"}};
    CHECK(error_of(config) == "no error");
    config.services.push_back({.port = 22, .idle_timeout = {}, .where = "f:3:1"});
    CHECK(error_of(config) ==
          "f:3:1: [[service]] for port 22, which is not among the captured ports");
}

TEST_CASE("check: a service that turns rlogin or rsh on is warned of, at its place (D59)") {
    const Result<Config> config = parse("[[service]]\nport = 514\nalg = \"rsh\"\n"
                                        "[[service]]\nport = 513\nalg = \"rlogin\"\n"
                                        "[[service]]\nport = 2049\nreserved_source_port = true\n"
                                        "[[service]]\nport = 512\nalg = \"none\"\n",
                                        "f");
    REQUIRE(config);
    CHECK(warnings(*config) ==
          std::vector<std::string>{
              "f:1:1: servers of port 514 trust the host that a connection comes from, which is "
              "this gateway for all its clients (RFC 3142 7)",
              "f:4:1: servers of port 513 trust the host that a connection comes from, which is "
              "this gateway for all its clients (RFC 3142 7)"});
    CHECK(warnings(Config{}).empty());
}
