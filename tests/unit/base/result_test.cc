/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/result.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <memory>

using namespace faith;

namespace {

Result<int> half(int number) {
    if (number % 2 != 0)
        return invalid(std::to_string(number) + " is odd");
    return number / 2;
}

Result<int> quarter(int number) {
    TRY_ASSIGN(const int halved, half(number));
    return half(halved);
}

Status must_be_even(int number) {
    TRY(half(number));
    return Ok{};
}

} // namespace

TEST_CASE("result: a value or an error") {
    CHECK(*half(4) == 2);
    Result<int> odd = half(3);
    REQUIRE_FALSE(odd);
    CHECK(odd.error().kind == Errc::Invalid);
    CHECK(odd.error().text == "3 is odd");
}

TEST_CASE("result: TRY and TRY_ASSIGN leave with the error") {
    CHECK(*quarter(8) == 2);
    CHECK(quarter(6).error().text == "3 is odd");
    CHECK(must_be_even(2));
    CHECK(must_be_even(1).error().text == "1 is odd");
}

TEST_CASE("result: each level says what it was doing") {
    Error error = system_error(EBUSY, "attach XDP").wrap("load eth0");
    CHECK(error.kind == Errc::System);
    CHECK(error.sys_errno == EBUSY);
    CHECK(error.text == "load eth0: attach XDP: Device or resource busy");
}

TEST_CASE("result: carries what can only be moved") {
    Result<std::unique_ptr<int>> owner = std::make_unique<int>(7);
    REQUIRE(owner);
    const std::unique_ptr<int> taken = *std::move(owner);
    CHECK(*taken == 7);
}
