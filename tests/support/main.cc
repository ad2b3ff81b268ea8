/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Catch2's own main, built once: it takes longer to compile than all tests together. */
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
