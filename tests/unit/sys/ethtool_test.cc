/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/ethtool.h"

#include <catch2/catch.hpp>

using namespace faith::sys;

/* With drivers: tests/bpf/rtnl_test.cc, which makes interfaces. */
TEST_CASE("ethtool: what is no interface, or has no driver, has no name of one") {
    CHECK(driver_of("lo").empty());
    CHECK(driver_of("no-such-if").empty());
    CHECK(driver_of("a name longer than any interface has").empty());
    CHECK(driver_of("").empty());
}
