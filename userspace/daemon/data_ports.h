/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* FTP's passive data connections for programs that captured a port themselves. */
#pragma once

#include "daemon/instance.h"
#include "relay/relay.h"

#include <cstdint>

namespace faith::daemon {

/* They come to the listener of the control connection's port. */
relay::DataPortHooks data_ports_by(const Instance &instance, std::uint16_t service);

} // namespace faith::daemon
