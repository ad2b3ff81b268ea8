/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/phase.h"

#include <catch2/catch.hpp>

#include <map>
#include <vector>

using namespace faith::relay;

TEST_CASE("phase: every cell of the table") {
    const std::optional<fgw_reason> none;
    const auto never = Step{};
    const auto rst = [](std::optional<fgw_reason> reason) {
        return Step{.action = Action::Reset, .next = Phase::Over, .reason = reason};
    };
    const Step closed{.action = Action::Close, .next = Phase::Over, .reason = FGW_CLOSED};
    const Step start{.action = Action::Start, .next = Phase::Open, .reason = FGW_CONNECTED};
    const Step fin_s{.action = Action::FinToServer, .next = Phase::ClientDone, .reason = none};
    const Step fin_c{.action = Action::FinToClient, .next = Phase::ServerDone, .reason = none};
    const Step c_reset = rst(FGW_CLIENT_RESET);
    const Step s_reset = rst(FGW_SERVER_RESET);
    const Step hangup{.action = Action::Close, .next = Phase::Over, .reason = FGW_FTP_HANGUP};
    const Step bad_opening = rst(FGW_RSH_HANGUP);
    const Step idle = rst(FGW_IDLE_TIMEOUT);
    const Step revoked = rst(FGW_REVOKED);

    /* Columns as in phase.h, and a last one for a session that is over. */
    const std::map<Event, std::vector<Step>> table = {
        {Event::Connected, {start, never, never, never, never}},
        {Event::Refused, {rst(FGW_CONNECT_REFUSED), never, never, never, never}},
        {Event::TimedOut, {rst(FGW_CONNECT_TIMEOUT), never, never, never, never}},
        {Event::Unreachable, {rst(FGW_CONNECT_FAILED), never, never, never, never}},
        {Event::NoPort, {rst(FGW_NO_RESERVED_PORT), never, never, never, never}},
        {Event::ClientEnd, {never, fin_s, never, closed, never}},
        {Event::ServerEnd, {never, fin_c, closed, never, never}},
        {Event::ClientReset, {c_reset, c_reset, c_reset, c_reset, never}},
        {Event::NoClient, {rst(FGW_FTP_NO_CLIENT), never, never, never, never}},
        {Event::NoRshClient, {rst(FGW_RSH_NO_CLIENT), never, never, never, never}},
        {Event::BadOpening, {never, bad_opening, bad_opening, bad_opening, never}},
        {Event::Hangup, {never, hangup, hangup, hangup, never}},
        {Event::ServerReset, {s_reset, s_reset, s_reset, s_reset, never}},
        {Event::Idle, {never, idle, idle, idle, never}},
        {Event::Revoke, {revoked, revoked, revoked, revoked, never}},
        {Event::Stop, {rst(none), rst(none), rst(none), rst(none), never}},
    };
    const std::vector<Phase> phases = {Phase::Connecting, Phase::Open, Phase::ClientDone,
                                       Phase::ServerDone, Phase::Over};
    CHECK(table.size() == 16);
    for (const auto &[event, row] : table)
        for (std::size_t column = 0; column < phases.size(); ++column) {
            INFO("event " << static_cast<int>(event) << ", phase " << column);
            CHECK(decide(phases[column], event) == row[column]);
        }
}
