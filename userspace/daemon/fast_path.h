/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the fast path of a tunnel needs of interfaces (bpf/lib/stf_fast.h). Pure. */
#pragma once

#include "daemon/tunnel.h"
#include "datapath/link.h"

#include <string>
#include <string_view>
#include <vector>

namespace faith::daemon {

bool has_fast_path(const std::vector<Tunnel> &tunnels);

/* Why a frame could not leave an interface by XDP, "" when it can. The kernel would drop it, and
 * kernels before 6.3 do not tell of their drivers, so these are listed. */
std::string fast_path_obstacle(datapath::XdpMode mode, std::string_view driver);

/* What an operator who asked for the fast path should know of an interface; "" for nothing. */
std::string fast_path_note(const std::string &interface, datapath::XdpMode mode,
                           std::string_view driver);

} // namespace faith::daemon
