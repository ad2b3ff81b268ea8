/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/engine.h"

#include <catch2/catch.hpp>

using namespace faith::relay;

namespace {

void see(EngineChoice &choice, std::size_t bytes, int times) {
    for (int i = 0; i < times; ++i)
        choice.saw(bytes);
}

EngineChoice splicing() {
    EngineChoice choice;
    see(choice, read_bytes, 2);
    REQUIRE(choice.engine() == Engine::Splice);
    return choice;
}

} // namespace

TEST_CASE("engine: begins with copying; two full reads, or four large ones, are bulk") {
    EngineChoice choice;
    CHECK(choice.engine() == Engine::Copy);
    choice.saw(read_bytes);
    CHECK(choice.engine() == Engine::Copy);
    choice.saw(read_bytes);
    CHECK(choice.engine() == Engine::Splice);

    EngineChoice slower;
    see(slower, EngineChoice::large, 3);
    CHECK(slower.engine() == Engine::Copy);
    slower.saw(EngineChoice::large);
    CHECK(slower.engine() == Engine::Splice);
}

TEST_CASE("engine: small messages in between begin the count anew, middling ones do not") {
    EngineChoice choice;
    for (int i = 0; i < 100; ++i) {
        see(choice, EngineChoice::large, 3);
        choice.saw(EngineChoice::small);
    }
    CHECK(choice.engine() == Engine::Copy);
    see(choice, EngineChoice::large, 3);
    see(choice, EngineChoice::small + 1, 100);
    CHECK(choice.engine() == Engine::Copy);
    choice.saw(EngineChoice::large);
    CHECK(choice.engine() == Engine::Splice);
}

TEST_CASE("engine: back to copying after small messages in a row") {
    EngineChoice choice = splicing();
    for (int i = 0; i < 100; ++i) {
        see(choice, 1, EngineChoice::quiet_after - 1);
        choice.saw(EngineChoice::large);
    }
    CHECK(choice.engine() == Engine::Splice);
    see(choice, EngineChoice::small + 1, 100);
    CHECK(choice.engine() == Engine::Splice);
    see(choice, 1, EngineChoice::quiet_after);
    CHECK(choice.engine() == Engine::Copy);
}
