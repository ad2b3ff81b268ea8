/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/commands.h"

#include "faith/abi.h"

#include <cstdio>

namespace faith::cli {

int cmd_version(Output output) {
    if (output == Output::Json)
        std::printf("{\"version\": \"%s\", \"abi\": %d}\n", FGW_VERSION, FGW_ABI_VERSION);
    else
        std::printf("faith-gw %s (abi %d)\n", FGW_VERSION, FGW_ABI_VERSION);
    return 0;
}

} // namespace faith::cli
