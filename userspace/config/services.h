/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of well-known TCP ports, as in services(5). A table of our own, because this room
 * opens no files and because a configuration should mean the same on every machine.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace faith::config {

/* Names in any case. */
std::optional<std::uint16_t> service_port(std::string_view name);

std::span<const std::string_view> service_names();

} // namespace faith::config
