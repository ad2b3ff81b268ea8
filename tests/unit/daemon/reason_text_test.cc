/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/reason_text.h"

#include "faith/reasons.h"

#include <catch2/catch.hpp>

#include <string>

using namespace faith::daemon;

TEST_CASE("reason_text: each reason has its name and its sentence") {
    CHECK(std::string(reason_name(FGW_PASS_NOT_IP6)) == "PASS_NOT_IP6");
    CHECK(std::string(reason_name(FGW_ACL_DENY)) == "ACL_DENY");
    CHECK(std::string(reason_sentence(FGW_ACL_DENY)) == "denied by a rule");
    CHECK(std::string(reason_sentence(FGW_ACL_NO_MATCH)) == "denied: no rule matches");
}

TEST_CASE("reason_text: a number that is none says so") {
    CHECK(std::string(reason_name(FGW_REASON_MAX)) == "UNKNOWN");
    CHECK(std::string(reason_sentence(127)) == "unknown reason");
}
