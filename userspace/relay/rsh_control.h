/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The beginning of an rsh connection, what its client says until rsh::Opening lets it through;
 * then the pump takes its place. What the server says is the other pump's from the first.
 *
 * The server connects to a reserved port of this connection's IPv4 address, and the client is
 * dialled from a reserved port of the prefix address (F20): either would believe no other
 * port. The rules that keep it from being anybody's ladder, as FTP's (ftp_control.h):
 *   (1) Only the client of this connection is dialled, and only on a reserved port.
 *   (2) Only the server is let through, and only from a reserved port: its client would check
 *       that, and sees the gateway's.
 *   (3) Once, on the port announced, within Dial::data_timeout.
 *
 * The two connections are idle together or not at all: standard error may be silent for hours.
 */
#pragma once

#include "relay/control.h"
#include "relay/pump.h"
#include "rsh/opening.h"

#include <string>

namespace faith::relay {

class RshControl {
public:
    /* The descriptors are the session's, as the connected sockets are. */
    RshControl(ControlTools &tools, const Parties &parties, int client, int server);
    RshControl(const RshControl &) = delete;
    RshControl &operator=(const RshControl &) = delete;

    /* From the client to the server, until through(). */
    Pump::Result step(Pump::Told told);
    bool through() const {
        return opening_.state() == rsh::Opening::State::Through && out_.empty();
    }
    bool want_read() const { return !hung_up_ && out_.empty(); }
    bool want_write() const { return !out_.empty(); }
    bool take_progress() { return std::exchange(progress_, false); }
    std::uint64_t bytes() const { return bytes_; }

    bool hung_up() const { return hung_up_; }
    const SharedActivity &together() const { return together_; }

private:
    bool drain(); /* false: the server failed */
    void listen();
    void hang_up(std::string_view why);
    void welcome(sys::Accepted4 accepted);

    ControlTools &tools_;
    const Parties parties_;
    const int client_;
    const int server_;
    rsh::Opening opening_;
    std::string out_;
    bool progress_ = false;
    bool hung_up_ = false;
    std::uint64_t bytes_ = 0;
    Awaited awaited_;
    sys::Timer wait_;
    SharedActivity together_;
};

} // namespace faith::relay
