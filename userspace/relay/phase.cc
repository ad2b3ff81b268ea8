/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/phase.h"

namespace faith::relay {

namespace {

Step reset(std::optional<fgw_reason> reason) {
    return Step{.action = Action::Reset, .next = Phase::Over, .reason = reason};
}

Step pass_on(Action action, Phase next) {
    return Step{.action = action, .next = next, .reason = std::nullopt};
}

Step while_connecting(Event event) {
    switch (event) {
    case Event::Connected:
        return Step{.action = Action::Start, .next = Phase::Open, .reason = FGW_CONNECTED};
    case Event::Refused:
        return reset(FGW_CONNECT_REFUSED);
    case Event::TimedOut:
        return reset(FGW_CONNECT_TIMEOUT);
    case Event::Unreachable:
        return reset(FGW_CONNECT_FAILED);
    case Event::NoPort:
        return reset(FGW_NO_RESERVED_PORT);
    case Event::NoClient:
        return reset(FGW_FTP_NO_CLIENT);
    case Event::NoRshClient:
        return reset(FGW_RSH_NO_CLIENT);
    case Event::ClientReset:
        return reset(FGW_CLIENT_RESET);
    case Event::Revoke:
        return reset(FGW_REVOKED);
    case Event::ServerReset:
        return reset(FGW_SERVER_RESET);
    case Event::Stop:
        return reset(std::nullopt);
    default:
        return Step{};
    }
}

Step close(fgw_reason reason) {
    return Step{.action = Action::Close, .next = Phase::Over, .reason = reason};
}

/* The first end is passed on, the second ends the session. */
Step at_end(Phase phase, Event event) {
    const bool client = event == Event::ClientEnd;
    if (phase == Phase::Open)
        return client ? pass_on(Action::FinToServer, Phase::ClientDone)
                      : pass_on(Action::FinToClient, Phase::ServerDone);
    if (phase == (client ? Phase::ServerDone : Phase::ClientDone))
        return close(FGW_CLOSED);
    return Step{};
}

} // namespace

Step decide(Phase phase, Event event) {
    if (phase == Phase::Over)
        return Step{};
    if (phase == Phase::Connecting)
        return while_connecting(event);
    switch (event) {
    case Event::ClientEnd:
    case Event::ServerEnd:
        return at_end(phase, event);
    case Event::ClientReset:
        return reset(FGW_CLIENT_RESET);
    case Event::ServerReset:
        return reset(FGW_SERVER_RESET);
    case Event::Idle:
        return reset(FGW_IDLE_TIMEOUT);
    case Event::Revoke:
        return reset(FGW_REVOKED);
    case Event::Hangup:
        return close(FGW_FTP_HANGUP);
    case Event::BadOpening:
        return reset(FGW_RSH_HANGUP);
    case Event::Stop:
        return reset(std::nullopt);
    default:
        return Step{};
    }
}

} // namespace faith::relay
