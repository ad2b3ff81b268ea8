/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What acl, explain, events and doctor say, as text for people. Pure. */
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace faith::cli {

/* Two spaces deep; bytes of a file name that are no UTF-8 are replaced. */
std::string json_text(const nlohmann::json &value);

std::string render_rules_with_hits(const nlohmann::json &rules);
std::string render_trial(const nlohmann::json &trial);
std::string render_explanation(const nlohmann::json &explanation);
std::string render_diagnosis(const nlohmann::json &diagnosis);
std::string render_event(const nlohmann::json &event); /* one line; of an event, or of lost ones */

} // namespace faith::cli
