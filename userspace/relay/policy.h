/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the relay needs to know about one connection, decided by somebody else. The
 * relay knows neither prefixes nor rules: it asks the judge, a pure function that the
 * daemon composes from them, and dials what the judge answers. A Policy is immutable;
 * a reload or an address change hands every worker a new one.
 */
#pragma once

#include "base/addr.h"
#include "faith/reasons.h"
#include "ftp/alg.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <variant>

namespace faith::relay {

using sys::Millis;

struct Request {
    Ip6 client;
    Ip6 destination;               /* as the client wrote it: getsockname of the accepted socket */
    std::uint16_t port = 0;        /* host byte order */
    std::uint16_t client_port = 0; /* 0: not known */
};

/* Permitted: where to connect and how. */
struct Dial {
    Ip4 target;
    std::uint16_t port = 0;
    std::optional<Ip4> source;         /* bind the IPv4 side to this address */
    bool reserved_port = false;        /* and to a port that only root could bind (D32) */
    std::uint32_t rule = 0;            /* index into the generation's rules; no_rule if none */
    Millis idle_timeout{};             /* zero: none */
    Millis connect_timeout{};          /* zero: as long as the kernel tries */
    Millis half_closed_timeout{};      /* in place of idle_timeout, once one side has ended */
    Millis data_timeout{120'000};      /* for a second connection to come; faithd's */
    std::optional<ftp::Dialect> ftp{}; /* the connection is FTP's control connection */
    bool rsh = false;                  /* the connection begins with a port for a second one */
};
inline constexpr std::uint32_t no_rule = 0xffffffff;

/* Refused: counted under the reason, the client gets a RST. */
struct Refuse {
    fgw_reason reason;
    Ip4 target; /* zero if the destination embeds none */
    std::uint32_t rule = no_rule;
};

/* Who talks to whom, and on whose word. */
struct Parties {
    sys::Endpoint6 client;
    Ip6 destination;
    Dial dial;
};

using Decision = std::variant<Dial, Refuse>;

struct Policy {
    std::function<Decision(const Request &)> judge;
    std::uint32_t generation = 1;
    std::uint32_t max_sessions = 0;            /* per gateway; 0: no limit but descriptors */
    std::uint32_t max_sessions_per_source = 0; /* per client /64; 0: no limit */
};

using PolicyRef = std::shared_ptr<const Policy>;

} // namespace faith::relay
