/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/config.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::config;

namespace {

std::string duration_error(std::string_view text) {
    Result<Millis> duration = parse_duration(text);
    return duration ? "no error" : duration.error().text;
}

std::string ports_error(std::string_view text) {
    Result<PortRange> range = parse_ports(text);
    return range ? "no error" : range.error().text;
}

PortRange ports(std::string_view text) {
    Result<PortRange> range = parse_ports(text);
    INFO(text << ": " << (range ? "" : range.error().text));
    REQUIRE(range);
    return *range;
}

} // namespace

TEST_CASE("values: durations") {
    using namespace std::chrono_literals;
    CHECK(*parse_duration("250ms") == 250ms);
    CHECK(*parse_duration("10s") == 10s);
    CHECK(*parse_duration("30m") == 30min);
    CHECK(*parse_duration("2h") == 2h);
    CHECK(*parse_duration("1h30m") == 90min);
    CHECK(*parse_duration("1h2m3s4ms") == 3'723'004ms);
    CHECK(*parse_duration("90m") == 90min);
    CHECK(*parse_duration("0h1s") == 1s);
    CHECK(*parse_duration("8760h") == 8760h); /* a year */
}

TEST_CASE("values: durations that are none") {
    for (const char *bad : {"", "10", "s", "10x", "10 s", " 10s", "10s ", "-10s", "+10s", "1.5h",
                            "010s", "10S", "1m1h", "1s1s", "1ms1s", "1d", "10sms", "h1"}) {
        CAPTURE(bad);
        CHECK(duration_error(bad).find(" is not a duration like ") != std::string::npos);
    }
    for (const char *zero : {"0s", "0ms", "0h0m"}) {
        CAPTURE(zero);
        CHECK(duration_error(zero).find(" is no time at all") != std::string::npos);
    }
    for (const char *huge :
         {"8760h1ms", "8761h", "31536000001ms", "18446744073709551615ms", "18446744073709551617ms",
          "99999999999999999999999h", "5124095576030431h5124095576030431m"}) {
        CAPTURE(huge);
        CHECK(duration_error(huge).find(" is more than a year") != std::string::npos);
    }
}

TEST_CASE("values: ports by number, range and name") {
    CHECK(ports("22") == PortRange{.first = 22, .last = 22});
    CHECK(ports("8000-8099") == PortRange{.first = 8000, .last = 8099});
    CHECK(ports("1-65535") == PortRange{.first = 1, .last = 65535});
    CHECK(ports("ftp") == PortRange{.first = 21, .last = 21});
    CHECK(ports("ftp-data") == PortRange{.first = 20, .last = 20});
    CHECK(ports("HTTPS") == PortRange{.first = 443, .last = 443});
}

TEST_CASE("values: ports that are none") {
    CHECK(ports_error("0") == "\"0\" is not a port number: 1 to 65535");
    CHECK(ports_error("65536") == "\"65536\" is not a port number: 1 to 65535");
    CHECK(ports_error("22-") == "\"\" is not a port number: 1 to 65535");
    CHECK(ports_error("22-ssh") == "\"ssh\" is not a port number: 1 to 65535");
    CHECK(ports_error("30-22") == "port range \"30-22\" runs backwards");
    CHECK(ports_error("htpp") == "\"htpp\" is no service name known here; did you mean \"http\"?");
    CHECK(ports_error("traceroute") ==
          "\"traceroute\" is no service name known here; write the port number");
    CHECK(ports_error("") == "\"\" is no service name known here; write the port number");
    CHECK(ports_error("-5") == "\"-5\" is no service name known here; write the port number");
}
