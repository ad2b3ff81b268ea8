/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The life of a session. "End" of one side means that its FIN was read and that every
 * byte before it was given to the other side's socket.
 *
 *                 CONNECTING       OPEN             CLIENT_DONE      SERVER_DONE
 *                 SYN sent to      both directions  client's FIN     server's FIN
 *                 the server       flow             passed on        passed on
 *   ------------  ---------------  ---------------  ---------------  ---------------
 *   Connected     -> OPEN          never            never            never
 *   Refused       RST, REFUSED     never            never            never
 *   TimedOut      RST, TIMEOUT     never            never            never
 *   Unreachable   RST, FAILED      never            never            never
 *   NoPort        RST, NO_PORT     never            never            never
 *   NoClient      RST, NO_CLIENT   never            never            never
 *   NoRshClient   RST, NO_CLIENT   never            never            never
 *   ClientEnd     never            FIN to server    never            close, CLOSED
 *                                  -> CLIENT_DONE
 *   ServerEnd     never            FIN to client    close, CLOSED    never
 *                                  -> SERVER_DONE
 *   ClientReset   RST, C_RESET     RST, C_RESET     RST, C_RESET     RST, C_RESET
 *   ServerReset   RST, S_RESET     RST, S_RESET     RST, S_RESET     RST, S_RESET
 *   Idle          never            RST, IDLE        RST, IDLE        RST, IDLE
 *   Revoke        RST, REVOKED     RST, REVOKED     RST, REVOKED     RST, REVOKED
 *   Hangup        never            close, HANGUP    close, HANGUP    close, HANGUP
 *   BadOpening    never            RST, HANGUP      RST, HANGUP      RST, HANGUP
 *   Stop          RST, uncounted   RST, uncounted   RST, uncounted   RST, uncounted
 *
 *   RST    both connections are reset and the session is over (D34, D42). The side
 *          that began it is gone already; resetting it is harmless.
 *   close  both are closed: the FIN that was not sent yet goes out, and the kernel
 *          still delivers what waits in the send queues (D40).
 *   never  cannot happen: nothing is read while connecting, the connect timeout runs
 *          in place of the idle timer (D33, D43), and a side ends once.
 *
 * Of FTP's active mode and of rsh's standard error there are sessions the other way round: the
 * server has connected, and the client is dialled. NoClient, NoRshClient and ServerReset while
 * connecting are theirs; what CONNECTING says of the server is then true of the client.
 *
 * decide() is this table, and nothing else in the relay decides.
 */
#pragma once

#include "faith/reasons.h"

#include <cstdint>
#include <optional>

namespace faith::relay {

enum class Phase : std::uint8_t { Connecting, Open, ClientDone, ServerDone, Over };

enum class Event : std::uint8_t {
    Connected,
    Refused,
    TimedOut,
    Unreachable,
    NoPort,
    NoClient,
    NoRshClient,
    ClientEnd,
    ServerEnd,
    ClientReset,
    ServerReset,
    Idle,
    Revoke,
    Hangup,
    BadOpening,
    Stop,
};

enum class Action : std::uint8_t { Never, Start, FinToServer, FinToClient, Close, Reset };

struct Step {
    Action action = Action::Never;
    Phase next = Phase::Over;
    std::optional<fgw_reason> reason; /* counted, if there is one */
    bool operator==(const Step &) const = default;
};

Step decide(Phase phase, Event event);

} // namespace faith::relay
