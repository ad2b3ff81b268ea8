/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/services.h"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netdb.h>
#include <set>
#include <string>

using namespace faith::config;

TEST_CASE("services: the names of the faithd manual page, and the common rest") {
    CHECK(service_port("ftp") == 21);
    CHECK(service_port("ssh") == 22);
    CHECK(service_port("telnet") == 23);
    CHECK(service_port("smtp") == 25);
    CHECK(service_port("http") == 80);
    CHECK(service_port("imaps") == 993);
    CHECK(service_port("SSH") == 22);
    CHECK_FALSE(service_port(""));
    CHECK_FALSE(service_port("ssh "));
    CHECK_FALSE(service_port("nosuch"));
}

TEST_CASE("services: each name once, none that reads as a number") {
    std::set<std::string_view> seen;
    for (const std::string_view name : service_names()) {
        CAPTURE(name);
        CHECK(seen.insert(name).second);
        CHECK((name[0] < '0' || name[0] > '9'));
        CHECK(service_port(name).value_or(0) != 0);
    }
}

TEST_CASE("services: no name means another port than on this machine") {
    std::size_t compared = 0;
    for (const std::string_view name : service_names()) {
        const servent *theirs = getservbyname(std::string(name).c_str(), "tcp");
        if (theirs == nullptr)
            continue; /* not every /etc/services has every name */
        compared++;
        CAPTURE(name);
        CHECK(service_port(name) == ntohs(static_cast<std::uint16_t>(theirs->s_port)));
    }
    if (compared == 0)
        WARN("no /etc/services here to compare with");
}
