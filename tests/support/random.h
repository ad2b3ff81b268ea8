/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random values for tests, repeatable: every test that uses them says INFO(random.seed())
 * or CAPTUREs it, and FAITH_SEED=N in the environment runs that seed again.
 */
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace faith::test {

class Random {
public:
    Random() : seed_(choose()), engine_(seed_) {}
    explicit Random(std::uint64_t seed) : seed_(seed), engine_(seed_) {}

    std::string seed() const { return "FAITH_SEED=" + std::to_string(seed_); }

    /* first and last inclusive. */
    std::uint64_t between(std::uint64_t first, std::uint64_t last) {
        return std::uniform_int_distribution<std::uint64_t>(first, last)(engine_);
    }
    bool one_in(std::uint64_t n) { return between(1, n) == 1; }
    std::uint8_t byte() { return static_cast<std::uint8_t>(between(0, 255)); }
    std::uint32_t word() { return static_cast<std::uint32_t>(between(0, UINT32_MAX)); }

private:
    static std::uint64_t choose() {
        if (const char *fixed = std::getenv("FAITH_SEED"))
            return std::strtoull(fixed, nullptr, 10);
        return std::random_device{}();
    }

    std::uint64_t seed_;
    std::mt19937_64 engine_;
};

} // namespace faith::test
