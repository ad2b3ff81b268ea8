/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports as text for people. Pure. */
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace faith::cli {

/* The JSON of `status --json` as a page: every reason counter that is not zero. */
std::string render_status(const nlohmann::json &status);

/* "1.5 GiB" */
std::string render_bytes(std::uint64_t bytes);

} // namespace faith::cli
