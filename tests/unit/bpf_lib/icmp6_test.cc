/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/icmp6.h"

#include <catch2/catch.hpp>

TEST_CASE("icmp6: of all 256 types exactly 1, 2 and 3 are for TCP (F16)") {
    for (unsigned type = 0; type < 256; ++type) {
        const icmp6_header header = {
            .type = static_cast<__u8>(type), .code = 0, .checksum = 0, .body = 0};
        INFO("type " << type);
        CHECK(icmp6_is_for_tcp(&header) == (type >= 1 && type <= 3));
    }
}
