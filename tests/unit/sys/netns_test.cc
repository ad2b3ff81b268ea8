/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/netns.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace faith;

TEST_CASE("netns: the inode is the one the kernel shows people") {
    const Result<std::uint64_t> inode = sys::netns_inode();
    REQUIRE(inode);
    CHECK(std::filesystem::read_symlink("/proc/self/ns/net") ==
          "net:[" + std::to_string(*inode) + "]");
}
