/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/rsh_control.h"

#include <utility>

namespace faith::relay {

using sys::Moved;

namespace {

constexpr std::size_t read_at_once = 4096; /* a port, two names and a command */

} // namespace

RshControl::RshControl(ControlTools &tools, const Parties &parties, int client, int server)
    : tools_(tools), parties_(parties), client_(client), server_(server),
      together_(std::make_shared<Millis>(tools.loop.now())) {}

Pump::Result RshControl::step(Pump::Told told) {
    if (!drain())
        return Pump::Result::SinkFailed;
    bool more = true;
    while (more && want_read() && !through()) {
        const std::span<std::byte> into = tools_.scratch.first(read_at_once);
        const Moved in = sys::receive(client_, into);
        if (in.kind == Moved::Kind::Error)
            return Pump::Result::SourceFailed;
        if (in.kind == Moved::Kind::Again)
            break;
        progress_ = true;
        if (in.kind == Moved::Kind::End) {
            hang_up("it ended before it said its port");
            break;
        }
        more = in.bytes == into.size() || told == Pump::Told::Ended;
        out_ += opening_.feed({reinterpret_cast<const char *>(into.data()), in.bytes});
        if (opening_.state() == rsh::Opening::State::Waiting)
            listen();
        if (opening_.state() == rsh::Opening::State::Broken)
            hang_up(opening_.fault());
        if (!drain())
            return Pump::Result::SinkFailed;
    }
    return Pump::Result::Going;
}

bool RshControl::drain() {
    while (!out_.empty()) {
        const Moved out = sys::send(server_, std::as_bytes(std::span(out_)));
        if (out.kind == Moved::Kind::Again)
            return true;
        if (out.kind != Moved::Kind::Some)
            return false;
        out_.erase(0, out.bytes);
        bytes_ += out.bytes;
        tools_.stats.bytes_to_server.add(out.bytes);
        progress_ = true;
    }
    return true;
}

void RshControl::listen() {
    const Result<sys::Endpoint4> here = sys::local4(server_);
    if (!here)
        return hang_up("the connection to the server is gone");
    Result<sys::UniqueFd> listener = tools_.reserved.listen4(here->address);
    if (!listener) {
        tools_.stats.reasons[FGW_NO_RESERVED_PORT].add(1);
        return hang_up("no port for its standard error: " + listener.error().text);
    }
    const Result<sys::Endpoint4> at = sys::local4(listener->get());
    Awaited::Guest server{.admitted =
                              [this](const sys::Endpoint4 &peer) {
                                  return peer.address == parties_.dial.target &&
                                         rsh::is_reserved(peer.port);
                              },
                          .stranger = FGW_RSH_STRANGER,
                          .welcome = [this](sys::Accepted4 it) { welcome(std::move(it)); }};
    if (!at || !awaited_.open(tools_, *std::move(listener), std::move(server)))
        return hang_up("no descriptor for its standard error");
    wait_ = tools_.loop.after(parties_.dial.data_timeout, [this] { awaited_.close(); });
    out_ += opening_.listening(at->port);
}

void RshControl::welcome(sys::Accepted4 accepted) {
    wait_ = sys::Timer{};
    /* The port of the dial stays rsh's: about this the judge is asked when rules change. */
    tools_.join(ActiveData{
        .kind = ActiveData::Kind::Rsh,
        .parties = {.client = {.address = parties_.client.address, .port = opening_.port()},
                    .destination = parties_.destination,
                    .dial = parties_.dial},
        .server = std::move(accepted.fd),
        .together = together_});
}

void RshControl::hang_up(std::string_view why) {
    if (std::exchange(hung_up_, true))
        return;
    awaited_.close();
    if (tools_.complain)
        tools_.complain("rsh of " + to_string(parties_.client.address) + " to " +
                        to_string(parties_.dial.target) + " ended: " + std::string(why));
}

} // namespace faith::relay
