/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/config.h"

#include "tests/support/random.h"

#include <catch2/catch.hpp>

#include <span>

using namespace faith;
using namespace faith::config;
using namespace std::chrono_literals;

namespace {

Config config_of(std::string_view text) {
    Result<Config> config = parse(text, "f");
    INFO(text << (config ? "" : config.error().text));
    REQUIRE(config);
    return *std::move(config);
}

std::string error_of(std::string_view text) {
    Result<Config> config = parse(text, "f");
    if (config)
        return "no error";
    CHECK(config.error().kind == Errc::Invalid);
    return config.error().text;
}

struct Case {
    const char *text;
    const char *error;
};

void check_cases(std::span<const Case> cases) {
    for (const Case &entry : cases) {
        CAPTURE(entry.text);
        CHECK(error_of(entry.text) == entry.error);
    }
}

} // namespace

TEST_CASE("config: the empty text is all defaults") {
    for (const char *text : {"", "# nothing\n", "[faith]\n[relay]\n[metrics]\n[log]\n"}) {
        CAPTURE(text);
        const Config config = config_of(text);
        CHECK(config.faith.keepfaith);
        CHECK(config.faith.prefixes.empty());
        CHECK_FALSE(config.faith.acl);
        CHECK(config.faith.ports.empty());
        CHECK(config.faith.never.empty());
        CHECK(config.faith.deny == Deny::Reset);
        CHECK(config.relay.workers == 0);
        CHECK(config.relay.idle_timeout == 30min);
        CHECK(config.relay.connect_timeout == 10s);
        CHECK_FALSE(config.relay.half_closed_timeout);
        CHECK(config.relay.data_timeout == 2min);
        CHECK(config.relay.max_sessions == 0);
        CHECK(config.relay.max_sessions_per_source == 0);
        CHECK(config.relay.max_rate_per_source == 0);
        CHECK(config.relay.source_addresses.empty());
        CHECK(config.services.empty());
        CHECK(config.log.level == LogLevel::Info);
        CHECK(config.log.target == LogTarget::Auto);
    }
}

TEST_CASE("config: every key") {
    constexpr std::string_view text = R"(
[faith]
keepfaith = false
prefixes = ["2001:db8:ffff::/96", { prefix = "2001:db8:64::/48", layout = "rfc6052" },
            { prefix = "2001:db8:65::/64" }, { prefix = "2001:db8:66::/64", layout = "faith" }]
acl = "rules/faithd.conf"
ports = ["ftp", 22, "8000-8099"]
never = ["192.0.2.128/25", "198.51.100.7"]
deny = "prohibited"

[relay]
workers = 4
idle_timeout = "1h30m"
connect_timeout = "250ms"
half_closed_timeout = "10m"
data_timeout = "30s"
max_sessions = 100000
max_sessions_per_source = 4294967295
max_rate_per_source = 50
source_addresses = ["198.51.100.10", "198.51.100.11"]
handshake = "early"

[[service]]
port = "ftp"
idle_timeout = "2h"
connect_timeout = "1s"
half_closed_timeout = "2s"
data_timeout = "3s"
reserved_source_port = false
proxy_protocol = "off"
local = ["/usr/libexec/ftpd", "ftpd", "-l"]
local_max = 10
local_rate = 0

[[service]]
port = 8080
reserved_source_port = true
local = []
alg = "rlogin"

[metrics]
listen = ""
[log]
level = "debug"
target = "syslog"
)";
    const Config config = config_of(text);

    CHECK_FALSE(config.faith.keepfaith);
    REQUIRE(config.faith.prefixes.size() == 4);
    CHECK(to_string(config.faith.prefixes[0].prefix) == "2001:db8:ffff::/96");
    CHECK(config.faith.prefixes[0].where == "f:4:13");
    CHECK_FALSE(config.faith.prefixes[0].rfc6052);
    CHECK(config.faith.prefixes[1].rfc6052);
    CHECK_FALSE(config.faith.prefixes[2].rfc6052);
    CHECK_FALSE(config.faith.prefixes[3].rfc6052);
    CHECK(config.faith.acl == "rules/faithd.conf");
    CHECK(config.faith.ports == std::vector<PortRange>{{.first = 21, .last = 21},
                                                       {.first = 22, .last = 22},
                                                       {.first = 8000, .last = 8099}});
    REQUIRE(config.faith.never.size() == 2);
    CHECK(to_string(config.faith.never[0]) == "192.0.2.128/25");
    CHECK(to_string(config.faith.never[1]) == "198.51.100.7/32");
    CHECK(config.faith.deny == Deny::Prohibited);
    CHECK(config.relay.workers == 4);
    CHECK(config.relay.idle_timeout == 90min);
    CHECK(config.relay.connect_timeout == 250ms);
    CHECK(config.relay.half_closed_timeout == Millis(10min));
    CHECK(config.relay.data_timeout == 30s);
    CHECK(config.relay.max_sessions == 100'000);
    CHECK(config.relay.max_sessions_per_source == UINT32_MAX);
    CHECK(config.relay.max_rate_per_source == 50);
    REQUIRE(config.relay.source_addresses.size() == 2);
    CHECK(to_string(config.relay.source_addresses[1]) == "198.51.100.11");
    REQUIRE(config.services.size() == 2);
    CHECK(config.services[0].port == 21);
    CHECK(config.services[0].idle_timeout == Millis(2h));
    CHECK(config.services[0].connect_timeout == Millis(1s));
    CHECK(config.services[0].half_closed_timeout == Millis(2s));
    CHECK(config.services[0].data_timeout == Millis(3s));
    CHECK(config.services[0].where == "f:23:1");
    CHECK(config.services[0].reserved_source_port == false);
    CHECK(config.services[0].local.path == "/usr/libexec/ftpd");
    CHECK(config.services[0].local.argv == std::vector<std::string>{"ftpd", "-l"});
    CHECK(config.services[0].local.most == 10);
    CHECK(config.services[0].local.rate == 0);
    CHECK(config.services[0].local.where == "f:31:9");
    CHECK(config.services[1].port == 8080);
    CHECK(config.services[1].reserved_source_port == true);
    CHECK(config.services[1].alg == Alg::Rlogin);
    CHECK(config.services[1].local.path.empty());
    CHECK_FALSE(config.services[1].idle_timeout);
    CHECK(config.log.level == LogLevel::Debug);
    CHECK(config.log.target == LogTarget::Syslog);
}

TEST_CASE("config: words that stand for a default") {
    CHECK(config_of("[faith]\nports = \"all\"").faith.ports.empty());
    CHECK(config_of("[relay]\nworkers = \"auto\"").relay.workers == 0);
    CHECK(config_of("stf = []\nservice = []\n").services.empty());
}

TEST_CASE("config: an unknown key or table is an error with the nearest name") {
    const Case cases[] = {
        {"[fiath]\n", "f:1:2: unknown key \"fiath\" in the file; did you mean \"faith\"?"},
        {"[services]\n", "f:1:2: unknown key \"services\" in the file; did you mean \"service\"?"},
        {"keepfaith = true", "f:1:1: unknown key \"keepfaith\" in the file"},
        {"[faith]\nprefix = []",
         "f:2:1: unknown key \"prefix\" in [faith]; did you mean \"prefixes\"?"},
        {"[relay]\nworker = 2", "f:2:1: unknown key \"worker\" in [relay]; did you mean "
                                "\"workers\"?"},
        {"[relay]\nidle-timeout = \"1s\"",
         "f:2:1: unknown key \"idle-timeout\" in [relay]; did you mean \"idle_timeout\"?"},
        {"[[service]]\nport = 1\nzzz = 1", "f:3:1: unknown key \"zzz\" in [[service]]"},
        {"[metrics]\nlistn = \"\"",
         "f:2:1: unknown key \"listn\" in [metrics]; did you mean \"listen\"?"},
        {"[faith]\nprefixes = [{ prefix = \"2001:db8::/96\", laout = \"faith\" }]",
         "f:2:41: unknown key \"laout\" in \"PREFIX/LEN\" or { prefix = \"...\", layout = "
         "\"rfc6052\" }; did you mean \"layout\"?"},
    };
    check_cases(cases);
}

TEST_CASE("config: what this release lacks is an error, never ignored") {
    const Case cases[] = {
        {"[relay]\nhandshake = \"truthful\"",
         "f:2:13: handshake = \"truthful\" is not in this release"},
        {"[[service]]\nport = 21\nproxy_protocol = \"v2\"",
         "f:3:18: proxy_protocol = \"v2\" is not in this release"},
        {"[metrics]\nlisten = \"[::1]:9465\"",
         "f:2:10: listen = \"[::1]:9465\" is not in this release"},
    };
    check_cases(cases);
}

TEST_CASE("config: a local service is an absolute path and words, limits belong to one") {
    const Case cases[] = {
        {"[[service]]\nport = 21\nlocal = [\"vsftpd\"]",
         "f:3:9: \"vsftpd\" is not the absolute path of a program"},
        {"[[service]]\nport = 21\nlocal = \"/usr/sbin/vsftpd\"",
         "f:3:9: expected a command as a list of words, found a string"},
        {"[[service]]\nport = 21\nlocal = [\"/usr/sbin/vsftpd\", 3]",
         "f:3:30: expected a word of a command, found a number"},
        {"[[service]]\nport = 21\nlocal_max = 3", "f:3:13: local_max is for a service with local"},
        {"[[service]]\nport = 21\nlocal_rate = 3",
         "f:3:14: local_rate is for a service with local"},
        {"[[service]]\nport = 21\nlocal = [\"/bin/cat\"]\nlocal_max = -1",
         "f:4:13: -1 is out of range: 0 to 4294967295"},
    };
    check_cases(cases);
}

TEST_CASE("config: values that mean nothing") {
    const Case cases[] = {
        {"[relay]\nalg_ftp = \"rfc2428\"",
         "f:2:11: \"rfc2428\" is not one of \"rfc6384\", \"faithd\""},
        {"[[service]]\nport = 2121\nalg_ftp = true",
         "f:3:11: expected one of \"rfc6384\", \"faithd\", found true or false"},
        {"[[service]]\nport = 21\nalg = \"off\"",
         "f:3:7: \"off\" is not one of \"ftp\", \"rlogin\", \"rsh\", \"none\""},
        {"[relay]\nhandshake = \"late\"",
         "f:2:13: handshake = \"late\" is not known; this release takes \"early\""},
        {"[[service]]\nport = 21\nproxy_protocol = \"v3\"",
         "f:3:18: proxy_protocol = \"v3\" is not known; this release takes \"off\""},
        {"faith = 3", "f:1:9: expected [faith], found a number"},
        {"[[faith]]", "f:1:1: expected [faith], found a list of tables"},
        {"[service]\nport = 1", "f:1:1: expected tables [[service]], found a table"},
        {"service = [1]", "f:1:11: expected tables [[service]], found a list"},
        {"[stf]\nname = \"stf0\"", "f:1:1: expected tables [[stf]], found a table"},
        {"[faith]\nkeepfaith = 1", "f:2:13: expected true or false, found a number"},
        {"[faith]\nprefixes = \"2001:db8::/96\"",
         "f:2:12: expected a list of prefixes, found a string"},
        {"[faith]\nprefixes = []", "f:2:12: an empty list captures nothing; leave the key out for "
                                   "64:ff9b::/96, or use keepfaith = false"},
        {"[faith]\nprefixes = [7]", "f:2:13: expected \"PREFIX/LEN\" or { prefix = \"...\", layout "
                                    "= \"rfc6052\" }, found a number"},
        {"[faith]\nprefixes = [\"2001:db8::\"]",
         "f:2:13: \"2001:db8::\" has no length; a prefix is written ADDRESS/LENGTH"},
        {"[faith]\nprefixes = [\"2001:db8::/200\"]", "f:2:13: prefix length 200 is more than 128"},
        {"[faith]\nprefixes = [{ layout = \"faith\" }]",
         "f:2:13: the prefix is missing in \"PREFIX/LEN\" or { prefix = \"...\", layout = "
         "\"rfc6052\" }"},
        {"[faith]\nprefixes = [{ prefix = \"2001:db8::/96\", layout = \"rfc6502\" }]",
         "f:2:50: \"rfc6502\" is not one of \"faith\", \"rfc6052\"; did you mean \"rfc6052\"?"},
        {"[faith]\nprefixes = [\"2001:db8::/96\", \"2001:db8::/96\"]",
         "f:2:30: prefix 2001:db8::/96 is given twice; first at f:2:13"},
        {"[faith]\nacl = \"\"", "f:2:7: \"\" is not the name of a file"},
        {"[faith]\nacl = \"a\\u0000b\"", "f:2:7: \"a\\x00b\" is not the name of a file"},
        {"[faith]\nacl = \"a\\nb\"", "f:2:7: \"a\\x0ab\" is not the name of a file"},
        {"[faith]\nports = []",
         "f:2:9: an empty list captures nothing; write \"all\" or name the ports"},
        {"[faith]\nports = \"ssh\"", "f:2:9: expected \"all\" or a list of ports, found a string"},
        {"[faith]\nports = [0]", "f:2:10: 0 is out of range: 1 to 65535"},
        {"[faith]\nports = [true]",
         "f:2:10: expected a port: 22, \"ftp\" or \"8000-8099\", found true or false"},
        {"[faith]\nports = [\"shs\"]",
         "f:2:10: \"shs\" is no service name known here; did you mean \"ssh\"?"},
        {"[faith]\nnever = [\"2001:db8::/32\"]", "f:2:10: \"2001:db8::\" is not an IPv4 address"},
        {"[faith]\ndeny = \"drop\"",
         "f:2:8: \"drop\" is not one of \"reset\", \"silent\", \"prohibited\""},
        {"[relay]\nmax_rate_per_source = \"50/s\"", "f:2:23: expected a number, found a string"},
        {"[relay]\nworkers = 0", "f:2:11: 0 is out of range: 1 to 64"},
        {"[relay]\nworkers = 65", "f:2:11: 65 is out of range: 1 to 64"},
        {"[relay]\nworkers = \"many\"", "f:2:11: expected \"auto\" or a number, found a string"},
        {"[relay]\nidle_timeout = 30", "f:2:16: expected a duration like \"30m\", found a number"},
        {"[relay]\nconnect_timeout = \"0s\"",
         "f:2:19: \"0s\" is no time at all; a timeout is at least 1ms"},
        {"[relay]\nhalf_closed_timeout = false",
         "f:2:23: expected a duration like \"30m\", found true or false"},
        {"[[service]]\nport = 21\ndata_timeout = \"1d\"",
         "f:3:16: \"1d\" is not a duration like \"30m\", \"10s\", \"250ms\" or \"1h30m\""},
        {"[[service]]\nport = 21\nconnect_timeout = \"0s\"",
         "f:3:19: \"0s\" is no time at all; a timeout is at least 1ms"},
        {"[[service]]\nport = 21\nhalf_close_timeout = \"1s\"",
         "f:3:1: unknown key \"half_close_timeout\" in [[service]]; did you mean "
         "\"half_closed_timeout\"?"},
        {"[relay]\nmax_sessions = -1", "f:2:16: -1 is out of range: 0 to 4294967295"},
        {"[relay]\nmax_sessions = 4294967296",
         "f:2:16: 4294967296 is out of range: 0 to 4294967295"},
        {"[relay]\nsource_addresses = [\"::1\"]", "f:2:21: \"::1\" is not an IPv4 address"},
        {"[relay]\nsource_addresses = [\"224.0.0.1\"]",
         "f:2:21: \"224.0.0.1\" cannot be the source of a connection"},
        {"[relay]\nsource_addresses = [\"192.0.2.1\", \"192.0.2.1\"]",
         "f:2:34: \"192.0.2.1\" is given twice"},
        {"[[service]]\nidle_timeout = \"2h\"", "f:1:1: a [[service]] needs its port"},
        {"[[service]]\nport = \"20-21\"", "f:2:8: a [[service]] is for one port, not for a range"},
        {"[[service]]\nport = 21\n[[service]]\nport = \"ftp\"",
         "f:3:1: a second [[service]] for port 21; first at f:1:1"},
        {"[log]\nlevel = \"loud\"",
         "f:2:9: \"loud\" is not one of \"error\", \"warning\", \"info\", \"debug\""},
        {"[log]\ntarget = \"jurnal\"", "f:2:10: \"jurnal\" is not one of \"auto\", \"journal\", "
                                       "\"stderr\", \"syslog\"; did you mean \"journal\"?"},
    };
    check_cases(cases);
}

TEST_CASE("config: all mistakes at once, in the order of the text") {
    CHECK(error_of("[log]\nlevel = 1\n[faith]\nkeepfaith = 1\nacll = \"x\"\n") ==
          "f:2:9: expected one of \"error\", \"warning\", \"info\", \"debug\", found a number\n"
          "f:4:13: expected true or false, found a number\n"
          "f:5:1: unknown key \"acll\" in [faith]; did you mean \"acl\"?");
    std::string many = "[faith]\n";
    for (int i = 0; i < 15; i++)
        many += "zzzz" + std::to_string(i) + " = 1\n";
    CHECK(error_of(many).ends_with("\nand 5 more"));
}

TEST_CASE("config: syntax errors and files that are no text have their place") {
    CHECK(error_of("[faith]\nacl = faithd.conf\n").starts_with("f:2:"));
    CHECK(error_of("[faith]\nacl = \"a\"\nacl = \"b\"\n").starts_with("f:3:"));
    CHECK(error_of(std::string_view("\x7f"
                                    "ELF\0\0",
                                    6)) == "f:1:1: byte 0x7f does not belong in a text file");
}

TEST_CASE("config: mutated text never crashes") {
    constexpr std::string_view text = "[faith]\nprefixes = [\"2001:db8::/96\", { prefix = "
                                      "\"2001:db8:1::/48\", layout = \"rfc6052\" }]\nports = "
                                      "[22, \"80-90\"]\n[relay]\nidle_timeout = \"1h30m\"\n"
                                      "[[service]]\nport = 22\n[log]\nlevel = \"info\"\n";
    constexpr std::string_view letters = "0123456789abcdef:./,=[]{}\"'# \n\r\\._";
    test::Random random;
    INFO(random.seed());
    std::size_t accepted = 0;
    for (int i = 0; i < 3'000; i++) {
        std::string mutated(text);
        for (std::uint64_t edits = random.between(1, 3); edits > 0; edits--) {
            const std::size_t at = random.between(0, mutated.size() - 1);
            if (random.one_in(3))
                mutated.erase(at, random.between(1, 10));
            else if (random.one_in(10))
                mutated[at] = static_cast<char>(random.byte());
            else
                mutated.insert(at, 1, letters[random.between(0, letters.size() - 1)]);
        }
        CAPTURE(mutated);
        Result<Config> config = parse(mutated, "f");
        if (config)
            accepted++;
        else
            REQUIRE(config.error().text.starts_with("f:"));
    }
    CHECK(accepted > 30);
    CHECK(accepted < 3'000);
}

TEST_CASE("config: FTP's commands, for all and for one port") {
    const Config none = config_of("");
    CHECK(none.relay.alg_ftp == AlgFtp::Rfc6384);
    const Config some = config_of("[relay]\nalg_ftp = \"faithd\"\n"
                                  "[[service]]\nport = \"ftp\"\nalg = \"none\"\n"
                                  "[[service]]\nport = 2121\nalg = \"ftp\"\n"
                                  "alg_ftp = \"rfc6384\"\n[[service]]\nport = 22\n");
    CHECK(some.relay.alg_ftp == AlgFtp::Faithd);
    REQUIRE(some.services.size() == 3);
    CHECK(some.services[0].alg == Alg::None);
    CHECK_FALSE(some.services[0].alg_ftp);
    CHECK(some.services[1].alg == Alg::Ftp);
    CHECK(some.services[1].alg_ftp == AlgFtp::Rfc6384);
    CHECK_FALSE(some.services[2].alg);
}
