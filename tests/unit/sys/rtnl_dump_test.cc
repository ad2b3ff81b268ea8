/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What holds in every network namespace; tests/bpf/rtnl_test.cc has one of its own and
 * compares with ip and tc. */
#include "sys/rtnl.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace faith;
using namespace faith::sys;

TEST_CASE("rtnl: lo is interface 1") {
    const Result<std::vector<Interface>> links = list_interfaces();
    REQUIRE(links);
    const auto lo =
        std::ranges::find_if(*links, [](const Interface &link) { return link.name == "lo"; });
    REQUIRE(lo != links->end());
    CHECK(lo->index == 1);
    CHECK(lo->mtu > 0);
}

TEST_CASE("rtnl: everybody may list addresses, routes and queueing disciplines") {
    CHECK(list_addresses4());
    CHECK(list_addresses6());
    CHECK(list_routes6());
    CHECK(has_clsact(1));
    CHECK(count_clsact_filters(1));
}

TEST_CASE("rtnl: an interface that is not there has neither clsact nor filters") {
    const Result<bool> clsact = has_clsact(0x7ffffff0);
    REQUIRE(clsact);
    CHECK_FALSE(*clsact);
    const Result<std::size_t> filters = count_clsact_filters(0x7ffffff0);
    REQUIRE(filters);
    CHECK(*filters == 0);
}
