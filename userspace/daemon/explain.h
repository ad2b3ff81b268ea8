/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs in the kernel would do with a connection, and why, as JSON. */
#pragma once

#include "daemon/instance.h"
#include "daemon/trial.h"

#include <cstdint>
#include <variant>

namespace faith::daemon {

struct Question {
    Ip6 source;
    std::variant<Ip6, Ip4> destination; /* an IPv4 address is embedded in a prefix */
    std::uint16_t port = 0;
};

/* {verdict, reason, sentence, source, destination, port, target, rule, generation, listener,
 * client_hears}. The verdict is "permit", "deny", or "pass" for what is not captured. A packet
 * that leads into a tunnel is explained as such: daemon/explain_tunnel.h. */
Result<Json> explain(const Instance &instance, const Question &question);

} // namespace faith::daemon
