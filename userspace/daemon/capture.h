/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Capturing for other programs: their listening sockets go into the maps of the dataplane in
 * place, whether a daemon runs or not; it need not know, because the maps are the truth.
 */
#pragma once

#include "daemon/instance.h"
#include "datapath/services.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faith::daemon {

using Json = nlohmann::json;

/* The services of the dataplane in place. Without one, NotLoaded says which command makes
 * one. */
Result<datapath::Services> open_services(const Instance &instance);

/* The listening socket of a process: descriptor `fd`, or the only one it has. */
Result<Json> capture(const Instance &instance, int pid, std::optional<int> fd);
/* All that it has: an array. What is captured when one fails stays so, and the error says it. */
Result<Json> capture_all(const Instance &instance, int pid);
Result<Json> release(const Instance &instance, std::uint16_t port);

/* The main process of a unit of systemd. */
Result<int> main_pid_of(const std::string &unit);
/* From what `systemctl show` prints. Pure. */
Result<int> read_main_pid(std::string_view shown, const std::string &unit);

Json to_json(const datapath::Service &service);

} // namespace faith::daemon
