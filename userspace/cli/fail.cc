/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/commands.h"

#include <cstdio>

namespace faith::cli {

int fail(const Error &error) {
    const bool configuration = error.kind == Errc::Invalid;
    std::fprintf(stderr, "%s%s\n", configuration ? "" : "faith-gw: ", error.text.c_str());
    return configuration ? 2 : 1;
}

} // namespace faith::cli
