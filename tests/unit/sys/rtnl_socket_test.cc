/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Needs no privilege: everybody may ask rtnetlink, and be told no. */
#include "sys/rtnl_socket.h"

#include <catch2/catch.hpp>

#include <sys/socket.h>

#include <cerrno>

using namespace faith;
using namespace faith::sys::rtnl;
using Catch::Matchers::Contains;

TEST_CASE("rtnl: an interrupted dump is made again until it is complete") {
    int calls = 0;
    const Status status = until_complete(
        [&]() -> Result<Dumped> { return ++calls < 3 ? Dumped::Interrupted : Dumped::Complete; });
    CHECK(status);
    CHECK(calls == 3);
}

TEST_CASE("rtnl: a dump that is interrupted for ever ends as Busy") {
    int calls = 0;
    const Status status = until_complete([&]() -> Result<Dumped> {
        ++calls;
        return Dumped::Interrupted;
    });
    REQUIRE_FALSE(status);
    CHECK(status.error().kind == Errc::Busy);
    CHECK(calls == max_dumps);
}

TEST_CASE("rtnl: a dump that fails is not made again") {
    int calls = 0;
    const Status status = until_complete([&]() -> Result<Dumped> {
        ++calls;
        return system_error(EPERM, "list");
    });
    REQUIRE_FALSE(status);
    CHECK(status.error().sys_errno == EPERM);
    CHECK(calls == 1);
}

TEST_CASE("rtnl: a refused dump says what was asked, the kernel's words and the errno") {
    Request wrong(RTM_GETROUTE, 0);
    rtmsg &route = wrong.add<rtmsg>();
    route.rtm_family = AF_INET6;
    route.rtm_tos = 1;
    const Result<Dumped> refused = dump_once(wrong, [](const nlmsghdr &) {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().sys_errno == EINVAL);
    CHECK_THAT(refused.error().text, Contains("list IPv6 routes: "));
    CHECK_THAT(refused.error().text, Contains("header for FIB dump"));
    CHECK_THAT(refused.error().text, Contains("Invalid argument"));
}

TEST_CASE("rtnl: an error at the end of a dump is not taken for its end") {
    Request request(RTM_GETROUTE, 0);
    request.add<rtmsg>().rtm_family = AF_INET6;
    mnl_attr_put_u32(request.head(), RTA_TABLE, 0x7ffffff1);
    const Result<Dumped> refused = dump_once(request, [](const nlmsghdr &) {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().sys_errno == ENOENT);
}
