/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Another program, run to its end for what it prints. */
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace faith::sys {

/* Found by PATH, standard input empty. An error has what it said on standard error. */
Result<std::string> output_of(const std::vector<std::string> &words);

} // namespace faith::sys
