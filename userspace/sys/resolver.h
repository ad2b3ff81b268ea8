/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One question to the name server, by the resolver of the C library. */
#pragma once

#include "base/addr.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <vector>

namespace faith::sys {

struct NameServer {
    Ip4 address;
    std::uint16_t port = 53;
};

/* The AAAA records of a name, none when it exists without any. Asks the servers of
 * /etc/resolv.conf, or that one, each once and for at most so many seconds. */
Result<std::vector<Ip6>> resolve6(const std::string &name, int seconds,
                                  std::optional<NameServer> server = {});

} // namespace faith::sys
