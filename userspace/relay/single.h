/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The relay of a process that has one connection, which somebody else has accepted (inetd
 * mode). The same worker, in the thread of the caller, until no session is left: the
 * connection's own and, when it is FTP's control connection, those of its data in active
 * mode. Data in passive mode comes to whoever listens for the prefix.
 */
#pragma once

#include "relay/relay.h"

namespace faith::relay {

/* SIGPIPE has to be ignored or blocked. A connection that is refused is over at once, and the
 * reasons in the totals tell why. */
Result<Totals> relay_one(const Options &options, PolicyRef policy, sys::UniqueFd client);

} // namespace faith::relay
