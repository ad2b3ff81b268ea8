/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/moved.h"

#include <catch2/catch.hpp>

#include <cerrno>

using namespace faith::sys;
using Kind = Moved::Kind;

TEST_CASE("moved: an answer of read(2) as a value") {
    CHECK(moved_from(5, 0) == Moved{.kind = Kind::Some, .bytes = 5, .error = 0});
    CHECK(moved_from(5, EAGAIN) == Moved{.kind = Kind::Some, .bytes = 5, .error = 0});
    CHECK(moved_from(0, EAGAIN) == Moved{.kind = Kind::End, .bytes = 0, .error = 0});
    CHECK(moved_from(-1, EAGAIN) == Moved{.kind = Kind::Again, .bytes = 0, .error = 0});
    CHECK(moved_from(-1, EINTR) == Moved{.kind = Kind::Again, .bytes = 0, .error = 0});
    CHECK(moved_from(-1, ECONNRESET) ==
          Moved{.kind = Kind::Error, .bytes = 0, .error = ECONNRESET});
}
